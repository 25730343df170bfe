package generator

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// quick settles at once: what is tested is not this process's memory.
var quick = Settling{Every: time.Millisecond, Steady: 2, Within: 1 << 40}

func TestIdle(t *testing.T) {
	target := serve(t, echo)
	for _, echo := range []bool{false, true} {
		r, err := Idle(t.Context(), IdleConfig{
			Config: Config{Target: target, PID: os.Getpid(), Size: 64},
			Steps:  []int{5, 10, 300}, Echo: echo, Settling: quick,
		})
		if err != nil {
			t.Fatal(err)
		}
		verified := int64(0)
		if echo {
			verified = 300
		}
		if r.Mode != "idle" || r.Echo != echo || r.Verified != verified || len(r.Failures) > 0 || r.Empty <= 0 {
			t.Errorf("got %+v", r)
		}
		var conns []int
		for _, s := range r.Steps {
			conns = append(conns, s.Conns)
			if s.RSS <= 0 || !s.Settled {
				t.Errorf("step %+v: expected a reading that settled", s)
			}
		}
		if !slices.Equal(conns, []int{5, 10, 300}) {
			t.Errorf("steps at %v", conns)
		}
	}
}

func TestIdleUnsettled(t *testing.T) {
	r, err := Idle(t.Context(), IdleConfig{
		Config: Config{Target: serve(t, echo), PID: os.Getpid(), Size: 64},
		Steps:  []int{1, 2},
		// More readings than the limit leaves time for.
		Settling: Settling{Every: time.Millisecond, Steady: 1 << 30, Limit: 5 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Steps {
		if s.Settled || s.RSS <= 0 {
			t.Errorf("step %+v: expected one that did not settle", s)
		}
	}
}

// The server ends every connection at its first message.
func TestIdleFailures(t *testing.T) {
	target := serve(t, func(c *websocket.Conn) { _, _, _ = c.ReadMessage() })
	r, err := Idle(t.Context(), IdleConfig{
		Config: Config{Target: target, PID: os.Getpid(), Size: 64},
		Steps:  []int{1, 3}, Echo: true, Settling: quick,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Failure{{Closed, 3, "connection 0: end of stream without a close frame"}}
	if !slices.Equal(r.Failures, want) {
		t.Errorf("got %+v, expected %+v", r.Failures, want)
	}
}

func TestIdleConfig(t *testing.T) {
	tests := []struct {
		name string
		cfg  IdleConfig
		want string
	}{
		{"one step", IdleConfig{Config: Config{PID: 1}, Steps: []int{5}}, "generator: steps: expected at least two for a slope, not 1"},
		{"descending", IdleConfig{Config: Config{PID: 1}, Steps: []int{5, 5}},
			"generator: steps: expected ascending numbers of connections, not 5 after 5"},
		{"no process", IdleConfig{Steps: []int{1, 2}}, "generator: pid: memory is measured, expected the server's process"},
		{"settling", IdleConfig{Config: Config{PID: 1}, Steps: []int{1, 2}, Settling: Settling{Every: -1, Steady: 1, Within: 1, Limit: 1}},
			"generator: settling {Every:-1ns Steady:1 Within:1 Limit:1ns}: expected nothing below 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Target.Addr, tt.cfg.Size = loopback, 64
			if _, err := Idle(t.Context(), tt.cfg); errText(err) != tt.want {
				t.Errorf("got  %v\nwant %v", err, tt.want)
			}
		})
	}
}

func TestSlope(t *testing.T) {
	tests := []struct {
		name  string
		steps []IdleStep
		want  float64
	}{
		{"exact", []IdleStep{{Conns: 1000, RSS: 5000}, {Conns: 2000, RSS: 7000}, {Conns: 4000, RSS: 11000}}, 2},
		{"flat", []IdleStep{{Conns: 1, RSS: 5}, {Conns: 2, RSS: 5}}, 0},
		{"scattered", []IdleStep{{Conns: 1, RSS: 0}, {Conns: 2, RSS: 3}, {Conns: 3, RSS: 0}, {Conns: 4, RSS: 3}}, 0.6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := slope(tt.steps); got < tt.want-1e-9 || got > tt.want+1e-9 {
				t.Errorf("got %v, expected %v", got, tt.want)
			}
		})
	}
}
