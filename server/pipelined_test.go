package server_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lapps/services"
	"lapps/services/vm"
)

const saysReserved = "reserved bits are set, but no extension was negotiated"

// pipelined are first bytes of frames, and what they are answered with.
var pipelined = []struct {
	name string // begins with the section of RFC 6455
	in   string
	want []string
}{
	{"5.6 a text", frame(0x81, "first") + bye, []string{first, goodbye(1000, "")}},
	{"5.6 many", strings.Repeat(frame(0x81, "first"), 300) + bye, append(strings.Split(strings.Repeat(first+",", 300), ",")[:300:300], goodbye(1000, ""))},
	{"5.4 fragments", frame(0x01, "fi") + frame(0x00, "rs") + frame(0x80, "t") + bye, []string{first, goodbye(1000, "")}},
	{"5.5.2 a ping before any data", frame(0x89, "p") + frame(0x81, "first") + bye, []string{"0x8a p", first, goodbye(1000, "")}},
	{"5.5.3 a pong before any data", frame(0x8A, "p") + frame(0x81, "first") + bye, []string{first, goodbye(1000, "")}},
	{"5.5.1 a close", bye, []string{goodbye(1000, "")}},
	{"5.5.1 an empty close", frame(0x88, ""), []string{"0x88 "}},
	{"5.5.1 a close and more", bye + frame(0x81, "after"), []string{goodbye(1000, "")}},
	{"5.1 an unmasked frame", "\x81\x05first", []string{goodbye(1002, saysUnmasked)}},
	{"5.1 an unmasked frame behind a text", frame(0x81, "first") + "\x81\x05after", []string{first, goodbye(1002, saysUnmasked)}},
	{"5.4 a continuation", frame(0x80, ""), []string{goodbye(1002, saysNoStart)}},
	{"8.1 a text that is none", frame(0x81, "\xff"), []string{goodbye(1007, saysText)}},
	{"9112 9.3.2 another request", request, []string{goodbye(1002, saysReserved)}},
	{"9112 2.2 an empty line", "\r\n\r\n", []string{goodbye(1002, "opcode 0xD is reserved")}},
}

// bye is a Close frame.
var bye = frame(0x88, "\x03\xe8")

// TestPipelined sends frames right behind the request, the stream being cut
// anywhere around the end of the request, to a service that admits the peer at
// once and to one that takes its time.
func TestPipelined(t *testing.T) {
	for how, change := range map[string]func(*world, *services.Config){"at once": nil, "slowly": slowToConnect} {
		t.Run(how, func(t *testing.T) {
			open(t, change, func(t *testing.T, w *world) {
				n := 0
				for _, tt := range pipelined {
					all := request + tt.in
					for _, cut := range append(around(len(request), len(all)), len(all)) {
						p := w.dial(t)
						n++
						p.write(all[:cut])
						synctest.Wait() // the service is being asked, if the request is whole
						p.write(all[cut:])
						synctest.Wait()
						if change != nil {
							openGate()
						}
						if status := p.head(); status != "HTTP/1.1 101 Switching Protocols" {
							t.Fatal(status)
						}
						if err := p.reads(tt.want...); err != nil {
							t.Errorf("%s, cut at %d of %d: %v", tt.name, cut, len(all), err)
						}
						p.Close()
					}
				}
				w.left(t, n)
			})
		})
	}
}

// around are the places where a request of n bytes, and what stands behind it,
// are cut.
func around(n, all int) (cuts []int) {
	for c := n - 5; c < min(n+20, all); c++ {
		cuts = append(cuts, c)
	}
	return cuts
}

// TestPipelinedBytes has each byte of a request and of frames behind it come by
// itself, all before the service has answered.
func TestPipelinedBytes(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		slowToConnect(w, c)
		w.carrier.Chunk = 1
	}, func(t *testing.T, w *world) {
		for _, tt := range pipelined {
			p := w.dial(t)
			p.write(request + tt.in)
			synctest.Wait()
			openGate()
			p.head()
			if err := p.reads(tt.want...); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			p.Close()
		}
		w.left(t, len(pipelined))
	})
}

