package epoll

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lapps/server"
)

// slowWheel is the oracle: a list in the order of arming, searched whole.
type slowWheel struct {
	tick  int64
	armed []*server.Timer
	due   map[*server.Timer]int64
}

func (w *slowWheel) arm(t *server.Timer, due int64) {
	w.stop(t)
	w.armed = append(w.armed, t)
	w.due[t] = max(due, w.tick+1)
}

func (w *slowWheel) stop(t *server.Timer) {
	w.armed = slices.DeleteFunc(w.armed, func(x *server.Timer) bool { return x == t })
	delete(w.due, t)
}

func (w *slowWheel) advance(to int64, fire func(*server.Timer)) {
	for w.tick < to {
		w.tick++
		for {
			i := slices.IndexFunc(w.armed, func(t *server.Timer) bool { return w.due[t] <= w.tick })
			if i < 0 {
				break
			}
			t := w.armed[i]
			w.stop(t)
			fire(t)
		}
	}
}

// Timers are armed, stopped and armed anew at random, also by timers that
// fire, in this round, the next and a later one, against the oracle.
func TestWheelAgainstOracle(t *testing.T) {
	for seed := range uint64(8) {
		fast := play(seed, func(fire func(i int)) device { return newFast(fire) })
		slow := play(seed, func(fire func(i int)) device { return newSlow(fire) })
		if !slices.Equal(fast, slow) {
			t.Fatalf("seed %d: fired\n%v, want\n%v", seed, fast, slow)
		}
		if len(fast) < 500 {
			t.Fatalf("seed %d: only %d fired", seed, len(fast))
		}
	}
}

const players = 50

// A device is a wheel with timers that have numbers.
type device interface {
	arm(i int, due int64)
	stop(i int)
	advance(to int64)
	now() int64
}

type fastDevice struct {
	w      wheel
	timers [players]server.Timer
}

func newFast(fire func(i int)) *fastDevice {
	d := new(fastDevice)
	for i := range d.timers {
		d.timers[i].F = func() { fire(i) }
	}
	return d
}

func (d *fastDevice) arm(i int, due int64) { d.w.arm(&d.timers[i], due) }
func (d *fastDevice) stop(i int)           { d.w.stop(&d.timers[i]) }
func (d *fastDevice) advance(to int64)     { d.w.advance(to) }
func (d *fastDevice) now() int64           { return d.w.tick }

type slowDevice struct {
	w      slowWheel
	timers [players]server.Timer
	fire   func(i int)
}

func newSlow(fire func(i int)) *slowDevice {
	return &slowDevice{w: slowWheel{due: make(map[*server.Timer]int64)}, fire: fire}
}

func (d *slowDevice) arm(i int, due int64) { d.w.arm(&d.timers[i], due) }
func (d *slowDevice) stop(i int)           { d.w.stop(&d.timers[i]) }
func (d *slowDevice) now() int64           { return d.w.tick }
func (d *slowDevice) advance(to int64) {
	d.w.advance(to, func(t *server.Timer) {
		for i := range d.timers {
			if &d.timers[i] == t {
				d.fire(i)
			}
		}
	})
}

// play returns what fired when.
func play(seed uint64, build func(fire func(i int)) device) (fired []string) {
	r := rand.New(rand.NewPCG(seed, 0))
	var d device
	act := func() {
		i, delay := r.IntN(players), int64(0)
		switch r.IntN(4) {
		case 0:
			d.stop(i)
			return
		case 1:
			delay = r.Int64N(4)
		case 2:
			delay = r.Int64N(300)
		case 3:
			delay = r.Int64N(3 * wheelSlots)
		}
		d.arm(i, d.now()+delay)
	}
	d = build(func(i int) {
		fired = append(fired, fmt.Sprint(i, "@", d.now()))
		act()
		act()
	})
	for range 1000 {
		act()
		d.advance(d.now() + r.Int64N(100))
	}
	return fired
}

func TestWheelOrder(t *testing.T) {
	var w wheel
	var got []string
	timer := func(name string) *server.Timer {
		return &server.Timer{F: func() { got = append(got, fmt.Sprint(name, w.tick)) }}
	}
	a, b, c, d := timer("a"), timer("b"), timer("c"), timer("d")
	w.arm(a, 5)
	w.arm(b, 5)
	w.arm(c, 3)
	w.arm(d, 5+wheelSlots) // the same slot, a round later
	w.arm(a, 5)            // armed anew: behind b
	w.advance(4)
	w.advance(wheelSlots)
	w.advance(5 + wheelSlots)
	if want := []string{"c3", "b5", "a5", fmt.Sprint("d", 5+wheelSlots)}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, x := range []*server.Timer{a, b, c, d} {
		if x.Next != nil || x.Prev != nil {
			t.Error("a timer that is not armed has neighbours")
		}
	}
}

// A timer stops one that fires in the same tick, and itself.
func TestWheelStopWhileFiring(t *testing.T) {
	var w wheel
	var a, b, c server.Timer
	var got string
	a.F = func() { got += "a"; w.stop(&a); w.stop(&b) }
	b.F = func() { got += "b" }
	c.F = func() { got += "c"; w.arm(&c, 0) }
	for _, x := range []*server.Timer{&a, &b, &c} {
		w.arm(x, 1)
	}
	w.advance(3)
	if got != "accc" {
		t.Errorf("got %q, want accc", got)
	}
}

func TestWheelNext(t *testing.T) {
	var w wheel
	if _, ok := w.next(); ok {
		t.Error("an empty wheel has a next tick")
	}
	var a, b server.Timer
	for _, tt := range []struct{ at, due, want int64 }{
		{0, 1, 1}, {0, 63, 63}, {0, 64, 64}, {10, 10 + wheelSlots, 10 + wheelSlots},
		{10, 11 + wheelSlots, 11}, {wheelSlots - 1, wheelSlots, wheelSlots}, {100, wheelSlots + 3, wheelSlots + 3},
	} {
		w.stop(&a)
		w.tick = tt.at
		w.arm(&a, tt.due)
		if got, ok := w.next(); !ok || got != tt.want {
			t.Errorf("at %d, due %d: got %d, %v, want %d", tt.at, tt.due, got, ok, tt.want)
		}
	}
	w.stop(&b) // never armed
}

func BenchmarkArmStop(b *testing.B) {
	for _, others := range []int{0, 100_000} {
		b.Run(fmt.Sprint(others, " others"), func(b *testing.B) {
			c := start(b, 1)
			l := c.loops[0]
			timers := make([]server.Timer, others)
			on(b, l, func() {
				for i := range timers {
					timers[i].F = func() {}
					l.Arm(&timers[i], limit+time.Duration(i)*tick)
				}
				t := server.Timer{F: func() {}}
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					l.Arm(&t, limit)
					l.Stop(&t)
				}
				b.StopTimer()
			})
		})
	}
}
