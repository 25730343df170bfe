package server_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"lapps/services"
)

// slowLua echoes, and its onConnect waits at the gate.
const slowLua = `return {
	onConnect = function() require("gate").wait() end,
	onMessage = function(handler, opcode, message) return ws:send(handler, opcode, message) end,
	onDisconnect = function() print("gone") end}`

// slowToConnect has the service answer handshakes when the gate is opened.
func slowToConnect(_ *world, c *services.Config) {
	c.Files = fstest.MapFS{"test.lua": {Data: []byte(slowLua)}}
}

// halfClose sends a FIN without a Close frame.
func (p *peer) halfClose() { p.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// TestHalfClosed has peers send a FIN without a Close frame, in every state,
// and go on reading: for the server the connection is over (section 7.1.5,
// code 1006 for the peer), so they read what was written before, and EOF,
// without a word, and without waiting for a timeout.
func TestHalfClosed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		begin  func(w *world) *peer
		joined int
		want   []string
	}{
		{"before a byte", func(w *world) *peer { return w.dial(t) }, 0, nil},
		{"in the request line", func(w *world) *peer { p := w.dial(t); p.write("GET /te"); return p }, 0, nil},
		{"before the last byte of the request", func(w *world) *peer { p := w.dial(t); p.write(request[:len(request)-1]); return p }, 0, nil},
		{"idle, no message yet", func(w *world) *peer { return w.join(t, "") }, 1, nil},
		{"idle, behind messages", func(w *world) *peer { p := w.join(t, ""); p.send("first"); p.expect(0x81, "first"); return p }, 1, nil},
		{"with its answer unread", func(w *world) *peer { p := w.join(t, ""); p.send("first"); return p }, 1, []string{first}},
		{"in a header", func(w *world) *peer { p := w.join(t, ""); p.write("\x81\xfe\x01"); return p }, 1, nil},
		{"in a payload", func(w *world) *peer { p := w.join(t, ""); p.write(frame(0x81, "first")[:8]); return p }, 1, nil},
		{"between fragments", func(w *world) *peer { p := w.join(t, ""); p.write(frame(0x01, "first")); return p }, 1, nil},
		{"in a message, behind a ping", func(w *world) *peer { p := w.join(t, ""); p.write(frame(0x01, "x") + frame(0x89, "p")); return p }, 1, []string{"0x8a p"}},
		{"after the answer to its Close frame", func(w *world) *peer { p := w.join(t, ""); p.write(frame(0x88, "\x03\xe8")); return p }, 1, []string{goodbye(1000, "")}},
		{"after the service's Close frame", func(w *world) *peer { p := w.join(t, ""); p.send("close"); return p }, 1, []string{goodbye(4001, "as asked")}},
		{"after a breach", func(w *world) *peer { p := w.join(t, ""); p.write("\x81\x00"); return p }, 1, []string{goodbye(1002, saysUnmasked)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, nil, func(t *testing.T, w *world) {
				begin := time.Now()
				p := tt.begin(w)
				synctest.Wait()
				p.halfClose()
				if err := p.reads(tt.want...); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took > time.Millisecond {
					t.Errorf("took %v", took)
				}
				w.left(t, tt.joined)
			})
		})
	}
}

// TestHalfClosedWhileRefused: a refusal is read whole, the FIN notwithstanding.
func TestHalfClosedWhileRefused(t *testing.T) {
	open(t, nil, func(t *testing.T, w *world) {
		p := w.dial(t)
		p.write("GET /test HTTP/1.0\r\n\r\n")
		p.halfClose()
		if status := p.head(); status != "HTTP/1.1 400 Bad Request" {
			t.Error(status)
		}
		w.left(t, 0)
	})
}

// TestHalfClosedWhileJoining: the service admits a peer that has gone, and is
// told so once.
func TestHalfClosedWhileJoining(t *testing.T) {
	for name, behind := range map[string]string{"nothing behind the request": "", "a frame behind it": frame(0x81, "first")} {
		t.Run(name, func(t *testing.T) {
			open(t, slowToConnect, func(t *testing.T, w *world) {
				p := w.dial(t)
				p.write(request + behind)
				synctest.Wait()
				p.halfClose()
				synctest.Wait()
				openGate()
				if behind != "" { // its socket was not read meanwhile: the FIN comes behind the 101
					if status := p.head(); status != "HTTP/1.1 101 Switching Protocols" {
						t.Error(status)
					}
				} else {
					p.end()
				}
				w.left(t, 1)
			})
		})
	}
}

// TestHalfClosedBehindClose: a Close frame is answered (section 5.5.1), behind
// the answers to what came before it, even when a FIN follows it at once.
func TestHalfClosedBehindClose(t *testing.T) {
	big := "0x82 " + strings.Repeat("x", 300000)
	for _, tt := range []struct {
		name   string
		buffer int
		in     string
		want   []string
	}{
		{"nothing before it", 0, "", []string{goodbye(1000, "")}},
		{"a message before it", 0, frame(0x81, "first"), []string{first, goodbye(1000, "")}},
		{"the service is busy", 0, frame(0x81, "wait"), []string{"0x81 wait", goodbye(1000, "")}},
		{"the answer is read slowly", 1000, frame(0x81, "big"), []string{big, goodbye(1000, "")}},
		{"the service closes behind an answer", 1000, frame(0x81, "big") + frame(0x81, "close"), []string{big, goodbye(4001, "as asked")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, func(w *world, _ *services.Config) { w.carrier.Buffer = tt.buffer }, func(t *testing.T, w *world) {
				p := w.join(t, "")
				p.write(tt.in + frame(0x88, "\x03\xe8"))
				p.halfClose()
				synctest.Wait()
				openGate()
				time.Sleep(time.Second)
				got := p.reads(tt.want...)
				if got != nil {
					t.Error(got)
				}
				w.left(t, 1)
			})
		})
	}
}

// TestHalfClosedBehindBacklog: the service's Close frame is read behind what
// waits for the peer, though that has sent a FIN meanwhile.
func TestHalfClosedBehindBacklog(t *testing.T) {
	open(t, func(w *world, _ *services.Config) { w.carrier.Buffer = 1000 }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.write(frame(0x81, "big") + frame(0x81, "close"))
		synctest.Wait()
		p.halfClose()
		if err := p.reads("0x82 "+strings.Repeat("x", 300000), goodbye(4001, "as asked")); err != nil {
			t.Error(err)
		}
		w.left(t, 1)
	})
}
