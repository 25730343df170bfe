package server_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lapps/server"
	"lapps/services"
)

// limited bounds what the server holds for all.
func limited(limit int64, dry ...server.Limit) func(*world, *services.Config) {
	return func(w *world, c *services.Config) {
		slowly(services.CloseSlow, 0)(w, c)
		w.Limits.Buffered, w.Limits.DryRun = limit, dry
	}
}

// TestBufferedOutboxes: who makes the server hold most is closed with 1013, and
// nobody else; what was dropped is held no more.
func TestBufferedOutboxes(t *testing.T) {
	open(t, limited(100_000), func(t *testing.T, w *world) {
		large, small, other := w.join(t, ""), w.join(t, ""), w.join(t, "")
		other.eval(`for i = 1, 10 do ws:send(2, 1, pad("small", 1000)) end`)
		for i := range 100 { // no more than the limit
			other.eval(fmt.Sprintf(`ws:send(1, 1, pad("%d", 800))`, i))
		}
		synctest.Wait()
		if n := w.Buffered(); n < 90_000 || n > 100_000 {
			t.Errorf("%d bytes are held, want some 95,000", n)
		}
		if n := w.Exceeded(server.LimitBuffered); n != 0 {
			t.Errorf("the limit was exceeded %d times", n)
		}
		for range 10 {
			other.eval(`ws:send(1, 1, pad("x", 1000))`)
			synctest.Wait()
		}
		if n := w.Buffered(); n > 20_000 {
			t.Errorf("%d bytes are held after the largest was closed", n)
		}
		if n := w.Exceeded(server.LimitBuffered); n != 1 {
			t.Errorf("the limit was exceeded %d times, want once", n)
		}
		got := large.received()
		if got[len(got)-1] != "close 1013" {
			t.Errorf("the one that held most: %q", got[len(got)-1])
		}
		if got := small.received(); len(got) != 10 {
			t.Errorf("the one that held little received %d messages, want 10", len(got))
		}
		large.Close()
		synctest.Wait()
		if n := w.Buffered(); n != 0 {
			t.Errorf("%d bytes are held at the end", n)
		}
	})
}

// TestBufferedByOthers: where what is too much is held by none of those that were looked at,
// who holds next to nothing is not closed for it; the largest is.
func TestBufferedByOthers(t *testing.T) {
	open(t, limited(100_000_000), func(t *testing.T, w *world) {
		large, small, sender := w.join(t, ""), w.join(t, ""), w.join(t, "")
		sender.eval(`for i = 1, 100 do ws:send(1, 1, pad("large", 10000)) end ws:send(2, 1, pad("small", 10000)) ws:send(2, 1, pad("small", 1000))`)
		synctest.Wait()
		if closed, enough := w.EvictFor(50_000_000); closed != 1 || enough {
			t.Errorf("%d are closed, enough is %v, want the largest alone", closed, enough)
		}
		if got := large.received(); got[len(got)-1] != "close 1013" {
			t.Errorf("the one that held most: %q", got[len(got)-1])
		}
		if got := small.received(); len(got) != 2 {
			t.Errorf("the one that held little received %d messages, want 2", len(got))
		}
		sender.eval(`ws:send(2, 1, "x")`)
	})
}

// TestBufferedMany: as many are closed as it takes, the largest first.
func TestBufferedMany(t *testing.T) {
	open(t, limited(1_000_000), func(t *testing.T, w *world) {
		for range 200 {
			w.join(t, "")
		}
		sender := w.join(t, "")
		// Each is sent as many messages as its number: 5,000 bytes for each.
		sender.eval(`for n = 1, 200 do for i = 1, n do ws:send(n, 1, pad("x", 100)) end end return "sent"`)
		synctest.Wait()
		time.Sleep(2 * limits.Close) // those that are closed go
		synctest.Wait()
		if n := w.Buffered(); n > 1_000_000+1_000_000/64 {
			t.Errorf("%d bytes are held", n)
		}
		if n := w.Open(); n < 50 || n > 190 {
			t.Errorf("%d of 201 connections are open", n)
		}
		if got := sender.eval(`return ws:buffered(1)`); strings.HasPrefix(got, "false") {
			t.Errorf("the smallest: %s", got)
		}
	})
}

// TestBufferedDryRun only counts.
func TestBufferedDryRun(t *testing.T) {
	open(t, limited(100_000, server.LimitBuffered), func(t *testing.T, w *world) {
		large, other := w.join(t, ""), w.join(t, "")
		for range 300 {
			other.eval(`ws:send(1, 1, pad("x", 1000))`)
		}
		synctest.Wait()
		if n := w.Exceeded(server.LimitBuffered); n == 0 {
			t.Error("it was not counted")
		}
		if got := large.received(); len(got) != 300 || strings.Contains(got[299], "close") {
			t.Errorf("received %d messages, the last %q", len(got), got[len(got)-1])
		}
	})
}

// TestBufferedUnfinished has peers begin messages that they do not finish: the
// largest goes, and once all have gone nothing is held.
func TestBufferedUnfinished(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		limited(100_000)(w, c)
		w.carrier.Buffer = 100_000
	}, func(t *testing.T, w *world) {
		begin := func(n int) *peer {
			p := w.join(t, "")
			p.write(frame(0x82, strings.Repeat("x", 100_000))[:n])
			synctest.Wait()
			return p
		}
		small, large := begin(20_000), begin(60_000)
		if n := w.Buffered(); n < 79_000 || n > 80_000 {
			t.Errorf("%d bytes are held, want almost 80,000", n)
		}
		third := begin(30_000)
		if got := large.received(); len(got) != 1 || got[0] != "close 1013" {
			t.Errorf("the largest was told %q", got)
		}
		if n := w.Buffered(); n < 49_000 || n > 50_000 {
			t.Errorf("%d bytes are held, want almost 50,000", n)
		}
		for _, p := range []*peer{small, third, large} {
			p.Close()
		}
		synctest.Wait()
		if n := w.Buffered(); n != 0 {
			t.Errorf("%d bytes are held, and nobody is there", n)
		}
	})
}

