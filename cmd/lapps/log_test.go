package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lapps/config"
)

// openTestJournal opens a journal of a configuration, which may be written anew. again is
// what a signal has it do.
func openTestJournal(t *testing.T, path string, stderr io.Writer) (j *journal, again func()) {
	t.Helper()
	load := func() (*config.Config, error) { return config.Load(path) }
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	j, err = openJournal(cfg, stderr, nil, load)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.close)
	return j, func() { j.again(load) }
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mustHold compares the messages in a file of lines of JSON.
func mustHold(t *testing.T, path string, messages ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		_, rest, _ := strings.Cut(line, `"msg":"`)
		message, _, _ := strings.Cut(rest, `"`)
		got = append(got, message)
	}
	if strings.Join(got, "|") != strings.Join(messages, "|") {
		t.Errorf("%s: got %q, want %q", path, got, messages)
	}
}

// TestLogFile has a file moved away and opened again, and the level changed meanwhile.
func TestLogFile(t *testing.T) {
	dir := t.TempDir()
	path, file, old := filepath.Join(dir, "lapps.json"), filepath.Join(dir, "lapps.log"), filepath.Join(dir, "lapps.log.1")
	write(t, path, `{"log": {"file": "lapps.log"}}`)
	write(t, file, `{"msg":"before"}`+"\n")
	var stderr bytes.Buffer
	j, again := openTestJournal(t, path, &stderr)
	j.Debug("not at this level")
	j.Info("one")
	if err := os.Rename(file, old); err != nil {
		t.Fatal(err)
	}
	j.Info("two")
	write(t, path, `{"log": {"file": "another.log", "level": "debug"}}`) // the name takes a restart
	again()
	j.Debug("three")
	mustHold(t, old, "before", "one", "two")
	mustHold(t, file, "log: another level", "three")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&^0o640 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	if err := os.Rename(file, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path, `{"log": {"level": "loud"}}`)
	again()
	j.Debug("four")
	mustHold(t, old, "log: another level", "three", "log: the file stays as it is", "log: the level stays as it is", "four")
	if stderr.Len() > 0 {
		t.Errorf("standard error: %s", stderr.String())
	}
}

// TestLogAsked has a signal do that.
func TestLogAsked(t *testing.T) {
	asked, looked := make(chan os.Signal, 1), make(chan bool)
	j, err := openJournal(&config.Config{Log: config.Log{Level: "info"}}, io.Discard, asked, func() (*config.Config, error) {
		looked <- true
		return &config.Config{Log: config.Log{Level: "warn"}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	asked <- syscall.SIGHUP
	<-looked
	j.close() // waits for what is under way
	if level := j.level.Level(); level != slog.LevelWarn {
		t.Errorf("the level is %v", level)
	}
}

// TestLogForms holds how lines look on standard error.
func TestLogForms(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lapps.json")
	for text, want := range map[string]string{
		`{}`:                          `{"level":"WARN","msg":"w","a":1}|{"level":"INFO","msg":"i"}|`,
		`{"log": {"format": "text"}}`: `level=WARN msg=w a=1|level=INFO msg=i|`,
		`{"log": {"level": "error"}}`: ``,
		`{"log": {"level": "warn"}}`:  `{"level":"WARN","msg":"w","a":1}|`,
		`{"log":{"level":"debug","format": "text"}}`: `level=WARN msg=w a=1|level=INFO msg=i|level=DEBUG msg=d|`,
	} {
		write(t, path, text)
		var b bytes.Buffer
		j, _ := openTestJournal(t, path, &b)
		j.Warn("w", "a", 1)
		j.Info("i")
		j.Debug("d")
		var got strings.Builder
		for line := range strings.Lines(b.String()) {
			i := max(strings.Index(line, "level="), strings.Index(line, `"level"`))
			if strings.HasPrefix(line, "{") {
				got.WriteString("{")
			}
			got.WriteString(strings.TrimSpace(line[i:]) + "|")
		}
		if got.String() != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got.String(), want)
		}
	}
}

// TestLogMistakes: a file that cannot be written is a mistake at its line.
func TestLogMistakes(t *testing.T) {
	dir := writeApps(t, echoApp)
	path, pipe := filepath.Join(dir, "lapps.json"), filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, why := range map[string]string{"apps": "is a directory", "none/lapps.log": "no such file or directory", "pipe": "no such device or address"} {
		write(t, path, "{\"services\": {\"echo\": {}},\n\"log\": {\"file\": \""+file+"\"}}")
		want := path + ":2: log.file: must be a file that can be written: open " + filepath.Join(dir, file) + ": " + why + "\n"
		for _, name := range []string{"run", "check"} {
			if status, _, stderr := command(t, name, "-c", path); status != exitUsage || stderr != want {
				t.Errorf("%s: exit status %d\n got %swant %s", name, status, stderr, want)
			}
		}
	}
}

// TestLogChecked: to check a configuration makes no file, and writes to none.
func TestLogChecked(t *testing.T) {
	dir := writeApps(t, echoApp)
	path, file := filepath.Join(dir, "lapps.json"), filepath.Join(dir, "lapps.log")
	write(t, path, `{"services": {"echo": {}}, "log": {"file": "lapps.log"}}`)
	mustCheck := func() {
		t.Helper()
		if status, _, stderr := command(t, "check", "-c", path); status != exitOK {
			t.Errorf("exit status %d, %s", status, stderr)
		}
	}
	mustCheck()
	if !isGone(file) {
		t.Error("the file was made")
	}
	write(t, file, "x")
	mustCheck()
	if text, err := os.ReadFile(file); string(text) != "x" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if os.Getuid() == 0 {
		return // may write anywhere
	}
	if err := errors.Join(os.Remove(file), os.Chmod(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	status, _, stderr := command(t, "check", "-c", path)
	if want := path + ":1: log.file: must be a file that can be written: create " + file + ": permission denied\n"; status != exitUsage || stderr != want {
		t.Errorf("exit status %d\n got %swant %s", status, stderr, want)
	}
}

// TestLogConnections: a connection has two lines at debug, and none at info.
func TestLogConnections(t *testing.T) {
	for level, want := range map[string]int{"debug": 1, "info": 0} {
		d := startDaemon(t, `{"log": {"level": "`+level+`"}, "services": {"echo": {}}}`, echoApp)
		c := dialCoder(t, d.url("/echo"), nil)
		c.send(t, false, []byte("x"))
		mustReceive(t, c, false, []byte("x"))
		c.close(t)
		d.stop()
		opened := d.logged.count(`"level":"DEBUG","msg":"connection opened","id":1,"remote_addr":"127.0.0.1:`)
		closed := d.logged.count(`,"service":"echo","code":1000}`)
		if opened != want || closed != want || d.logged.count(`"connection `) != 2*want {
			t.Errorf("%s: opened %d, closed %d:\n%s", level, opened, closed, d.logged)
		}
	}
}
