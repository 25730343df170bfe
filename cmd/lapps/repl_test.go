package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// talk gives a console lines and returns what it wrote.
func talk(t *testing.T, names []string, lines string) (out string, err error) {
	t.Helper()
	all, trust, err := replServices("", names, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = repl(t.Context(), all, trust, strings.NewReader(lines), &b)
	return b.String(), err
}

func TestREPL(t *testing.T) {
	for _, c := range []struct {
		name, lines, want string
		fails             bool
	}{
		{"expressions", "1+1\n=2*3, 'x'\nnil\n", "2\n6\t\"x\"\nnil\n", false},
		{"statements", "x = 1\nlocal y = 2\nreturn x, y\n", "1\tnil\n", false},
		{"tables", "{1, {a = {{{{5}}}}}, b = 'x', [2.5] = true}\n", "{1, {a = {{{{...}}}}}, [2.5] = true, b = \"x\"}\n", false},
		{"a table in itself", "t = {} t.t = t\nt\n", "{t = <itself>}\n", false},
		{"tostring", "setmetatable({}, {__tostring = function() return 'me' end})\nnljson.decode('[1]')\n", "me\n[1]\n", false},
		{"several lines", "for i = 1, 2 do\nprint(i, {} == nil)\nend\n1 +\n\n1\n[[a\nb]]\n", "1\tfalse\n2\tfalse\n2\n\"a\\nb\"\n", false},
		{"errors", "x = 1\nerror('no', 0)\nx\n", "stdin:1: no\nstack traceback:\n\t[G]: in function 'error'\n\tstdin:1: in main chunk\n\t[G]: ?\n1\n", true},
		{"a syntax error", "1 1\n", "stdin:1: syntax error near '1'\n", true},
		{"not finished", "f(", "stdin:1: syntax error near the end of the file\n", true},
		{"waits", "task = require 'task'\ntask.spawn(function() return 7 end):wait()\nsleep(0)\n", "true\t7\ntrue\n", false},
		{"tasks go on", "t = require('task').spawn(function() sleep(0) print('done') end)\nt:wait()\n", "done\ntrue\n", false},
		{"an error in a task", "require('task').spawn(function() error('no') end) sleep(0.01)\n",
			"lua error function=task err=stdin:1: no\nstack traceback:\n\t[G]: in function 'error'\n\tstdin:1: in function <stdin:1>\n\t[G]: ?\n", false},
		{"what services have", "bcast:create(1), ws:send(1, 1, 'x')\ninstance_id\n", "true\tfalse\t\"no such connection\"\n\"repl/1\"\n", false},
		{"modules that reach outside", "type(require 'cws'), type(require 'pam_auth')\n", "\"table\"\t\"table\"\n", false},
		{"libraries", "bit.tohex(255), utf8.len('\\195\\188'), bit == require('bit'), io.open ~= nil\nrequire('struct').pack('>H', 1)\n", "\"000000ff\"\t1\ttrue\ttrue\n\"\\000\\001\"\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := talk(t, nil, c.lines)
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if told := errors.Is(err, errTold); told != c.fails || err != nil && !told {
				t.Errorf("failed: %v, want %v", err, c.fails)
			}
		})
	}
}

// TestREPLOfService has the console within a service that runs.
func TestREPLOfService(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "examples"))
	got, err := talk(t, []string{"chat"}, "chat.methods.rooms()\ninstance_id\nrequire('task') ~= nil\n")
	if want := "{cats = 3003, lobby = 3001, lua = 3002}\n\"chat/1\"\ntrue\n"; got != want || err != nil {
		t.Errorf("got\n%s%v\nwant\n%s", got, err, want)
	}
	if _, _, err := replServices("", []string{"nobody"}, io.Discard); err == nil {
		t.Error("there is a service nobody")
	}
}

// onTerminal is a value of asLapps: the standard input is a terminal.
const onTerminal = "terminal"

// A screen keeps what comes from a terminal, and answers where its cursor is.
type screen struct {
	tty *os.File

	mu   sync.Mutex // guards the field below
	text string
	more chan struct{} // something has come; capacity 1
	over chan struct{} // closed when nothing comes any more
}

