package server_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lapps/server"
	"lapps/services"
)

// TestMeter holds a meter to what it promises, with random senders: in any time
// no more than the burst and what the rate allows in it pass, nobody is stopped
// who would not have made it more, the burst passes at once, and who keeps to the
// rate is never stopped.
func TestMeter(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		perSecond, burst := 1+r.IntN(1000), 1+r.IntN(50)
		period := time.Second / time.Duration(perSecond)
		var m server.Meter
		var passed []time.Duration
		now := time.Second
		for range 600 {
			now += time.Duration(r.Int64N(int64(period)))
			over := overBurst(passed, now, perSecond) - float64(burst)
			taken := m.Take(perSecond, burst, now)
			if taken {
				passed = append(passed, now)
			}
			if rounding := 1e-3; taken && over > rounding || !taken && over < -rounding {
				t.Fatalf("seed %d: taken: %v, with %f more than pass at %d per second and %d at once", seed, taken, over, perSecond, burst)
			}
		}
		var hasty, steady server.Meter
		for i := range burst + 1 {
			if taken := hasty.Take(perSecond, burst, now); taken != (i < burst) {
				t.Fatalf("seed %d: event %d of %d at once: taken: %v", seed, i, burst, taken)
			}
		}
		for i := range 2000 {
			if at := time.Duration(float64(i) * float64(time.Second) / float64(perSecond)); !steady.Take(perSecond, burst, time.Second+at+1) {
				t.Fatalf("seed %d: event %d of a steady sender is stopped", seed, i)
			}
		}
	}
}

// overBurst is by how many events one more now would exceed what the rate allows,
// in the time since any that passed.
func overBurst(passed []time.Duration, now time.Duration, perSecond int) float64 {
	most := 1.0
	for i, since := range passed {
		most = max(most, float64(len(passed)-i+1)-(now-since).Seconds()*float64(perSecond))
	}
	return most
}

// TestMetersOverPauses has steady senders read with pauses, after each of which
// some of what was gathered is decoded, or all: none is ever stopped. Beside
// them hasty ones never get more than the burst, and the rate since they began.
func TestMetersOverPauses(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		perSecond, burst := 1+r.IntN(1000), 2+r.IntN(50)
		period := time.Second / time.Duration(perSecond)
		var steady, hasty server.Meters
		const start = time.Second
		now, next, passed := start, start, 0
		pause := func() {
			steady.Pause(now)
			hasty.Pause(now)
			now += time.Duration(r.Int64N(int64(300 * period)))
			steady.Resume(now)
			hasty.Resume(now)
		}
		for range 200 {
			for range r.IntN(100) { // each is decoded as it comes
				now = max(now, next)
				for ; next <= now; next += period {
					if !steady.Take(perSecond, burst, now) {
						t.Fatalf("seed %d: a steady sender is stopped at %v", seed, now)
					}
				}
				for range r.IntN(3) {
					if hasty.Take(perSecond, burst, now) {
						passed++
					}
				}
			}
			pause()
			for some := r.IntN(600); some > 0 && next <= now; some-- {
				if !steady.Take(perSecond, burst, now) {
					t.Fatalf("seed %d: a steady sender is stopped after a pause, at %v", seed, now)
				}
				next += period
			}
			if next <= now {
				pause()
			}
			for range r.IntN(1000) {
				if hasty.Take(perSecond, burst, now) {
					passed++
				}
			}
			if most := float64(burst) + (now-start).Seconds()*float64(perSecond) + 1; float64(passed) > most {
				t.Fatalf("seed %d: %d passed in %v, at %d per second and %d at once", seed, passed, now-start, perSecond, burst)
			}
		}
	}
}

// BenchmarkMeter is what a rate costs for each message.
func BenchmarkMeter(b *testing.B) {
	var m server.Meters
	b.ReportAllocs()
	for now := time.Second; b.Loop(); now += time.Millisecond {
		if !m.Take(1000, 10, now) {
			b.Fatal("a steady sender is stopped")
		}
	}
}

