package generator

import (
	"testing"

	"github.com/gorilla/websocket"
)

// Slow readers send as much as the others, as long as there is room for it,
// and are in no figure.
func TestSlowReaders(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for _, rate := range []float64{0, 5000} {
			cfg := bounded(serveOver(t, secure, func(c *websocket.Conn, _ int) { echo(c) }), 3, 4, 120)
			cfg.SlowReaders = 5
			if cfg.Rate = rate; rate > 0 {
				cfg.Depth = 0
			}
			r := mustEcho(t, cfg)
			if r.Sent != 120 || r.Verified != 120 || r.Messages != 120 || len(r.Failures) > 0 {
				t.Errorf("rate %v: got %+v", rate, r)
			}
			// Each sends what its leader does, 40; nothing fills up.
			if s := r.Slow; s == nil || *s != (SlowReaders{Conns: 5, Sent: 200}) {
				t.Errorf("rate %v: got %+v, expected 200 messages over 5", rate, s)
			}
		}
	}
}

// A server that blocks on a slow reader fills its socket: the slow one then
// does not send either, and the fast go on.
func TestSlowReaderBlocked(t *testing.T) {
	cfg := bounded(serve(t, echo), 1, 1, 100)
	cfg.SlowReaders, cfg.Size = 2, 128<<10
	r := mustEcho(t, cfg)
	if r.Verified != 100 || len(r.Failures) > 0 {
		t.Errorf("got %+v", r)
	}
	if s := r.Slow; s.Ended != 0 || s.Sent < 2 || s.Sent > 150 {
		t.Errorf("got %+v, expected less than 200: the sockets have no room for it", s)
	}
}

// Who is closed for not reading is counted, whether it sips or not.
func TestSlowReaderEnded(t *testing.T) {
	target := serveOver(t, false, func(c *websocket.Conn, i int) {
		if i >= 2 { // the slow ones
			_, _, _ = c.ReadMessage()
			return
		}
		echo(c)
	})
	cfg := bounded(target, 2, 1, 2000)
	cfg.SlowReaders = 4
	r := mustEcho(t, cfg)
	if r.Verified != 2000 || len(r.Failures) > 0 {
		t.Errorf("got %+v", r)
	}
	if s := r.Slow; s.Conns != 4 || s.Ended != 4 || s.Sent < 4 || s.Sent > 2000 {
		t.Errorf("got %+v, expected 4 ended", s)
	}
}
