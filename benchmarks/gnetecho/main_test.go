package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// gnet's pool of workers outlives its engines.
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"))
}

var noDeadline time.Time

// started runs the server until the end of the test and returns its address.
func started(t *testing.T, loops int) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := serve(ctx, "127.0.0.1:0", loops, w)
		w.CloseWithError(io.EOF)
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	line := make([]byte, 100)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	addr, ok := strings.CutPrefix(strings.TrimSpace(string(line[:n])), "gnetecho: listening on ")
	if !ok {
		t.Fatalf("got %q, expected where it listens", line[:n])
	}
	return addr
}

func TestServe(t *testing.T) {
	for _, loops := range []int{1, 2} {
		addr := started(t, loops)
		c, _, err := websocket.DefaultDialer.Dial("ws://"+addr+"/any", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ponged := ""
		c.SetPongHandler(func(p string) error { ponged = p; return nil })
		if err := c.WriteControl(websocket.PingMessage, []byte("are you there"), noDeadline); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 5, 1000, 1 << 20} {
			if err := c.WriteMessage(websocket.BinaryMessage, payload(n)); err != nil {
				t.Fatal(err)
			}
			op, p, err := c.ReadMessage()
			if err != nil || op != websocket.BinaryMessage || !bytes.Equal(p, payload(n)) {
				t.Errorf("%d bytes: got %d of opcode %d, %v", n, len(p), op, err)
			}
		}
		if ponged != "are you there" {
			t.Errorf("got the pong %q", ponged)
		}
		bye := websocket.FormatCloseMessage(4001, "bye")
		if err := c.WriteControl(websocket.CloseMessage, bye, noDeadline); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, 4001) {
			t.Errorf("got %v, expected the close frame back", err)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	c, err := net.Dial("tcp", started(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "HELO\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != refusal {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRun(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	tests := []struct {
		name   string
		args   []string
		status int
		want   string // in what it says
	}{
		{"no loops", []string{"-loops", "0"}, 2, `gnetecho: expected -loops of at least 1 and no arguments, not 0 and []`},
		{"argument", []string{"x"}, 2, `gnetecho: expected -loops of at least 1 and no arguments, not 1 and ["x"]`},
		{"unknown flag", []string{"-x"}, 2, "flag provided but not defined: -x"},
		{"address taken", []string{"-addr", ln.Addr().String()}, 1, "gnetecho: listen on " + ln.Addr().String() + ": "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, log bytes.Buffer
			if got := run(tt.args, &out, &log); got != tt.status || !strings.Contains(log.String(), tt.want) || out.Len() > 0 {
				t.Errorf("got %d, %q, %q", got, out.String(), log.String())
			}
		})
	}
}
