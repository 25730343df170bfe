package server_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"lapps/server"
	"lapps/services"
)

// holding joins three peers, who hold some 60,000, 100,000 and 30,000 bytes, and
// a fourth, who has them sent and holds nothing.
func holding(t *testing.T, w *world) (three []*peer, sender *peer) {
	t.Helper()
	for range 3 {
		three = append(three, w.join(t, ""))
	}
	sender = w.join(t, "")
	for h, n := range []int{60, 100, 30} {
		sender.eval(fmt.Sprintf(`for i = 1, %d do ws:send(%d, 1, pad("x", 1000)) end`, n, h+1))
	}
	synctest.Wait()
	return three, sender
}

// last is the last of what p receives.
func (p *peer) last() string {
	p.t.Helper()
	got := p.received()
	if len(got) == 0 {
		p.t.Fatal("nothing was received")
	}
	return got[len(got)-1]
}

// TestShedOrder: the largest goes first, and no more than are needed.
func TestShedOrder(t *testing.T) {
	for _, c := range []struct {
		bytes int64
		last  [3]string // of what each receives
	}{
		{0, [3]string{"x", "x", "x"}},
		{1, [3]string{"x", "close 1013", "x"}},
		{90_000, [3]string{"x", "close 1013", "x"}},
		{110_000, [3]string{"close 1013", "close 1013", "x"}},
		{1 << 40, [3]string{"close 1013", "close 1013", "close 1013"}},
	} {
		t.Run(fmt.Sprint(c.bytes), func(t *testing.T) {
			open(t, slowly(services.CloseSlow, 0), func(t *testing.T, w *world) {
				three, sender := holding(t, w)
				want := 0
				for _, last := range c.last {
					if last != "x" {
						want++
					}
				}
				if got := w.Shed(c.bytes); got != want {
					t.Errorf("%d were closed, want %d", got, want)
				}
				synctest.Wait()
				for i, p := range three {
					if got := p.last(); got != c.last[i] {
						t.Errorf("%d: the last is %q, want %q", i+1, got, c.last[i])
					}
				}
				if got := sender.eval(`return "still there"`); got != "still there" {
					t.Error(got)
				}
				w.exceeded(t, map[server.Limit]uint64{server.LimitMemory: uint64(min(want, 1))})
			})
		})
	}
}

// TestShedLittle: who holds little is not closed, however much is wanted.
func TestShedLittle(t *testing.T) {
	open(t, slowly(services.CloseSlow, 0), func(t *testing.T, w *world) {
		reader, other := w.join(t, ""), w.join(t, "")
		other.eval(`for i = 1, 10 do ws:send(1, 1, pad("x", 1000)) end`)
		synctest.Wait()
		if n := w.Shed(1 << 40); n != 0 {
			t.Errorf("%d were closed", n)
		}
		if got := reader.received(); len(got) != 10 || got[9] != "x" {
			t.Errorf("received %q", got)
		}
		w.exceeded(t, nil)
	})
}

// TestShedGoing: what those hold that are being closed counts, so that nobody is
// closed in their place.
func TestShedGoing(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		slowly(services.CloseSlow, 0)(w, c)
		w.carrier.Buffer = 60_000
	}, func(t *testing.T, w *world) {
		holding(t, w)
		if n := w.Shed(50_000); n != 1 {
			t.Errorf("%d were closed, want 1", n)
		}
		synctest.Wait()
		if n := w.Shed(10_000); n != 0 {
			t.Errorf("%d were closed, and the first has not gone", n)
		}
	})
}

// TestShedBroadcast closes as many as it takes to get rid of what they share.
func TestShedBroadcast(t *testing.T) {
	open(t, slowly(services.CloseSlow, 0), func(t *testing.T, w *world) {
		for range 10 {
			w.join(t, "").send(`bcast:subscribe(1, h)`)
		}
		sender := w.join(t, "")
		synctest.Wait()
		sender.eval(`bcast:send(1, 1, pad("first", 3000))`) // stays with the carriers
		synctest.Wait()
		sender.eval(`for i = 1, 10 do bcast:send(1, 2, string.rep("x", 50000)) end`)
		synctest.Wait()
		if n := w.Shed(300_000); n != 10 {
			t.Errorf("%d were closed, want all 10", n)
		}
		synctest.Wait()
		if n := w.Buffered(); n > 60_000 {
			t.Errorf("%d bytes are held", n)
		}
	})
}

// TestShedDryRun only counts.
func TestShedDryRun(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		slowly(services.CloseSlow, 0)(w, c)
		w.Limits.DryRun = []server.Limit{server.LimitMemory}
	}, func(t *testing.T, w *world) {
		three, _ := holding(t, w)
		if n := w.Shed(1 << 40); n != 0 {
			t.Errorf("%d were closed", n)
		}
		for i, p := range three {
			if got := p.last(); got != "x" {
				t.Errorf("%d: the last is %q", i+1, got)
			}
		}
		w.Refuse(true)
		w.join(t, "")
		w.exceeded(t, map[server.Limit]uint64{server.LimitMemory: 2})
	})
}

// TestRefuse has new connections refused for a while: those that are there go on,
// and who is refused takes nobody's place.
func TestRefuse(t *testing.T) {
	unencrypted(t, func(w *world, c *services.Config) {
		slowly(services.CloseSlow, 0)(w, c)
		w.MaxConns = 2
	}, func(t *testing.T, w *world) {
		first := w.join(t, "")
		w.Refuse(true)
		for range 3 {
			w.ask(t, "192.0.2.1", "").status("503", "Retry-After: 5")
		}
		if got := first.eval(`return "still there"`); got != "still there" {
			t.Error(got)
		}
		w.exceeded(t, map[server.Limit]uint64{server.LimitMemory: 3})
		w.Refuse(false)
		if got := w.join(t, "").eval(`return "let in"`); got != "let in" {
			t.Error(got)
		}
		w.exceeded(t, map[server.Limit]uint64{server.LimitMemory: 3})
	})
}
