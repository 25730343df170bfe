package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lapps/services"
)

// What the server begins: pings, and closing.

// TestPingAnswered: whatever a peer sends within Timeouts.Pong shows that it is
// there; a pong need not match (section 5.5.3). The next ping is due when the
// peer has been silent again.
func TestPingAnswered(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		op       byte   // of the answer; 0: there is none
		answer   string // its payload
	}{
		{"its pong", frame(0x8A, ""), 0, ""},
		{"a pong of something", frame(0x8A, "else"), 0, ""},
		{"two pongs", frame(0x8A, "") + frame(0x8A, ""), 0, ""},
		{"a ping", frame(0x89, "p"), 0x8A, "p"},
		{"a text", frame(0x81, "first"), 0x81, "first"},
		{"fragments", frame(0x01, "fir") + frame(0x80, "st"), 0x81, "first"},
		{"a message's beginning, then its end", "\x81", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, func(w *world, _ *services.Config) { w.Timeouts.Message = 0 }, func(t *testing.T, w *world) {
				p, rest := w.join(t, ""), frame(0x81, "first")[1:]
				for range 3 {
					heard := time.Now()
					p.expect(0x89, "")
					if took := time.Since(heard); took < limits.Ping || took > limits.Ping+50*time.Millisecond {
						t.Fatalf("the ping came after %v, want %v", took, limits.Ping)
					}
					time.Sleep(limits.Pong - time.Second)
					p.write(tt.in)
					if tt.op != 0 {
						p.expect(tt.op, tt.answer)
					}
					if tt.in == "\x81" {
						time.Sleep(limits.Pong)
						p.write(rest)
						p.expect(0x81, "first")
					}
				}
			})
		})
	}
}

// TestPingSoon: where Timeouts.Pong is the longer one, the next ping does not
// wait for the time that a late answer would have had.
func TestPingSoon(t *testing.T) {
	open(t, func(w *world, _ *services.Config) { w.Timeouts.Pong = 3 * limits.Ping }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		for range 3 {
			heard := time.Now()
			p.expect(0x89, "")
			if took := time.Since(heard); took < limits.Ping || took > limits.Ping+50*time.Millisecond {
				t.Fatalf("the ping came after %v, want %v", took, limits.Ping)
			}
			p.write(frame(0x8A, ""))
		}
	})
}

// TestFirstPing: the first ping is due when the peer has been silent since its
// connection opened, whatever the handshake took or was allowed to take.
func TestFirstPing(t *testing.T) {
	for name, handshake := range map[string]time.Duration{"no limit of the handshake": 0, "a short one": 10 * time.Second, "a long one": time.Hour} {
		for _, took := range []time.Duration{0, 9 * time.Second} {
			t.Run(fmt.Sprint(name, ", which took ", took), func(t *testing.T) {
				open(t, func(w *world, c *services.Config) {
					slowToConnect(w, c)
					w.Timeouts.Handshake = handshake
				}, func(t *testing.T, w *world) {
					p := w.dial(t)
					p.write(request)
					time.Sleep(took)
					openGate()
					p.head()
					begin := time.Now()
					p.expect(0x89, "")
					if took := time.Since(begin); took < limits.Ping || took > limits.Ping+50*time.Millisecond {
						t.Errorf("the ping came after %v, want %v", took, limits.Ping)
					}
				})
			})
		}
	}
}

// TestUnaskedPongs keep a peer: it is not pinged, and they are not answered.
func TestUnaskedPongs(t *testing.T) {
	open(t, nil, func(t *testing.T, w *world) {
		p := w.join(t, "")
		for range 20 {
			time.Sleep(limits.Ping - time.Second)
			p.write(frame(0x8A, "here"))
		}
		p.write(bye)
		if err := p.reads(goodbye(1000, "")); err != nil {
			t.Error(err)
		}
	})
}

// TestPingTooLate: what comes after Timeouts.Pong is discarded.
func TestPingTooLate(t *testing.T) {
	open(t, nil, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.expect(0x89, "")
		time.Sleep(limits.Pong + 20*time.Millisecond)
		p.write(frame(0x8A, "") + frame(0x81, "after"))
		if err := p.reads(goodbye(1008, "no pong within 5s")); err != nil {
			t.Error(err)
		}
		p.Close()
		w.left(t, 1)
	})
}

