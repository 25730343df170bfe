package server_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lapps/server"
	"lapps/services"
)

// dribble writes s byte by byte, each after a pause.
func (p *peer) dribble(s string, pause time.Duration) {
	p.t.Helper()
	for i := range len(s) {
		time.Sleep(pause)
		p.write(s[i : i+1])
	}
}

// request is a correct opening handshake.
var request = strings.Replace(handshake, "%s", "", 1)

// TestDribbled has a peer send single bytes, with pauses, all through its
// life: it is served as any other, as long as the handshake, and each message
// by itself, are in time.
func TestDribbled(t *testing.T) {
	open(t, nil, func(t *testing.T, w *world) {
		begin := time.Now()
		p := w.dial(t)
		p.dribble(request, (limits.Handshake-time.Millisecond)/time.Duration(len(request)))
		if status := p.head(); status != "HTTP/1.1 101 Switching Protocols" {
			t.Fatal(status)
		}
		text := strings.Repeat("é", 100)
		for range 5 { // 5 times almost Timeouts.Message
			in := frame(0x81, text)
			p.dribble(in, (limits.Message-time.Millisecond)/time.Duration(len(in)))
			p.expect(0x81, text)
		}
		in := frame(0x01, "frag\xe2") + frame(0x89, "ping") + frame(0x00, "") + frame(0x80, "\x82\xac")
		p.dribble(in, 100*time.Millisecond)
		p.expect(0x8A, "ping")
		p.expect(0x81, "frag€")
		p.dribble(frame(0x88, "\x03\xe8bye"), 100*time.Millisecond)
		p.closed(1000, "")
		p.Close()
		if took := time.Since(begin); took < 40*time.Second {
			t.Errorf("took %v: there were no pauses", took)
		}
		w.left(t, 1)
	})
}

// tooLate is the whole answer to a handshake that is not complete in time.
const tooLate = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n" +
	"X-Content-Type-Options: nosniff\r\nContent-Length: 37\r\n\r\nthe request was not complete in time\n"

// TestDribbledHandshakeTooLate: the time of a handshake is counted from its
// beginning, and the byte that comes last does not prolong it.
func TestDribbledHandshakeTooLate(t *testing.T) {
	for name, in := range map[string]string{
		"a request, a byte too late": request,
		"endless headers":            strings.TrimSuffix(request, "\r\n") + strings.Repeat("X: y\r\n", 50),
		"an endless line":            "GET /" + strings.Repeat("x", 500),
	} {
		t.Run(name, func(t *testing.T) {
			open(t, nil, func(t *testing.T, w *world) {
				p := w.dial(t)
				begin := time.Now()
				pause := limits.Handshake/time.Duration(len(request)) + time.Millisecond
				n := min(int(limits.Handshake/pause), len(in)-1)
				p.dribble(in[:n], pause)
				answer := make([]byte, len(tooLate))
				p.full(answer)
				took := time.Since(begin).Round(time.Millisecond)
				if string(answer) != tooLate {
					t.Errorf("answered %q, want %q", answer, tooLate)
				}
				if took < limits.Handshake || took > limits.Handshake+50*time.Millisecond {
					t.Errorf("took %v, want %v", took, limits.Handshake)
				}
				p.dribble(in[n:min(n+20, len(in))], pause) // it does not matter any more
				p.end()
				p.Close()
				w.left(t, 0)
			})
		})
	}
}

