package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"lapps/config"
)

// newLog logs to w: text on a terminal, JSON otherwise.
func newLog(w io.Writer) *slog.Logger { return slog.New(logHandler(w, "auto", nil)) }

// logHandler writes lines of a format, of a level at least; nil: of info.
func logHandler(w io.Writer, format string, level slog.Leveler) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	f, ok := w.(*os.File)
	if format == "text" || format == "auto" && ok && term.IsTerminal(int(f.Fd())) {
		return slog.NewTextHandler(w, options)
	}
	return slog.NewJSONHandler(w, options)
}

// A journal is what a daemon logs to, as its configuration says.
type journal struct {
	*slog.Logger
	level slog.LevelVar
	file  *logFile // nil: standard error

	asked <-chan os.Signal // to open the file again, and to read the level
	quit  chan struct{}
	done  chan struct{}
}

// openJournal opens it. load reads the configuration again when asked tells to. A file that
// cannot be opened is a *config.Error. It must be closed.
func openJournal(cfg *config.Config, stderr io.Writer, asked <-chan os.Signal, load func() (*config.Config, error)) (*journal, error) {
	j := &journal{asked: asked, quit: make(chan struct{}), done: make(chan struct{})}
	j.level.Set(levelOf(cfg))
	w := stderr
	if name := cfg.Log.File; name != "" {
		f, err := openLogFile(name)
		if err != nil {
			return nil, logMistake(cfg, err)
		}
		j.file = &logFile{name: name, f: f}
		w = j.file
	}
	j.Logger = slog.New(logHandler(w, cfg.Log.Format, &j.level))
	go j.run(load)
	return j, nil
}

// close ends it.
func (j *journal) close() {
	close(j.quit)
	<-j.done
	if j.file != nil {
		_ = j.file.f.Close() // each line has been written at once
	}
}

func (j *journal) run(load func() (*config.Config, error)) {
	defer close(j.done)
	for {
		select {
		case <-j.asked:
			j.again(load)
		case <-j.quit:
			return
		}
	}
}

// again opens the file again, and takes the level from the configuration. What is wrong
// leaves things as they are.
func (j *journal) again(load func() (*config.Config, error)) {
	if j.file != nil {
		if err := j.file.reopen(); err != nil {
			j.Error("log: the file stays as it is", "err", err)
		}
	}
	cfg, err := load()
	if err != nil {
		j.Error("log: the level stays as it is", "err", err)
		return
	}
	if level := levelOf(cfg); level != j.level.Level() {
		j.level.Set(level)
		j.Log(context.Background(), level, "log: another level", "level", cfg.Log.Level)
	}
}

func levelOf(cfg *config.Config) (level slog.Level) {
	_ = level.UnmarshalText([]byte(cfg.Log.Level)) // checked
	return level
}

// A logFile is a file that lines are appended to. Its methods may be called from any
// goroutine.
type logFile struct {
	name string

	mu sync.Mutex // guards the field below
	f  *os.File
}

// openLogFile opens a file, which may be a pipe that somebody reads.
func openLogFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, 0o640)
	if err != nil {
		return nil, notWritable(err)
	}
	return f, nil
}

// checkLog returns what is wrong with the file that is logged to. It makes none.
func checkLog(cfg *config.Config) error {
	name := cfg.Log.File
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0)
	switch dir := filepath.Dir(name); {
	case err == nil:
		_ = f.Close() // nothing was written
	case errors.Is(err, fs.ErrNotExist) && isDirectory(dir):
		err = os.NewSyscallError("create "+name, unix.Access(dir, unix.W_OK|unix.X_OK))
	}
	if err != nil {
		return logMistake(cfg, notWritable(err))
	}
	return nil
}

func logMistake(cfg *config.Config, err error) error {
	return &config.Error{Mistakes: []config.Mistake{cfg.LogMistake(err.Error())}}
}

func notWritable(err error) error { return fmt.Errorf("must be a file that can be written: %w", err) }

// Write implements io.Writer.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Write(p)
}

// reopen goes on with whatever has the file's name now.
func (l *logFile) reopen() error {
	f, err := openLogFile(l.name)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.f
	l.f = f
	l.mu.Unlock()
	return old.Close()
}