// TestServerClosesFirst: our Close frame is the last one, and a FIN follows it
// at once (section 7.1.1). The peer may answer, and it has to hang up.
func TestServerClosesFirst(t *testing.T) {
	for why, tt := range map[string]struct {
		begin  func(*world, *peer)
		code   uint16
		reason string
	}{
		"the service closes": {func(_ *world, p *peer) { p.send("close") }, 4001, "as asked"},
		"the service fails":  {func(_ *world, p *peer) { p.send("error") }, 1011, "the service failed"},
		"a breach":           {func(_ *world, p *peer) { p.write("\x81\x00") }, 1002, saysUnmasked},
		"a text":             {func(_ *world, p *peer) { p.write(frame(0x81, "\xff")) }, 1007, saysText},
		"a shutdown":         {func(w *world, _ *peer) { go w.Shutdown(context.Background()) }, 1001, "the server is shutting down"},
	} {
		for how, c := range map[string]struct {
			answer func(*peer)
			gone   time.Duration // when the connection is over
		}{
			"answers and hangs up":           {func(p *peer) { p.write(bye); p.Close() }, 0},
			"answers and half-closes":        {func(p *peer) { p.write(bye); p.halfClose() }, 0},
			"hangs up":                       {func(p *peer) { p.Close() }, 0},
			"answers and stays":              {func(p *peer) { p.write(bye) }, limits.Close},
			"sends on, as if nothing were":   {func(p *peer) { p.dribble(frame(0x81, "after"), 100*time.Millisecond) }, limits.Close},
			"breaks the protocol, and stays": {func(p *peer) { p.write("\xff\xff") }, limits.Close},
			"says nothing":                   {func(*peer) {}, limits.Close},
		} {
			t.Run(why+", the peer "+how, func(t *testing.T) {
				open(t, nil, func(t *testing.T, w *world) {
					p := w.join(t, "")
					time.Sleep(10 * time.Second) // the time to go begins with the Close frame
					tt.begin(w, p)
					if err := p.reads(goodbye(tt.code, tt.reason)); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					if n := strings.Count(w.log.String(), "gone"); n != 1 {
						t.Errorf("onDisconnect was called %d times before the peer goes, want once", n)
					}
					begin := time.Now()
					c.answer(p)
					w.over(t, begin, c.gone)
					w.left(t, 1)
				})
			})
		}
	}
}

// TestCloseBehindABacklog: the answer to a Close frame waits behind what the
// peer has not read, and then for the peer to go, as long as Timeouts.Close in
// all; then the connection is aborted.
func TestCloseBehindABacklog(t *testing.T) {
	for how, tt := range map[string]struct{ reads, goes bool }{
		"a slow reader":            {true, true},
		"a slow reader that stays": {true, false},
		"no reader":                {false, false},
	} {
		for last, answer := range map[string]string{bye: goodbye(1000, ""), frame(0x81, "close"): goodbye(4001, "as asked")} {
			t.Run(how, func(t *testing.T) {
				open(t, func(w *world, _ *services.Config) { w.carrier.Buffer = 1000 }, func(t *testing.T, w *world) {
					p := w.join(t, "")
					time.Sleep(10 * time.Second)
					begin := time.Now()
					p.send("big")
					synctest.Wait() // it waits in the carrier already
					p.write(last)
					want := limits.Close
					if tt.reads {
						time.Sleep(limits.Close - time.Second)
						if err := p.reads("0x82 "+strings.Repeat("x", 300000), answer); err != nil {
							t.Error(err)
						}
					}
					if tt.goes {
						p.Close()
						want = limits.Close - time.Second
					}
					w.over(t, begin, want)
					if _, err := io.ReadAll(p.r); !tt.reads && !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("ended with %v, want a reset", err)
					}
					w.left(t, 1)
				})
			})
		}
	}
}

// TestRefusedAndStays: who is refused has Timeouts.Close to go, too.
func TestRefusedAndStays(t *testing.T) {
	open(t, nil, func(t *testing.T, w *world) {
		p := w.dial(t)
		p.write("GET /test HTTP/1.0\r\n\r\n")
		begin := time.Now()
		if status := p.head(); status != "HTTP/1.1 400 Bad Request" {
			t.Error(status)
		}
		w.over(t, begin, limits.Close)
		w.left(t, 0)
	})
}

// over waits until no connection is open, and checks how long it took.
func (w *world) over(t *testing.T, begin time.Time, want time.Duration) {
	t.Helper()
	synctest.Wait()
	for w.Open() > 0 {
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
	}
	if took := time.Since(begin); took < want || took > want+50*time.Millisecond {
		t.Errorf("over after %v, want %v", took, want)
	}
}