// TestRates closes who sends too much, after what came before is answered.
func TestRates(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages services.Rate
		bytes    services.Rate
		frame    string // sent until it is too much
		passes   int
		limit    server.Limit
		reason   string
	}{
		{"messages", services.Rate{PerSecond: 10, Burst: 25}, services.Rate{}, frame(0x81, "x"), 25, server.LimitMessages, "more than 10 messages per second"},
		{"as many as per second", services.Rate{PerSecond: 10}, services.Rate{}, frame(0x82, "x"), 10, server.LimitMessages, "more than 10 messages per second"},
		{"pings count", services.Rate{PerSecond: 10}, services.Rate{}, frame(0x89, "x"), 10, server.LimitMessages, "more than 10 messages per second"},
		{"bytes", services.Rate{}, services.Rate{PerSecond: 1000, Burst: 5000}, frame(0x81, strings.Repeat("x", 500)), 10, server.LimitBytes, "more than 1000 bytes per second"},
		{"larger than the burst", services.Rate{}, services.Rate{PerSecond: 1000, Burst: 100}, frame(0x81, strings.Repeat("x", 500)), 1, server.LimitBytes, "more than 1000 bytes per second"},
	} {
		for _, dry := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s dry %v", c.name, dry), func(t *testing.T) {
				open(t, func(w *world, cfg *services.Config) {
					cfg.Messages, cfg.Bytes = c.messages, c.bytes
					if dry {
						w.Limits.DryRun = []server.Limit{c.limit}
					}
				}, func(t *testing.T, w *world) {
					p := w.join(t, "")
					const more = 5
					p.write(strings.Repeat(c.frame, c.passes+more))
					answers := c.passes
					if dry {
						answers += more
					}
					for range answers {
						p.next()
					}
					synctest.Wait()
					want := uint64(1)
					if dry {
						want = more
					}
					if got := w.Exceeded(c.limit); got != want {
						t.Errorf("counted %d times, want %d", got, want)
					}
					if !dry {
						p.closed(1008, c.reason)
						return
					}
					p.write(frame(0x88, "\x03\xe8"))
					p.closed(1000, "")
				})
			})
		}
	}
}

// TestEmptyFragments counts fragments that hold nothing as messages: no limit of
// sizes ends them.
func TestEmptyFragments(t *testing.T) {
	const burst = 25
	for _, tt := range []struct {
		name  string
		sent  string
		close string // the reason; "": none
	}{
		{"as many as may be", frame(0x01, "") + strings.Repeat(frame(0x00, ""), burst-2) + frame(0x80, "x"), ""},
		{"one more", frame(0x01, "") + strings.Repeat(frame(0x00, ""), burst-1) + frame(0x80, "x"), "more than 10 messages per second"},
		{"without an end", frame(0x01, "x") + strings.Repeat(frame(0x00, ""), burst+1), "more than 10 messages per second"},
		{"with pings between", frame(0x01, "x") + strings.Repeat(frame(0x00, "")+frame(0x8A, ""), burst/2+1), "more than 10 messages per second"},
		{"fragments of something", strings.Repeat(frame(0x01, "x"), 1) + strings.Repeat(frame(0x00, "y"), 10*burst) + frame(0x80, ""), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, func(_ *world, cfg *services.Config) {
				cfg.Messages = services.Rate{PerSecond: 10, Burst: burst}
			}, func(t *testing.T, w *world) {
				p := w.join(t, "")
				p.write(tt.sent)
				if tt.close != "" {
					p.closed(1008, tt.close)
					return
				}
				p.next()
				p.write(frame(0x88, "\x03\xe8"))
				p.closed(1000, "")
			})
		})
	}
}

// TestSteady sends at the rate for long.
func TestSteady(t *testing.T) {
	open(t, func(_ *world, cfg *services.Config) {
		cfg.Messages = services.Rate{PerSecond: 10, Burst: 1}
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		for range 500 {
			p.send("x")
			p.expect(0x81, "x")
			time.Sleep(100 * time.Millisecond)
		}
	})
}

// TestRateAfterPause: who is not read for a while is not blamed for what the
// kernel has gathered meanwhile, but for what comes beyond that.
func TestRateAfterPause(t *testing.T) {
	open(t, func(w *world, cfg *services.Config) {
		cfg.Messages = services.Rate{PerSecond: 10, Burst: 10}
		cfg.Instances = 1
		w.Timeouts.Ping = 0
		cfg.Mailbox.GateEvents = 2
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		go func() {
			p.send("wait")
			for range 200 {
				time.Sleep(100 * time.Millisecond)
				p.send("x")
			}
		}()
		time.Sleep(20 * time.Second)
		openGate()
		p.expect(0x81, "wait")
		for range 200 {
			p.expect(0x81, "x")
		}
		time.Sleep(time.Minute)
		p.write(strings.Repeat(frame(0x81, "x"), 11))
		for range 10 {
			p.expect(0x81, "x")
		}
		p.closed(1008, "more than 10 messages per second")
	})
}

