package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
)

// startExamples serves the embedded examples, as lapps without arguments
// does, on a free port.
func startExamples(t *testing.T) *testDaemon {
	t.Helper()
	cfg, err := exampleConfig()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listeners[0].Address != "127.0.0.1:5083" {
		t.Errorf("the default address is %s", cfg.Listeners[0].Address)
	}
	cfg.Listeners[0].Address = "127.0.0.1:0"
	logged := new(logged)
	d, err := assemble(cfg, embedded, slog.New(slog.NewJSONHandler(logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopDaemon(t, d) })
	return &testDaemon{daemon: d, logged: logged}
}

func TestExampleEcho(t *testing.T) {
	mustEcho(t, startExamples(t).url("/echo"))
}

func TestExampleCounter(t *testing.T) {
	d := startExamples(t)
	for name, want := range map[string]int{"": 401, "mallory": 403} {
		header := http.Header{}
		if name != "" {
			header.Set("X-Name", name)
		}
		_, response, err := coder.Dial(patience(t), d.url("/counter"), &coder.DialOptions{HTTPHeader: header})
		if err == nil || response == nil || response.StatusCode != want {
			t.Errorf("%q: %v, %v, want status %d", name, response, err, want)
		}
	}
	alice := dialCoder(t, d.url("/counter"), http.Header{"X-Name": {"alice"}})
	bob := dialGorilla(t, d.url("/counter"), http.Header{"X-Name": {"bob"}})
	for range 3 {
		alice.send(t, false, []byte("x"))
		alice.receive(t)
	}
	alice.send(t, false, []byte("x"))
	if _, got := alice.receive(t); !strings.HasPrefix(string(got), "alice: 4 of 4, counter/") {
		t.Errorf("alice received %q", got)
	}
	bob.send(t, true, []byte("x"))
	if _, got := bob.receive(t); !strings.HasPrefix(string(got), "bob: 1 of 1, counter/") {
		t.Errorf("bob received %q", got)
	}
	alice.send(t, false, []byte("bye"))
	if code, reason := alice.closed(t); code != 1000 || reason != "goodbye, alice" {
		t.Errorf("closed with %d %q", code, reason)
	}
	bob.abort()
	eventually(t, "both onDisconnect", func() bool {
		return d.logged.count("alice sent 4") == 1 && d.logged.count("bob sent 1") == 1
	})
}

// tryEcho reports whether the echo at url works.
func tryEcho(ctx context.Context, url string) bool {
	c, _, err := coder.Dial(ctx, url, nil)
	if err != nil {
		return false
	}
	defer c.CloseNow()
	if c.Write(ctx, coder.MessageText, []byte("x")) != nil {
		return false
	}
	_, message, err := c.Read(ctx)
	return err == nil && string(message) == "x"
}
