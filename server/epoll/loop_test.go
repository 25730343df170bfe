package epoll

import (
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"lapps/server"
)

// hold keeps the loop busy until the function it returns is called.
func hold(t testing.TB, l server.Loop) (release func()) {
	t.Helper()
	held, done := make(chan struct{}), make(chan struct{})
	l.Post(func() { close(held); <-done })
	receive(t, held)
	return func() { close(done) }
}

// What was queued while the loop was busy runs in order, the tasks first, and
// it costs no more than the turns its number makes.
func TestOrderAndWakeups(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	on(t, l, func() { l.longTurn = time.Hour })
	release := hold(t, l)
	before := c.Stats()
	var got, want []int
	const n = 10 * slice
	for i := range n {
		l.Dirty(flusher(func() { got = append(got, n+i) }))
		l.Post(func() { got = append(got, i) })
		l.Wake()
	}
	for i := range 2 * n {
		want = append(want, i)
	}
	release()
	done := make(chan struct{})
	l.Post(func() { l.Post(func() { l.Post(func() { close(done) }) }) })
	receive(t, done)
	if !slices.Equal(got, want) {
		t.Error("tasks and flushers did not run in order")
	}
	s := c.Stats()
	if n := s.Flushes - before.Flushes; n != 10*slice {
		t.Errorf("%d flushes, want %d", n, 10*slice)
	}
	if n := s.Wakeups - before.Wakeups; n > 25 {
		t.Errorf("%d wake-ups for 20 slices", n)
	}
}

// Dirty alone wakes nobody; Wake with nothing dirty does not either.
func TestDirtyDoesNotWake(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	on(t, l, func() {})
	eventually(t, "the loop is still told", func() bool { return !l.told.Load() })
	before := c.Stats().Wakeups
	for range 1000 {
		l.Wake()
	}
	flushed := make(chan struct{})
	l.Dirty(flusher(func() { close(flushed) }))
	if l.told.Load() {
		t.Error("Wake without anything dirty, or Dirty, woke the loop")
	}
	l.Wake()
	receive(t, flushed)
	eventually(t, "the loop is still told", func() bool { return !l.told.Load() })
	if n := c.Stats().Wakeups - before; n != 1 {
		t.Errorf("%d wake-ups, want 1", n)
	}
}

// On the loop itself, Post and Dirty run later, not inside.
func TestFromTheLoop(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	var got []string
	done := make(chan struct{})
	l.Post(func() {
		l.Post(func() { got = append(got, "post"); close(done) })
		l.Dirty(flusher(func() {
			got = append(got, "flush")
			l.Dirty(flusher(func() { got = append(got, "flush again") }))
			l.Wake()
		}))
		l.Wake()
		got = append(got, "task")
	})
	receive(t, done)
	on(t, l, func() {})
	on(t, l, func() {})
	if want := []string{"task", "post", "flush", "flush again"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// From Receive, too, where no turn is under way.
func TestFromReceive(t *testing.T) {
	c := start(t, 1)
	var conn io.ReadWriter
	conn, _ = connect(t, c, func(p *peer) {
		p.receive = func(b []byte) error {
			b = slices.Clone(b)
			p.Loop().Dirty(flusher(func() { p.Write([][]byte{b}) }))
			p.Loop().Wake()
			return nil
		}
	})
	for range 100 {
		conn.Write([]byte("x"))
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
}

// Many goroutines at once: all runs, and what one of them posts, in order.
func TestPostFromMany(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	const goroutines, each = 8, 5000
	var wg sync.WaitGroup
	last := make([]int, goroutines)
	flushes := 0
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				l.Post(func() {
					if last[g] != i {
						t.Errorf("goroutine %d: %d ran after %d", g, i, last[g])
					}
					last[g]++
				})
				l.Dirty(flusher(func() { flushes++ }))
				l.Wake()
			}
		})
	}
	wg.Wait()
	on(t, l, func() {})
	on(t, l, func() {
		if flushes != goroutines*each {
			t.Errorf("%d flushes, want %d", flushes, goroutines*each)
		}
	})
}