// TestFirstMessage gives a peer its time.
func TestFirstMessage(t *testing.T) {
	for _, dry := range []bool{false, true} {
		open(t, func(w *world, cfg *services.Config) {
			cfg.FirstMessage = 4 * time.Second
			if dry {
				w.Limits.DryRun = []server.Limit{server.LimitFirstMessage}
			}
		}, func(t *testing.T, w *world) {
			late, early := w.join(t, ""), w.join(t, "")
			early.send("x")
			early.expect(0x81, "x")
			late.write(frame(0x89, "no message") + frame(0x01, "nor is this"))
			late.expect(0x8A, "no message")
			time.Sleep(4100 * time.Millisecond)
			if !dry {
				late.closed(1008, "no message within 4s")
			}
			early.send("y")
			early.expect(0x81, "y")
			if got := w.Exceeded(server.LimitFirstMessage); got != 1 {
				t.Errorf("counted %d times", got)
			}
		})
	}
}

// TestAge ends connections when they are old, those that came together one by
// one; what they sent is answered.
func TestAge(t *testing.T) {
	open(t, func(_ *world, cfg *services.Config) {
		cfg.MaxAge, cfg.MaxAgeJitter = 60*time.Second, 60*time.Second
		cfg.Instances = 1
	}, func(t *testing.T, w *world) {
		const reason = "the connection has become as old as may be"
		ages := make(chan time.Duration, 50)
		began := time.Now()
		for range cap(ages) {
			p := w.join(t, "")
			go func() {
				for {
					if op, payload := p.next(); op == 0x88 {
						if payload != "\x03\xe9"+reason {
							t.Errorf("closed with %q", payload)
						}
						ages <- time.Since(began)
						return
					}
					p.write(frame(0x8A, "")) // pong
				}
			}()
		}
		seen := make(map[time.Duration]bool)
		for range cap(ages) {
			age := <-ages
			if age < 60*time.Second || age > 121*time.Second {
				t.Errorf("ended after %v", age)
			}
			seen[age.Truncate(time.Second)] = true
		}
		if len(seen) < 15 {
			t.Errorf("50 connections ended within only %d seconds", len(seen))
		}
		if got := w.Exceeded(server.LimitAge); got != 50 {
			t.Errorf("counted %d times", got)
		}
	})
}

// TestAgeOfABusyOne has what was received answered before the end.
func TestAgeOfABusyOne(t *testing.T) {
	open(t, func(w *world, cfg *services.Config) {
		cfg.MaxAge = 5 * time.Second
		cfg.Instances = 1
		cfg.Mailbox.GateEvents = 2
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.write(frame(0x81, "wait") + strings.Repeat(frame(0x81, "x"), 20))
		time.Sleep(6 * time.Second)
		for range 21 {
			openGate()
		}
		p.expect(0x81, "wait")
		for range 20 {
			p.expect(0x81, "x")
		}
		p.closed(1001, "the connection has become as old as may be")
	})
}

// TestAgeOfAStuckOne ends a connection although its service has it wait, and it
// is not read.
func TestAgeOfAStuckOne(t *testing.T) {
	open(t, func(w *world, cfg *services.Config) {
		cfg.MaxAge = 5 * time.Second
		cfg.Instances = 1
		cfg.Mailbox.GateEvents = 2
		w.Timeouts.Busy = 0
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		begin := time.Now()
		p.write(frame(0x81, "wait") + strings.Repeat(frame(0x81, "x"), 20))
		p.closed(1001, "the connection has become as old as may be")
		if took := time.Since(begin); took < 5*time.Second || took > 5*time.Second+2*limits.Close+time.Second {
			t.Errorf("took %v", took)
		}
		openGate()
	})
}

// TestDryTimeouts counts what would have ended connections, and ends none.
func TestDryTimeouts(t *testing.T) {
	open(t, func(w *world, cfg *services.Config) {
		w.Limits.DryRun = server.AllLimits()
		cfg.MaxMessage = 100
		cfg.MaxAge = 30 * time.Second
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.write(frame(0x01, "begun"))
		time.Sleep(40 * time.Second) // a ping, and no pong
		p.expect(0x89, "")
		p.write(frame(0x80, ""))
		for op, payload := p.next(); op != 0x81 || payload != "begun"; op, payload = p.next() {
		}
		large := strings.Repeat("x", 1000)
		p.send(large)
		for op, payload := p.next(); op != 0x81 || payload != large; op, payload = p.next() {
		}
		for limit, least := range map[server.Limit]uint64{server.LimitMessageTime: 1, server.LimitIdle: 1, server.LimitAge: 1, server.LimitMessageSize: 1} {
			if got := w.Exceeded(limit); got < least || got > 10 {
				t.Errorf("%v: counted %d times", limit, got)
			}
		}
		p.write(frame(0x88, "\x03\xe8"))
		for op, payload := p.next(); op != 0x88 || payload != "\x03\xe8"; op, payload = p.next() {
		}
	})
}