// TestUnfinishedMessages ends messages that are not complete in time: the
// first byte counts, and nothing that comes after it gives them more.
func TestUnfinishedMessages(t *testing.T) {
	late := goodbye(1008, "a message was not complete within 7s")
	for _, tt := range []struct {
		name  string
		begin string   // ends in the middle of a message
		every string   // written every second
		want  []string // what is read
	}{
		{"one byte of a header", "\x81", "", []string{late}},
		{"a header without its key", "\x81\x85\x00", "", []string{late}},
		{"a header", "\x82\xfe\x03\xe8\x00\x00\x00\x00", "", []string{late}},
		{"one byte is missing", frame(0x81, "late")[:9], "", []string{late}},
		{"a frame, dribbled", frame(0x81, strings.Repeat("x", 20))[:6], "x", []string{late}},
		{"fragments without an end", frame(0x01, ""), frame(0x00, "x"), []string{late}},
		{"empty fragments without an end", frame(0x02, ""), frame(0x00, ""), []string{late}},
		{"pings between the fragments", frame(0x01, "x"), frame(0x89, "p"),
			[]string{"0x8a p", "0x8a p", "0x8a p", "0x8a p", "0x8a p", "0x8a p", late}},
		{"pongs between the fragments", frame(0x01, "x"), frame(0x8A, ""), []string{late}},
		{"half a ping", "\x89\x84\x00\x00\x00\x00pi", "", []string{late}},
		{"half a close", "\x88\x82\x00\x00\x00\x00\x03", "", []string{late}},
		{"behind whole messages", frame(0x81, "first") + frame(0x89, "p") + "\x81", "", []string{"0x8a p", first, late}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, nil, func(t *testing.T, w *world) {
				p := w.join(t, "")
				begin := time.Now()
				p.write(tt.begin)
				for tt.every != "" && time.Since(begin) < limits.Message-time.Second {
					time.Sleep(time.Second)
					p.write(tt.every)
				}
				if err := p.reads(tt.want...); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took < limits.Message || took > limits.Message+50*time.Millisecond {
					t.Errorf("took %v, want %v", took, limits.Message)
				}
				p.Close()
				w.left(t, 1)
			})
		})
	}
}

// TestUnfinishedMessageOfASilentPeer: the ping that a silent peer is sent gives
// its message no more time.
func TestUnfinishedMessageOfASilentPeer(t *testing.T) {
	open(t, func(w *world, _ *services.Config) { w.Timeouts.Message = limits.Ping + 2*time.Second }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		begin := time.Now()
		p.write(frame(0x01, "x"))
		if err := p.reads("0x89 ", goodbye(1008, "a message was not complete within 22s")); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took < 22*time.Second || took > 22*time.Second+50*time.Millisecond {
			t.Errorf("took %v, want 22s", took)
		}
	})
}

// TestEachMessageHasItsTime: the end of a message and the beginning of the
// next come in one piece, and the next has all its time.
func TestEachMessageHasItsTime(t *testing.T) {
	open(t, nil, func(t *testing.T, w *world) {
		p := w.join(t, "")
		begin := time.Now()
		p.write(frame(0x01, "fir"))
		for range 3 {
			time.Sleep(6 * time.Second)
			p.write(frame(0x80, "st") + frame(0x01, "fir"))
		}
		if err := p.reads(first, first, first, goodbye(1008, "a message was not complete within 7s")); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took < 25*time.Second || took > 25*time.Second+50*time.Millisecond {
			t.Errorf("took %v, want 25s", took)
		}
	})
}

// TestDeclaredLengthNeverArrives: peers announce as much as they may, send a
// byte of it and no more. They cost little, and are sent away in time.
func TestDeclaredLengthNeverArrives(t *testing.T) {
	const peers, limit = 100, 16 << 20
	open(t, func(w *world, c *services.Config) {
		c.MaxMessage = limit
		w.Timeouts = server.Timeouts{Message: 7 * time.Second}
	}, func(t *testing.T, w *world) {
		var all []*peer
		for range peers {
			all = append(all, w.join(t, ""))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i, p := range all {
			head := "\x82\xff\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"
			if i%2 == 0 { // in a message that has begun
				head = frame(0x02, "") + "\x80" + head[1:]
			}
			p.write(head + "x")
		}
		synctest.Wait()
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / peers; each > 16<<10 {
			t.Errorf("each has cost %d bytes", each)
		}
		begin := time.Now()
		for _, p := range all {
			p.closed(1008, "a message was not complete within 7s")
			p.Close()
		}
		if took := time.Since(begin); took < limits.Message || took > limits.Message+50*time.Millisecond {
			t.Errorf("took %v, want %v", took, limits.Message)
		}
		w.left(t, peers)
	})
}
