package main

import (
	"bufio"
	"io"
	"os"
	"sync"

	"github.com/ergochat/readline"
	"golang.org/x/term"
)

// An input is where a console reads lines, and writes.
type input interface {
	// read reads a line, without its end. The error is io.EOF, or
	// readline.ErrInterrupt: Control-C was typed.
	read(prompt string) (string, error)

	// output may be written to by any goroutine.
	output() io.Writer

	// prompts reports whether somebody sees them.
	prompts() bool

	close()
}

// newInput is a terminal with history and editing where stdin and stdout are one,
// and else lines.
func newInput(stdin io.Reader, stdout io.Writer) (input, error) {
	in, ok := stdin.(*os.File)
	out, also := stdout.(*os.File)
	if !ok || !also || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		lines := bufio.NewScanner(stdin)
		lines.Buffer(nil, 1<<20)
		return &plainInput{lines: lines, out: &serialWriter{w: stdout}}, nil
	}
	rl, err := readline.NewFromConfig(&readline.Config{
		HistoryFile: historyFile(),
		Stdin:       in,
		Stdout:      out,
		Undo:        true,
	})
	if err != nil {
		return nil, err
	}
	return &terminal{rl}, nil
}

// A terminal is an input at which somebody sits.
type terminal struct{ *readline.Instance }

func (t *terminal) read(prompt string) (string, error) {
	t.SetPrompt(prompt)
	return t.ReadLine()
}

func (t *terminal) output() io.Writer { return t.Stdout() }
func (t *terminal) prompts() bool     { return true }
func (t *terminal) close()            { _ = t.Close() }

// A plainInput is an input that is a file, or another program.
type plainInput struct {
	lines *bufio.Scanner
	out   io.Writer
}

func (p *plainInput) read(string) (string, error) {
	if p.lines.Scan() {
		return p.lines.Text(), nil
	}
	if err := p.lines.Err(); err != nil {
		return "", err
	}
	return "", io.EOF
}

func (p *plainInput) output() io.Writer { return p.out }
func (p *plainInput) prompts() bool     { return false }
func (p *plainInput) close()            {}

// A serialWriter is for any goroutine.
type serialWriter struct {
	mu sync.Mutex // held while w is written to
	w  io.Writer
}

func (s *serialWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
