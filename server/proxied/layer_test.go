package proxied

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lapps/server"
	"lapps/server/servertest"
)

// An above is what is above a Layer: it notes what it is told. Owned by the
// loop; the test looks when everybody waits.
type above struct {
	server.Socket
	receive  func(p []byte) error // what Receive does besides; may be nil
	got      []byte
	calls    int // of Receive
	writable int
	lost     []error
}

func (a *above) Receive(p []byte) error {
	a.calls++
	a.got = append(a.got, p...)
	clear(p) // as a Receiver may
	if a.receive == nil {
		return nil
	}
	return a.receive(p)
}

func (a *above) Writable()      { a.writable++ }
func (a *above) Lost(err error) { a.lost = append(a.lost, err) }

// A bench is a Layer over the carrier in memory.
type bench struct {
	*Layer
	carrier *servertest.Carrier
	peers   []*above
	accept  func(*above) error // what the Acceptor above does besides; may be nil
	log     bytes.Buffer
}

// theProxy is the address that is trusted: servertest's.
var theProxy = netip.MustParseAddr("192.0.2.1")

// with has a function called with a bench inside a bubble.
func with(t *testing.T, l *Layer, test func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{Layer: l}
		l.Trusted = func(a netip.Addr) bool { return a == theProxy }
		l.Log = slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b.carrier = servertest.NewCarrier(l.Accept(func(s server.Socket) (server.Receiver, error) {
			a := &above{Socket: s}
			if b.accept != nil {
				if err := b.accept(a); err != nil {
					return nil, err
				}
			}
			b.peers = append(b.peers, a)
			return a, nil
		}))
		test(t, b)
		b.carrier.Stop()
	})
}

// dial connects a client from the proxy's address, and has it write.
func (b *bench) dial(t *testing.T, text string) net.Conn {
	t.Helper()
	return b.dialFrom(t, theProxy, text)
}

func (b *bench) dialFrom(t *testing.T, addr netip.Addr, text string) net.Conn {
	t.Helper()
	c, err := b.carrier.DialFrom(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	io.WriteString(c, text)
	synctest.Wait()
	return c
}

// only is the peer of the one connection that has come through.
func (b *bench) only(t *testing.T) *above {
	t.Helper()
	if len(b.peers) != 1 {
		t.Fatalf("%d connections came through, want 1; log: %s", len(b.peers), &b.log)
	}
	return b.peers[0]
}

// none checks that no connection came through, and what was counted.
func (b *bench) none(t *testing.T, want Stats) {
	t.Helper()
	if len(b.peers) > 0 || b.Stats() != want {
		t.Errorf("%d connections came through, counted: %+v, want %+v", len(b.peers), b.Stats(), want)
	}
}

func aborted(t *testing.T, c net.Conn) {
	t.Helper()
	if rest, err := io.ReadAll(c); len(rest) > 0 || err == nil {
		t.Errorf("read %q, %v, want an abort", rest, err)
	}
}

// TestHeaders sends every header there is, in pieces of several sizes, with and
// without bytes behind it.
func TestHeaders(t *testing.T) {
	for _, v := range vectors {
		for _, chunk := range []int{1, 2, 13, 100, 0} {
			for _, behind := range []string{"", "hello"} {
				with(t, &Layer{Required: true, Timeout: time.Second}, func(t *testing.T, b *bench) {
					b.carrier.Chunk = chunk
					c := b.dial(t, v.header+behind)
					if v.err != "" {
						b.none(t, Stats{Malformed: 1})
						aborted(t, c)
						if log := b.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=DEBUG") {
							t.Errorf("%s: log: %s", v.name, log)
						}
						return
					}
					p := b.only(t)
					want := p.Socket.(*conn).Socket.RemoteAddr()
					if client := parseClient(v.client); client.IsValid() {
						want = client
					}
					if p.RemoteAddr() != want || string(p.got) != behind || b.log.Len() > 0 {
						t.Errorf("%s: from %v, received %q, log: %s", v.name, p.RemoteAddr(), p.got, &b.log)
					}
				})
			}
		}
	}
}

// TestForwards has a connection live on behind its header.
func TestForwards(t *testing.T) {
	with(t, &Layer{Timeout: time.Second}, func(t *testing.T, b *bench) {
		b.carrier.Buffer = 10
		c := b.dial(t, line4)
		p := b.only(t)
		time.Sleep(time.Hour) // the time for the header does not go on
		io.WriteString(c, "hello")
		synctest.Wait()
		b.carrier.Loop().Post(func() { p.Write([][]byte{[]byte("a long answer")}) })
		got := make([]byte, len("a long answer"))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "a long answer" {
			t.Errorf("read %q, %v", got, err)
		}
		c.Close()
		synctest.Wait()
		if string(p.got) != "hello" || p.writable != 1 || len(p.lost) != 1 || p.lost[0] != io.EOF {
			t.Errorf("received %q, %d times writable, lost: %v", p.got, p.writable, p.lost)
		}
		if b.Stats() != (Stats{}) {
			t.Errorf("counted: %+v", b.Stats())
		}
	})
}