// A list that never empties, and a task that posts itself for ever, leave the
// poller its turn: an echo goes on, and so does a timer.
func TestNoStarvation(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	conn := dial(t, listen(t, c, newEcho))
	on(t, l, func() {})
	stop := false
	for range 10_000 {
		var f flusher
		f = func() {
			if !stop {
				l.Dirty(f)
			}
		}
		l.Dirty(f)
	}
	var again func()
	again = func() {
		if !stop {
			l.Post(again)
		}
	}
	l.Post(again)
	fired := make(chan struct{})
	on(t, l, func() {
		l.Arm(&server.Timer{F: func() { close(fired) }}, tick)
	})
	for range 100 {
		conn.Write([]byte("x"))
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	receive(t, fired)
	on(t, l, func() { stop = true })
}

// Where tasks take long the poller has its turn after each.
func TestLongTurns(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	on(t, l, func() { l.longTurn = -1 }) // each is too long
	release := hold(t, l)
	before := c.Stats()
	const n = 100
	ran := 0
	for range n {
		l.Post(func() { ran++ })
	}
	for range n {
		l.Dirty(flusher(func() { ran++ }))
	}
	release()
	done := make(chan struct{})
	l.Post(func() { close(done) })
	receive(t, done)
	eventually(t, "not all has run", func() bool {
		r := 0
		on(t, l, func() { r = ran })
		return r == 2*n
	})
	if n := c.Stats().Wakeups - before.Wakeups; n < 100+100/lookAtClock {
		t.Errorf("%d wake-ups for 100 tasks and 100 flushers that take long", n)
	}
}

func TestDirtyWakeAllocateNothing(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	flushed := make(chan struct{}, 1)
	var f server.Flusher = flusher(func() { flushed <- struct{}{} })
	turn := func() {
		l.Dirty(f)
		l.Wake()
		<-flushed
	}
	turn()
	turn()
	if n := testing.AllocsPerRun(1000, turn); n != 0 {
		t.Errorf("%v allocations for a flush", n)
	}
}

func TestTimers(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	const n = 2000
	type firing struct{ timer, due, at time.Duration }
	fired := make(chan firing, n)
	on(t, l, func() {
		for i := range n {
			d := time.Duration(i%100) * time.Millisecond
			due := l.Now() + d
			timer := &server.Timer{}
			timer.F = func() { fired <- firing{time.Duration(i), due, l.Now()} }
			l.Arm(timer, time.Hour)
			l.Arm(timer, d)
			stopped := &server.Timer{F: func() { t.Error("a stopped timer fired") }}
			l.Arm(stopped, d)
			l.Stop(stopped)
			l.Stop(stopped)
		}
	})
	for range n {
		if f := receive(t, fired); f.at < f.due {
			t.Errorf("timer %d fired %v early", f.timer, f.due-f.at)
		}
	}
}

// Timers that are out of range do what they can.
func TestTimerExtremes(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	fired := make(chan string, 4)
	on(t, l, func() {
		l.Arm(&server.Timer{F: func() { fired <- "never" }}, 1<<63-1)
		l.Arm(&server.Timer{F: func() { fired <- "at once" }}, -1<<63)
	})
	if got := receive(t, fired); got != "at once" {
		t.Errorf("fired: %s", got)
	}
}

// With timers armed, but none due, nothing runs. A timer that is armed earlier
// moves the alarm forward, and a later one leaves it.
func TestAlarm(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	var timers [3]server.Timer
	on(t, l, func() {
		for i := range timers {
			timers[i].F = func() {}
		}
		l.Arm(&timers[0], time.Hour)
		hour := l.alarmAt
		if now := int64(l.Now() / tick); hour < now+int64(time.Hour/tick) {
			t.Errorf("the alarm is set to %d, now is %d", hour, now)
		}
		l.Arm(&timers[1], 2*time.Hour)
		if l.alarmAt != hour {
			t.Error("a later timer has changed the alarm")
		}
		l.Arm(&timers[2], time.Minute)
		if l.alarmAt != timers[2].Due {
			t.Error("an earlier timer has not changed the alarm")
		}
	})
}

func TestManyTimers(t *testing.T) {
	c := start(t, 1)
	l := c.loops[0]
	const n = 100_000
	timers := make([]server.Timer, n)
	done := make(chan struct{})
	fired := 0
	on(t, l, func() {
		for i := range timers {
			timers[i].F = func() {
				if fired++; fired == n/2 {
					close(done)
				}
			}
			l.Arm(&timers[i], time.Duration(i%300)*time.Millisecond)
		}
		for i := 0; i < n; i += 2 {
			l.Stop(&timers[i])
		}
	})
	receive(t, done)
	on(t, l, func() {
		if l.wheel.armed != 0 || fired != n/2 {
			t.Errorf("%d fired and %d are armed, want %d and 0", fired, l.wheel.armed, n/2)
		}
	})
}

func BenchmarkDirtyWakeFlush(b *testing.B) {
	c := start(b, 1)
	l := c.loops[0]
	b.Run("one at a time", func(b *testing.B) {
		flushed := make(chan struct{}, 1)
		var f server.Flusher = flusher(func() { flushed <- struct{}{} })
		b.ReportAllocs()
		for range b.N {
			l.Dirty(f)
			l.Wake()
			<-flushed
		}
	})
	b.Run("16 per wake-up", func(b *testing.B) {
		n, flushed := 0, make(chan struct{}, 1)
		var f server.Flusher = flusher(func() {
			if n++; n%16 == 0 {
				flushed <- struct{}{}
			}
		})
		b.ReportAllocs()
		for range b.N / 16 {
			for range 16 {
				l.Dirty(f)
			}
			l.Wake()
			<-flushed
		}
	})
	b.Run("as fast as it goes", func(b *testing.B) {
		var f server.Flusher = flusher(func() {})
		b.ReportAllocs()
		for range b.N {
			l.Dirty(f)
			l.Wake()
		}
		on(b, l, func() {})
	})
}