// TestDryIdle counts a silence once, and pings go on.
func TestDryIdle(t *testing.T) {
	for _, idle := range []time.Duration{0, limits.Ping - time.Second, 2 * limits.Ping} {
		open(t, func(w *world, _ *services.Config) {
			w.Limits.DryRun = []server.Limit{server.LimitIdle}
			w.Timeouts.Idle = idle
		}, func(t *testing.T, w *world) {
			p := w.join(t, "")
			for i := range uint64(2) {
				time.Sleep(10 * (limits.Ping + limits.Pong))
				for range 9 {
					p.expect(0x89, "")
				}
				if got := w.Exceeded(server.LimitIdle); got != i+1 {
					t.Errorf("idle %v: counted %d times, want %d", idle, got, i+1)
				}
				p.send("x")
				for op, payload := p.next(); op != 0x81 || payload != "x"; op, payload = p.next() {
				}
			}
		})
	}
}

// TestAcceptBacklog has an answer to the opening handshake that is not sent at
// once: that is no want of progress yet.
func TestAcceptBacklog(t *testing.T) {
	unstacked(t, func(w *world, _ *services.Config) { w.carrier.Buffer = 64 }, func(t *testing.T, w *world) {
		time.Sleep(time.Hour)
		p := w.dial(t)
		p.writeAside(strings.Replace(handshake, "%s", "", 1))
		time.Sleep(time.Second)
		if status := p.head(); status != "HTTP/1.1 101 Switching Protocols" {
			t.Fatal(status)
		}
		p.writeAside(frame(0x81, "x"))
		p.expect(0x81, "x")
		if got := w.Exceeded(server.LimitBusy); got != 0 {
			t.Errorf("counted %d times", got)
		}
	})
}

// TestCounts counts what is enforced.
func TestCounts(t *testing.T) {
	open(t, func(w *world, cfg *services.Config) { cfg.MaxMessage = 10 }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.send("much too large")
		if op, _ := p.next(); op != 0x88 {
			t.Errorf("op %#x", op)
		}
		w.join(t, "").write(frame(0x01, "begun"))
		time.Sleep(8 * time.Second)
		w.join(t, "")
		time.Sleep(26 * time.Second)
		for limit, want := range map[server.Limit]uint64{server.LimitMessageSize: 1, server.LimitMessageTime: 1, server.LimitIdle: 1} {
			if got := w.Exceeded(limit); got != want {
				t.Errorf("%v: counted %d times, want %d", limit, got, want)
			}
		}
	})
}

// TestInOrderAfterPause pipelines thousands of messages to a service that does
// not answer: they are read no further, nothing times out, and all are answered
// in order when it goes on.
func TestInOrderAfterPause(t *testing.T) {
	open(t, func(w *world, cfg *services.Config) {
		cfg.Instances = 1
		cfg.Mailbox.GateEvents = 10
		cfg.FirstMessage = time.Second
		w.Timeouts.Busy = 0
		w.carrier.Buffer = 4096
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		const n = 5000
		wrote := make(chan bool)
		go func() {
			p.send("wait")
			for i := range n {
				p.send(fmt.Sprint(i))
			}
			close(wrote)
		}()
		time.Sleep(time.Hour)
		select {
		case <-wrote:
			t.Error("all was read while nothing was answered")
		default:
		}
		openGate()
		p.expect(0x81, "wait")
		for i := range n {
			p.expect(0x81, fmt.Sprint(i))
		}
		<-wrote
	})
}

// TestRateAfterTwoPauses: the service stops again while what was gathered is
// being decoded. What stood behind that does not cost the peer its credit.
func TestRateAfterTwoPauses(t *testing.T) {
	open(t, func(w *world, cfg *services.Config) {
		cfg.Messages = services.Rate{PerSecond: 1000, Burst: 10}
		cfg.Instances = 1
		cfg.Mailbox.GateEvents = 10
		w.Timeouts.Ping = 0
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		const n = 5000
		wait := map[int]bool{0: true, 100: true} // the second one comes while the first is waited for
		text := func(i int) string {
			if wait[i] {
				return "wait"
			}
			return fmt.Sprint(i)
		}
		go func() {
			for i := range n {
				p.send(text(i))
				time.Sleep(time.Millisecond)
			}
		}()
		time.Sleep(time.Second)
		openGate()
		time.Sleep(3 * time.Second)
		openGate()
		for i := range n {
			p.expect(0x81, text(i))
		}
	})
}