// TestUntrusted has somebody who is no proxy send headers: they change nothing.
func TestUntrusted(t *testing.T) {
	stranger := netip.MustParseAddr("198.51.100.9")
	for _, v := range vectors {
		with(t, &Layer{Timeout: time.Second}, func(t *testing.T, b *bench) {
			c := b.dialFrom(t, stranger, v.header)
			time.Sleep(time.Minute)
			synctest.Wait()
			p := b.only(t)
			if p.RemoteAddr().Addr() != stranger || string(p.got) != v.header || len(p.lost) > 0 {
				t.Errorf("%s: from %v, received %q, lost: %v", v.name, p.RemoteAddr(), p.got, p.lost)
			}
			if _, wrapped := p.Socket.(*conn); wrapped {
				t.Error("it costs something")
			}
			c.Close()
		})
		with(t, &Layer{Required: true}, func(t *testing.T, b *bench) {
			if _, err := b.carrier.DialFrom(stranger); err != errUntrusted {
				t.Errorf("dial: %v", err)
			}
			b.none(t, Stats{Untrusted: 1})
			if log := b.log.String(); !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, stranger.String()) {
				t.Errorf("log: %s", log)
			}
		})
	}
	if l := new(Layer); l.Trusted != nil {
		t.Error("the zero Layer trusts somebody")
	}
}

// TestZeroLayer passes through.
func TestZeroLayer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(above)
		carrier := servertest.NewCarrier(new(Layer).Accept(func(s server.Socket) (server.Receiver, error) {
			a.Socket = s
			return a, nil
		}))
		c, err := carrier.Dial()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, line4)
		synctest.Wait()
		if a.RemoteAddr().Addr() != theProxy || string(a.got) != line4 {
			t.Errorf("from %v, received %q", a.RemoteAddr(), a.got)
		}
		carrier.Stop()
	})
}

// TestOptional has a trusted address send no header: all its bytes are passed
// on, as soon as they cannot be one.
func TestOptional(t *testing.T) {
	for _, v := range []struct{ text, decides string }{
		{"GET / HTTP/1.1\r\n", "G"},
		{"POST / HTTP/1.1\r\n", "PO"},
		{"PROXY\t", "PROXY\t"},
		{"PRO XY", "PRO "},
		{"\r\n\r\nGET /", "\r\n\r\nG"},
		{"\r\n\r\n\x00\r\nQUIT\r\n", "\r\n\r\n\x00\r\nQUIT\r"},
		{"\x16\x03\x01", "\x16"},
	} {
		with(t, &Layer{}, func(t *testing.T, b *bench) {
			c := b.dial(t, "")
			for i := range v.text {
				io.WriteString(c, v.text[i:i+1])
				synctest.Wait()
				if through, want := len(b.peers) == 1, i+1 >= len(v.decides); through != want {
					t.Fatalf("%q: through after %d bytes: %v, want %v", v.text, i+1, through, want)
				}
			}
			if p := b.only(t); string(p.got) != v.text || p.RemoteAddr().Addr() != theProxy {
				t.Errorf("%q: received %q, from %v", v.text, p.got, p.RemoteAddr())
			}
		})
	}
	with(t, &Layer{}, func(t *testing.T, b *bench) { // what begins like a header must be one
		aborted(t, b.dial(t, "PROXY / HTTP/1.1\r\n"))
		b.none(t, Stats{Malformed: 1})
	})
}

// TestTimeout is exact to the tick of the wheel, however much dribbles in.
func TestTimeout(t *testing.T) {
	for _, required := range []bool{false, true} {
		for _, text := range []string{"", "PROXY TCP4 203.0.113.7 192"} {
			with(t, &Layer{Required: required, Timeout: 100 * time.Second}, func(t *testing.T, b *bench) {
				begin := time.Now()
				c := b.dial(t, "")
				for i := range text {
					time.Sleep(time.Second)
					io.WriteString(c, text[i:i+1])
				}
				aborted(t, c)
				if took := time.Since(begin); took < 100*time.Second || took > 100*time.Second+50*time.Millisecond {
					t.Errorf("%q: took %v", text, took)
				}
				synctest.Wait()
				b.none(t, Stats{Late: 1})
			})
		}
	}
	late := 0
	with(t, &Layer{Required: true, Timeout: time.Second, Exceed: func() bool { late++; return false }}, func(t *testing.T, b *bench) { // only counted
		c := b.dial(t, "P")
		time.Sleep(time.Hour)
		io.WriteString(c, line4[1:])
		synctest.Wait()
		if b.only(t); late != 1 || b.Stats() != (Stats{}) {
			t.Errorf("counted %d times, and %+v", late, b.Stats())
		}
	})
	with(t, &Layer{Required: true}, func(t *testing.T, b *bench) { // no limit
		c := b.dial(t, "P")
		time.Sleep(1000 * time.Hour)
		io.WriteString(c, line4[1:])
		synctest.Wait()
		b.only(t)
	})
}