// TestPipelinedBehindARefusal: what follows a request that is refused is no
// request and no frame.
func TestPipelinedBehindARefusal(t *testing.T) {
	const answer = "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"X-Content-Type-Options: nosniff\r\nContent-Length: 13\r\n\r\nwho are you?\n"
	open(t, nil, func(t *testing.T, w *world) {
		for name, behind := range map[string]string{"a request": request, "a frame": frame(0x81, "x"), "a breach": "\xff\xff"} {
			p := w.dial(t)
			p.write(strings.Replace(handshake, "%s", "?refuse", 1) + behind)
			if got, err := io.ReadAll(p.r); string(got) != answer || err != nil {
				t.Errorf("%s: answered %q, %v, want %q", name, got, err, answer)
			}
			p.Close()
		}
		w.left(t, 0)
	})
}

// TestPipelinedTooMuch: what a peer sends while the service thinks about it is
// held back by TCP, beyond what one wake-up brings, and none of it is lost.
func TestPipelinedTooMuch(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		slowToConnect(w, c)
		w.carrier.Buffer, w.carrier.Chunk = 4096, 1024
	}, func(t *testing.T, w *world) {
		p := w.dial(t)
		const n = 1000
		sent := make(chan bool)
		go func() {
			defer close(sent)
			io.WriteString(p, request)
			for i := range n {
				io.WriteString(p, frame(0x81, fmt.Sprintf("%100d", i)))
			}
			io.WriteString(p, bye)
		}()
		time.Sleep(limits.Handshake - time.Second)
		select {
		case <-sent:
			t.Error("the sender was not held back")
		default:
		}
		openGate()
		p.head()
		var want []string
		for i := range n {
			want = append(want, fmt.Sprintf("0x81 %100d", i))
		}
		if err := p.reads(append(want, goodbye(1000, ""))...); err != nil {
			t.Error(err)
		}
		<-sent
		p.Close()
		w.left(t, 1)
	})
}

// TestManyInOnePiece: more messages come at once than are decoded at a time, and
// the service takes a few of them at a time: none is lost, and they keep their
// order.
func TestManyInOnePiece(t *testing.T) {
	open(t, func(_ *world, c *services.Config) { c.Mailbox = vm.Limits{GateEvents: 10} }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		var all strings.Builder
		var want []string
		for i := range 1000 {
			all.WriteString(frame(0x81, fmt.Sprint(i)))
			want = append(want, fmt.Sprint("0x81 ", i))
		}
		p.write(frame(0x81, "wait") + all.String() + bye)
		synctest.Wait()
		openGate()
		if err := p.reads(append(append([]string{"0x81 wait"}, want...), goodbye(1000, ""))...); err != nil {
			t.Error(err)
		}
		p.Close()
		w.left(t, 1)
	})
}

// TestPipelinedAndNotAdmittedInTime: the service answers too late; the peer has
// gone with 503, and the service is told that it has gone.
func TestPipelinedAndNotAdmittedInTime(t *testing.T) {
	const answer = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"X-Content-Type-Options: nosniff\r\nContent-Length: 35\r\n\r\nthe service did not answer in time\n"
	for name, behind := range map[string]string{"nothing": "", "a text": frame(0x81, "x"), "a close": bye, "half a frame": "\x81\x85"} {
		t.Run(name, func(t *testing.T) {
			open(t, slowToConnect, func(t *testing.T, w *world) {
				p := w.dial(t)
				begin := time.Now()
				p.write(request + behind)
				got := make([]byte, len(answer))
				p.full(got)
				if string(got) != answer {
					t.Errorf("answered %q, want %q", got, answer)
				}
				if took := time.Since(begin).Round(time.Millisecond); took < limits.Handshake || took > limits.Handshake+50*time.Millisecond {
					t.Errorf("took %v, want %v", took, limits.Handshake)
				}
				p.end()
				p.Close()
				openGate()
				w.left(t, 1)
			})
		})
	}
}

// TestPipelinedHalfFrame: the time of a message that begins behind the request
// is counted from the 101.
func TestPipelinedHalfFrame(t *testing.T) {
	open(t, slowToConnect, func(t *testing.T, w *world) {
		p := w.dial(t)
		p.write(request + frame(0x81, "first")[:7])
		time.Sleep(limits.Handshake - time.Second)
		openGate()
		p.head()
		begin := time.Now()
		p.closed(1008, "a message was not complete within 7s")
		if took := time.Since(begin); took < limits.Message || took > limits.Message+50*time.Millisecond {
			t.Errorf("took %v, want %v", took, limits.Message)
		}
	})
}