// TestBufferedMailbox: a peer whose messages wait for a handler that takes its
// time is closed, and they are dropped.
func TestBufferedMailbox(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		limited(100_000)(w, c)
		w.carrier.Buffer = 10_000
	}, func(t *testing.T, w *world) {
		p, other := w.join(t, ""), w.join(t, "")
		go func() {
			io.WriteString(p, frame(0x81, `require("gate").wait()`))
			for range 200 {
				io.WriteString(p, frame(0x81, `print("handled")`+strings.Repeat(" ", 1000)))
			}
		}()
		p.closed(1013, "the server holds too much for its peers")
		if got := other.eval(`return "still there"`); got != "still there" {
			t.Error(got)
		}
		p.Close()
		openGate()
		synctest.Wait()
		if n := strings.Count(w.log.String(), "handled"); n != 0 {
			t.Errorf("%d of its messages were handled afterwards", n)
		}
		if n := w.Buffered(); n != 0 {
			t.Errorf("%d bytes are held", n)
		}
	})
}

// TestBufferedGone: nobody is closed for the messages of peers that have gone,
// which wait until a handler has come to an end.
func TestBufferedGone(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		limited(100_000)(w, c)
		w.carrier.Buffer = 10_000
	}, func(t *testing.T, w *world) {
		p, small, other := w.join(t, ""), w.join(t, ""), w.join(t, "")
		p.write(frame(0x81, `require("gate").wait()`))
		for range 90 {
			p.write(frame(0x81, "--"+strings.Repeat(" ", 1000)))
		}
		synctest.Wait()
		p.Close()
		synctest.Wait()
		if n := w.Buffered(); n < 90_000 || n > 91_000 {
			t.Errorf("%d bytes of the peer that has gone are held, want some 90,000", n)
		}
		for range 60 {
			if got := other.eval(`return ws:send(2, 1, pad("small", 1000))`); got != "true" {
				t.Fatalf("to one that holds little: %s", got)
			}
			synctest.Wait()
		}
		if n := w.Exceeded(server.LimitBuffered); n != 0 {
			t.Errorf("the limit was exceeded %d times", n)
		}
		openGate()
		synctest.Wait()
		if n := w.Buffered(); n > 70_000 {
			t.Errorf("%d bytes are held, want those of one peer", n)
		}
		small.Close()
	})
}

// TestBufferedBroadcast: a broadcast's payload is counted once, however many
// outboxes it waits in.
func TestBufferedBroadcast(t *testing.T) {
	open(t, limited(1_000_000), func(t *testing.T, w *world) {
		var readers []*peer
		for range 100 {
			p := w.join(t, "")
			p.send(`bcast:subscribe(1, h)`)
			readers = append(readers, p)
		}
		sender := w.join(t, "")
		synctest.Wait()
		sender.eval(`bcast:send(1, 1, pad("first", 3000))`) // stays with the carriers
		synctest.Wait()
		sender.eval(`bcast:send(1, 2, string.rep("x", 50000)) bcast:send(1, 2, string.rep("y", 50000))`)
		synctest.Wait()
		// 100 times what the carriers have, and headers; 100,000 once.
		if n := w.Buffered(); n < 390_000 || n > 410_000 {
			t.Errorf("%d bytes are held, want some 400,000", n)
		}
		for _, p := range readers {
			p.Close()
		}
		synctest.Wait()
		if n := w.Buffered(); n != 0 {
			t.Errorf("%d bytes are held at the end", n)
		}
		if n := w.Exceeded(server.LimitBuffered); n != 0 {
			t.Errorf("the limit was exceeded %d times", n)
		}
	})
}

// TestBufferedBroadcastGoing: a broadcast that only those hold that are being closed
// is as good as given back. Nobody is closed for it, neither before they were closed nor
// beside them.
func TestBufferedBroadcastGoing(t *testing.T) {
	few := func(t *testing.T, w *world, other *peer, want uint64) {
		t.Helper()
		for range 30 {
			if got := other.eval(`return ws:send(3, 1, pad("small", 1000))`); got != "true" {
				t.Fatalf("to one that holds little: %s", got)
			}
			synctest.Wait()
		}
		if n := w.Exceeded(server.LimitBuffered); n != want {
			t.Errorf("the limit was exceeded %d times, want %d", n, want)
		}
	}
	for _, c := range []struct {
		name, code string
		exceeded   uint64
	}{
		{"closed before", `bcast:subscribe(1, 1) bcast:subscribe(1, 2) bcast:send(1, 2, string.rep("x", 80000)) ws:close(1, 4000) ws:close(2, 4000)`, 0},
		{"closed for it", `bcast:subscribe(1, 1) bcast:send(1, 2, string.rep("x", 80000))`, 1},
		{"one and the other", `bcast:subscribe(1, 1) bcast:subscribe(1, 2) bcast:send(1, 2, string.rep("x", 80000)) ws:close(1, 4000)`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			open(t, limited(100_000), func(t *testing.T, w *world) {
				for range 3 {
					w.join(t, "")
				}
				other := w.join(t, "")
				other.eval(c.code)
				synctest.Wait()
				few(t, w, other, c.exceeded)
			})
		})
	}
}