// TestHealthCheck has connections end before they have begun: that is not even
// worth a debug log. In the middle of a header it is.
func TestHealthCheck(t *testing.T) {
	for _, required := range []bool{false, true} {
		for text, want := range map[string]Stats{"": {}, "PROXY": {Malformed: 1}} {
			for _, end := range []func(net.Conn){
				func(c net.Conn) { c.Close() },
				func(c net.Conn) { c.(interface{ CloseWrite() error }).CloseWrite() },
				func(c net.Conn) { c.(interface{ Reset() }).Reset() },
			} {
				with(t, &Layer{Required: required, Timeout: time.Second}, func(t *testing.T, b *bench) {
					end(b.dial(t, text))
					time.Sleep(time.Hour)
					synctest.Wait()
					b.none(t, want)
					if logged := b.log.Len() > 0; logged != (text != "") {
						t.Errorf("%q: log: %s", text, &b.log)
					}
				})
			}
		}
	}
	with(t, &Layer{}, func(t *testing.T, b *bench) { // the proxy says so
		b.dial(t, version2(local, unspecified, "")).Close()
		synctest.Wait()
		if p := b.only(t); len(p.lost) != 1 || p.calls != 0 || b.log.Len() > 0 {
			t.Errorf("lost: %v, log: %s", p.lost, &b.log)
		}
	})
}

// TestAboveActs has what is above do all that it may while it is being asked,
// with bytes behind the header in the same piece.
func TestAboveActs(t *testing.T) {
	no := errors.New("no")
	for _, v := range []struct {
		name   string
		accept func(*above) error
		test   func(t *testing.T, b *bench, c net.Conn)
	}{
		{"closes", func(a *above) error {
			a.Write([][]byte{[]byte("go away")})
			a.Close(time.Second)
			return nil
		}, func(t *testing.T, b *bench, c net.Conn) {
			if got, err := io.ReadAll(c); string(got) != "go away" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			c.Close()
			synctest.Wait()
			if p := b.only(t); p.calls != 0 || len(p.lost) != 1 || p.lost[0] != nil {
				t.Errorf("received %q, lost: %v", p.got, p.lost)
			}
		}},
		{"aborts", func(a *above) error { a.Close(0); return nil }, func(t *testing.T, b *bench, c net.Conn) {
			aborted(t, c)
			if p := b.only(t); p.calls != 0 || len(p.lost) != 1 {
				t.Errorf("received %q, lost: %v", p.got, p.lost)
			}
		}},
		{"refuses", func(*above) error { return no }, func(t *testing.T, b *bench, c net.Conn) {
			aborted(t, c)
			b.none(t, Stats{})
		}},
		{"pauses", func(a *above) error { a.Pause(true); return nil }, func(t *testing.T, b *bench, c net.Conn) {
			io.WriteString(c, " world")
			synctest.Wait()
			if p := b.only(t); string(p.got) != "hello" { // all of the wake-up
				t.Errorf("received %q", p.got)
			}
			b.carrier.Loop().Post(func() { b.peers[0].Pause(false) })
			synctest.Wait()
			if p := b.only(t); string(p.got) != "hello world" {
				t.Errorf("received %q", p.got)
			}
		}},
		{"fails at once", func(a *above) error {
			a.receive = func([]byte) error { return no }
			return nil
		}, func(t *testing.T, b *bench, c net.Conn) {
			aborted(t, c)
			if p := b.only(t); p.calls != 1 || len(p.lost) != 1 || p.lost[0] != no {
				t.Errorf("received %q, lost: %v", p.got, p.lost)
			}
		}},
	} {
		for _, text := range []string{line4 + "hello", version2(proxy, inet|1, addresses4) + "hello"} {
			t.Run(v.name, func(t *testing.T) {
				with(t, &Layer{Timeout: time.Second}, func(t *testing.T, b *bench) {
					b.accept = v.accept
					v.test(t, b, b.dial(t, text))
				})
			})
		}
	}
}

// TestStop has the carrier stop while headers are awaited.
func TestStop(t *testing.T) {
	with(t, &Layer{Required: true, Timeout: time.Hour}, func(t *testing.T, b *bench) {
		aborts := []net.Conn{b.dial(t, ""), b.dial(t, "PROXY ")}
		b.carrier.Stop()
		for _, c := range aborts {
			aborted(t, c)
		}
		b.none(t, Stats{Malformed: 1})
	})
}