func (s *screen) read() {
	defer close(s.over)
	for p := make([]byte, 4096); ; {
		n, err := s.tty.Read(p)
		if bytes.Contains(p[:n], []byte("\x1b[6n")) {
			_, _ = s.tty.WriteString("\x1b[1;1R")
		}
		s.mu.Lock()
		s.text += string(p[:n])
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// await waits until the screen shows text, and forgets what was before its end.
func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	for limit := time.After(20 * time.Second); ; {
		s.mu.Lock()
		_, rest, found := strings.Cut(s.text, text)
		if found {
			s.text = rest
		}
		seen := s.text
		s.mu.Unlock()
		if found {
			return
		}
		select {
		case <-s.more:
		case <-limit:
			t.Fatalf("waiting for %q: %q", text, seen)
		}
	}
}

func (s *screen) send(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// startREPL runs lapps repl at a terminal of its own.
func startREPL(t *testing.T, state string) (*screen, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "repl")
	cmd.Env = append(os.Environ(), asLapps+"="+onTerminal, "XDG_STATE_HOME="+state, "TERM=xterm")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{tty: tty, more: make(chan struct{}, 1), over: make(chan struct{})}
	go s.read()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		tty.Close()
		<-s.over
	})
	return s, cmd
}

// TestREPLAtTerminal types: Control-C ends what runs and what is typed, history is
// kept, Control-D is the end.
func TestREPLAtTerminal(t *testing.T) {
	state := t.TempDir()
	s, cmd := startREPL(t, state)
	s.await(t, promptNew)
	s.send(t, "x = 40\r")
	s.await(t, promptNew)
	s.send(t, "(function()\r")
	s.await(t, promptMore)
	s.send(t, "return x + 2 end)()\r")
	s.await(t, "42\r\n")
	s.await(t, promptNew)
	s.send(t, "print('lo' .. 'op') while true do pcall(error) end\r")
	s.await(t, "loop\r\n")
	s.send(t, "\x03")
	s.await(t, "interrupted")
	s.await(t, promptNew)
	s.send(t, "print('sle' .. 'ep') sleep(3600)\r")
	s.await(t, "sleep\r\n")
	s.send(t, "\x03")
	s.await(t, "interrupted")
	s.await(t, promptNew)
	s.send(t, "require('task').spawn(function() print('spin' .. 'ning') while true do end end) sleep(3600)\r")
	s.await(t, "spinning\r\n")
	s.send(t, "\x03")
	s.await(t, "interrupted")
	s.await(t, promptNew)
	s.send(t, "nonsense(\x03")
	s.await(t, promptNew)
	s.send(t, "x * 2\r")
	s.await(t, "80\r\n")
	s.await(t, promptNew)
	s.send(t, "\x04")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	s, cmd = startREPL(t, state)
	s.await(t, promptNew)
	s.send(t, "\x1b[A")
	s.await(t, "x * 2")
	s.send(t, "\x15\x04")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestREPLConnects: a service's console opens connections as the service does, and any other to anything.
func TestREPLConnects(t *testing.T) {
	d := startDaemon(t, `{"services": {"echo": {}}}`, echoApp)
	dir := writeApps(t, map[string]string{"caller/caller.lua": "return {run = function() end}"})
	path := filepath.Join(dir, "lapps.json")
	text := `{"services": {"caller": {"standalone": true, "instances": 1, "grants": {"modules": ["cws"], "network": ["127.0.0.1:*"]}}}}`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	all, trust, err := replServices(path, []string{"caller"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	lines := "c = assert(require('cws').connect('" + d.url("/echo") + "'))\nc:send('hello')\nc:recv(30)\n"
	const want = "true\n\"hello\"\t1\n"
	if err := repl(t.Context(), all, trust, strings.NewReader(lines), &b); err != nil || b.String() != want {
		t.Errorf("%v\n%s", err, b.String())
	}
	if got, err := talk(t, nil, lines); err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}
