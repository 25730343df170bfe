package secure_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lapps/server"
	"lapps/server/secure"
	"lapps/server/servertest"
)

// gnet keeps goroutines for the whole process, see server/epoll.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*goWorker).run.func1"))
}

// A world is a layer over the carrier in memory, whose acceptor is an echo.
type world struct {
	t       *testing.T
	ca      *servertest.Authority
	dir     string
	keys    *secure.Keys
	slots   *secure.Slots
	layer   *secure.Layer
	carrier *servertest.Carrier
	peers   []*echo
	writes  int           // to the socket below
	dry     bool          // slots are only counted
	over    atomic.Uint64 // how often
}

// An echo sends back what it receives.
type echo struct {
	server.Socket
	got     int
	backlog int
	lost    []error
}

func (e *echo) Receive(p []byte) error {
	e.got += len(p)
	if string(p) == "bye" {
		e.Close(time.Second)
		return nil
	}
	if string(p) == "pause" {
		e.Pause(true)
		return nil
	}
	if string(p) == "fail" {
		return errors.New("as asked")
	}
	backlog, err := e.Write([][]byte{p})
	if e.backlog = backlog; backlog > 0 {
		e.Pause(true)
	}
	_ = err // Lost follows
	return nil
}

func (e *echo) Writable() { e.backlog = 0; e.Pause(false) }

func (e *echo) Lost(err error) { e.lost = append(e.lost, err) }

// counted counts what is written.
type counted struct {
	server.Socket
	w *world
}

func (c counted) Write(p [][]byte) (int, error) {
	c.w.writes++
	return c.Socket.Write(p)
}

// open has test called with a world in a bubble; change alters the options,
// whose certificate is for example.com.
func open(t *testing.T, handshakes int, change func(w *world, o *secure.Options), test func(w *world)) {
	t.Helper()
	w := &world{t: t, ca: servertest.NewAuthority(t, "root"), dir: t.TempDir()}
	cert, key := w.ca.Issue(t, w.dir, "server", false, nil, nil, "example.com")
	o := secure.Options{Certificates: []secure.Pair{{Cert: cert, Key: key}}, Tickets: true}
	if change != nil {
		change(w, &o)
	}
	synctest.Test(t, func(t *testing.T) {
		w.t = t
		var err error
		if w.keys, err = secure.Load(o); err != nil {
			t.Fatal(err)
		}
		w.slots = secure.NewSlots(handshakes, func() bool { w.over.Add(1); return !w.dry })
		w.layer = secure.New(secure.Config{Keys: w.keys, Slots: w.slots})
		accept := w.layer.Accept(func(s server.Socket) (server.Receiver, error) {
			e := &echo{Socket: s}
			w.peers = append(w.peers, e)
			return e, nil
		})
		w.carrier = servertest.NewCarrier(func(s server.Socket) (server.Receiver, error) { return accept(counted{s, w}) })
		test(w)
		w.carrier.Stop()
		if err := w.layer.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		for i, e := range w.peers {
			if len(e.lost) != 1 {
				t.Errorf("peer %d was lost %d times", i, len(e.lost))
			}
		}
		w.underWay(0, 0)
	})
}

// underWay checks how many handshakes have a slot, and how many wait for one.
func (w *world) underWay(shaking, waiting int) {
	w.t.Helper()
	if s, q := w.slots.Len(); s != shaking || q != waiting {
		w.t.Errorf("%d handshakes are under way and %d wait, want %d and %d", s, q, shaking, waiting)
	}
}

// config is a client's.
func (w *world) config() *tls.Config {
	return &tls.Config{RootCAs: w.ca.Pool(), ServerName: "example.com"}
}

func (w *world) dial() net.Conn {
	w.t.Helper()
	c, err := w.carrier.Dial()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}

// client makes a handshake.
func (w *world) client(cfg *tls.Config) *tls.Conn {
	w.t.Helper()
	c := tls.Client(w.dial(), cfg)
	if err := c.Handshake(); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// echoes sends n bytes and reads them back.
func (w *world) echoes(c net.Conn, n int) {
	w.t.Helper()
	sent := bytes.Repeat([]byte("0123456789abcdefg"), n/17+1)[:n]
	failed := make(chan error, 1)
	go func() { _, err := c.Write(sent); failed <- err }()
	got := make([]byte, n)
	if _, err := io.ReadFull(c, got); err != nil {
		w.t.Fatal(err)
	}
	if err := <-failed; err != nil || !bytes.Equal(got, sent) {
		w.t.Fatalf("%d bytes: not echoed, %v", n, err)
	}
}

// TestEcho cuts the stream into pieces, in both versions and with both kinds
// of keys.
func TestEcho(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, useRSA := range []bool{false, true} {
			for _, chunk := range []int{1, 3, 1000, 1 << 16} {
				t.Run(fmt.Sprintf("%s rsa %v chunk %d", tls.VersionName(version), useRSA, chunk), func(t *testing.T) {
					open(t, 0, func(w *world, o *secure.Options) {
						if useRSA {
							cert, key := w.ca.Issue(t, w.dir, "rsa", true, nil, nil, "example.com")
							o.Certificates = []secure.Pair{{Cert: cert, Key: key}}
						}
					}, func(w *world) {
						w.carrier.Chunk = chunk
						cfg := w.config()
						cfg.MinVersion, cfg.MaxVersion = version, version
						c := w.client(cfg)
						for _, n := range []int{1, 2, 100, 16384, 16385, 100_000} {
							if n <= chunk*20_000 {
								w.echoes(c, n)
							}
						}
						c.CloseWrite()
						if _, err := c.Read(make([]byte, 1)); err != io.EOF {
							t.Errorf("close_notify was answered with %v", err)
						}
						synctest.Wait()
						c.NetConn().Close()
						synctest.Wait()
						if got := w.peers[0].lost; len(got) != 1 || got[0] != io.EOF {
							t.Errorf("lost: %v", got)
						}
					})
				})
			}
		}
	}
}

// TestClose has the server say close_notify.
func TestClose(t *testing.T) {
	open(t, 0, nil, func(w *world) {
		c := w.client(w.config())
		w.echoes(c, 10)
		io.WriteString(c, "bye")
		if n, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("got %d, %v", n, err)
		}
		c.Close()
		synctest.Wait()
		if got := w.peers[0].lost; len(got) != 1 || got[0] != nil {
			t.Errorf("lost: %v", got)
		}
		c = w.client(w.config())
		io.WriteString(c, "fail")
		if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("an error of the receiver is told as %v", err)
		}
		synctest.Wait()
		if got := w.peers[1].lost; len(got) != 1 || got[0] == nil || got[0].Error() != "as asked" {
			t.Errorf("lost: %v", got)
		}
	})
}

// TestBadRecord ends a connection with an alert, and that connection only.
func TestBadRecord(t *testing.T) {
	open(t, 0, nil, func(w *world) {
		for name, bytes := range map[string]string{
			"a record that nobody encrypted": "\x17\x03\x03\x00\x20" + strings.Repeat("x", 32),
			"a record that is too large":     "\x17\x03\x03\x48\x01",
			"another version":                "\x17\x09\x03\x00\x01x",
		} {
			c := w.client(w.config())
			w.echoes(c, 3)
			io.WriteString(c.NetConn(), bytes)
			_, err := c.Read(make([]byte, 1))
			if _, ok := errors.AsType[*net.OpError](err); !ok || !strings.Contains(err.Error(), "remote error: tls:") {
				t.Errorf("%s: the client sees %v, want an alert", name, err)
			}
			c.NetConn().Close()
		}
		synctest.Wait()
		for _, e := range w.peers {
			if len(e.lost) != 1 || e.lost[0] == nil {
				t.Errorf("lost: %v", e.lost)
			}
		}
	})
}

// TestNotTLS gives who does not speak TLS a clear end.
func TestNotTLS(t *testing.T) {
	open(t, 0, nil, func(w *world) {
		c := w.dial()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
		answer, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || !strings.Contains(string(answer), "wss://") {
			t.Errorf("%s, %v", answer, err)
		}
		c.Close()
		c = w.dial()
		io.WriteString(c, "\x80\x2e\x01")
		if _, err := io.ReadAll(c); err == nil {
			t.Error("garbage is not aborted")
		}
		synctest.Wait()
		if s := w.layer.Stats(); s.NotTLS != 2 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestAhead has a client that sends behind its Finished without waiting, more
// than is taken while its handshake cannot go on.
func TestAhead(t *testing.T) {
	open(t, 0, nil, func(w *world) {
		raw := &gatedConn{Conn: w.dial(), gate: make(chan bool)}
		c := tls.Client(raw, w.config())
		done := make(chan error)
		sent := bytes.Repeat([]byte("ahead"), 40_000)
		go func() {
			_, err := c.Write(sent)
			done <- err
		}()
		synctest.Wait() // the handshake waits for the client, which does not read
		release := w.slots.Compute()
		close(raw.gate)
		synctest.Wait()
		if kept := w.slots.Ahead(); kept == 0 || kept > 70_000 { // a wake-up's
			t.Errorf("%d bytes are kept", kept)
		}
		got := make(chan bool)
		go func() {
			defer close(got)
			b := make([]byte, len(sent))
			if err := <-done; err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(c, b); err != nil || !bytes.Equal(b, sent) {
				t.Errorf("not echoed: %v", err)
			}
		}()
		release()
		<-got
	})
}

// TestPaused has a Receiver that has paused hear of nothing that came in the same
// wake-up, be it behind the handshake, and of all of it in order when it reads on.
func TestPaused(t *testing.T) {
	for _, behind := range []string{"the handshake", "a message"} {
		t.Run("behind "+behind, func(t *testing.T) {
			open(t, 0, nil, func(w *world) {
				raw := &gatedConn{Conn: w.dial(), gate: make(chan bool)}
				c := tls.Client(raw, w.config())
				release := func() {}
				if behind == "a message" {
					close(raw.gate)
					c.Handshake()
				}
				wrote := make(chan bool)
				go func() {
					defer close(wrote)
					for _, text := range []string{"pause", "two", "pause", "four"} {
						io.WriteString(c, text)
					}
					c.CloseWrite()
				}()
				if behind == "the handshake" {
					synctest.Wait()
					release = w.slots.Compute()
					close(raw.gate)
				}
				<-wrote
				synctest.Wait()
				release()
				synctest.Wait()
				e := w.peers[0]
				for _, want := range []int{5, 13} {
					if e.got != want || len(e.lost) != 0 {
						t.Fatalf("%d bytes were received, want %d; lost %v", e.got, want, e.lost)
					}
					w.carrier.Loop().Post(func() { e.Pause(false) })
					synctest.Wait()
				}
				if e.got != 17 {
					t.Errorf("%d bytes were received, want 17", e.got)
				}
				raw.Close()
			})
		})
	}
}

// TestNoArrival: a handshake that waits has one that is silent ended although
// nobody else comes, and one that drips does not shield others.
func TestNoArrival(t *testing.T) {
	open(t, 2, nil, func(w *world) {
		hello := clientHello(t)
		dripping, silent := w.dial(), w.dial()
		stop := make(chan bool)
		go func() {
			for _, c := range hello[5:] {
				select {
				case <-stop:
					return
				case <-time.After(700 * time.Millisecond):
					dripping.Write([]byte{0x16, 3, 1, 0, 1, c})
				}
			}
		}()
		time.Sleep(time.Second)
		silent.Write(hello)
		synctest.Wait()
		begin := time.Now()
		for range 2 {
			w.client(w.config())
		}
		if took := time.Since(begin); took > 4*time.Second || w.layer.Stats().Evicted == 0 {
			t.Errorf("waited for %v: %+v", took, w.layer.Stats())
		}
		close(stop)
	})
}

// TestTurns has handshakes get slots in the order in which they came.
func TestTurns(t *testing.T) {
	open(t, 1, nil, func(w *world) {
		hello := clientHello(t)
		first, second := w.dial(), w.dial()
		first.Write(hello)
		synctest.Wait()
		second.Write(hello)
		synctest.Wait()
		third := make(chan bool, 1)
		go func() {
			w.echoes(w.client(w.config()), 5)
			third <- true
		}()
		synctest.Wait()
		first.(interface{ Reset() }).Reset()
		synctest.Wait()
		if w.underWay(1, 1); w.layer.Stats().Completed != 0 {
			t.Error("the third is before the second")
		}
		second.(interface{ Reset() }).Reset()
		<-third
	})
}

// A gatedConn reads when its gate is open.
type gatedConn struct {
	net.Conn
	gate chan bool
}

func (g *gatedConn) Read(p []byte) (int, error) {
	<-g.gate
	return g.Conn.Read(p)
}

// TestSlots holds handshakes to their number, and those that are silent to
// their patience.
func TestSlots(t *testing.T) {
	open(t, 2, nil, func(w *world) {
		hello := clientHello(t)
		var silent []net.Conn
		for range 2 {
			c := w.dial()
			c.Write(hello)
			silent = append(silent, c)
		}
		synctest.Wait()
		w.underWay(2, 0)
		greeted := make(chan bool, 2)
		join := func() {
			w.echoes(w.client(w.config()), 5)
			greeted <- true
		}
		go join()
		synctest.Wait()
		w.underWay(2, 1)
		silent[0].Close() // frees its slot
		<-greeted
		silent[0] = w.dial()
		silent[0].Write(hello)
		time.Sleep(2 * time.Second)
		go join() // ends the oldest of the two
		<-greeted
		synctest.Wait()
		w.underWay(1, 0)
		if s := w.layer.Stats(); s.Evicted != 1 || s.Completed != 2 || w.over.Load() != 2 {
			t.Errorf("%+v, %d were too many", s, w.over.Load())
		}
		// One that is closed while it waits is forgotten.
		silent[0].Close()
		for range 2 {
			w.dial().Write(hello)
		}
		gone := w.dial()
		gone.Write(hello)
		synctest.Wait()
		w.underWay(2, 1)
		gone.(interface{ Reset() }).Reset()
		synctest.Wait()
		w.underWay(2, 0)
	})
}

// TestSlotsDry counts what would have had to wait.
func TestSlotsDry(t *testing.T) {
	open(t, 1, func(w *world, _ *secure.Options) { w.dry = true }, func(w *world) {
		w.dial().Write(clientHello(t))
		synctest.Wait()
		w.echoes(w.client(w.config()), 5)
		synctest.Wait()
		if s := w.layer.Stats(); s.Evicted != 0 || s.Completed != 1 || w.over.Load() != 1 {
			t.Errorf("%+v, %d were too many", s, w.over.Load())
		}
	})
}

// TestSharedSlots has a second layer wait for a slot that the first one's has.
func TestSharedSlots(t *testing.T) {
	open(t, 1, nil, func(w *world) {
		silent := w.dial()
		silent.Write(clientHello(t))
		synctest.Wait()
		second := secure.New(secure.Config{Keys: w.keys, Slots: w.slots})
		other := &world{t: w.t, ca: w.ca, carrier: servertest.NewCarrier(second.Accept(func(s server.Socket) (server.Receiver, error) {
			return &echo{Socket: s}, nil
		}))}
		done := make(chan bool)
		go func() {
			other.echoes(other.client(w.config()), 5)
			close(done)
		}()
		synctest.Wait()
		w.underWay(1, 1)
		silent.(interface{ Reset() }).Reset()
		<-done
		other.carrier.Stop()
		if err := second.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// TestNewestFirst serves who comes last where others have waited for too long, so
// that not all have to.
func TestNewestFirst(t *testing.T) {
	open(t, 1, nil, func(w *world) {
		hello := clientHello(t)
		var silent []net.Conn
		for range 6 {
			silent = append(silent, w.dial())
			silent[len(silent)-1].Write(hello)
			synctest.Wait()
		}
		time.Sleep(2500 * time.Millisecond)
		w.underWay(1, 4)
		began := time.Now()
		w.echoes(w.client(w.config()), 5)
		if took := time.Since(began); took > 1500*time.Millisecond {
			t.Errorf("the newest waited for %v", took)
		}
		for _, c := range silent { // or a slot would go from one to the next while the loop ends
			c.Close()
		}
		synctest.Wait()
	})
}

// TestReloadWhileWaiting judges who waits for a slot by what the files hold when
// it gets one.
func TestReloadWhileWaiting(t *testing.T) {
	var device tls.Certificate
	open(t, 1, func(w *world, o *secure.Options) {
		o.ClientAuth, o.ClientCA = tls.RequireAndVerifyClientCert, w.ca.WriteCert(t, w.dir, "ca")
		var err error
		if device, err = tls.LoadX509KeyPair(w.ca.Issue(t, w.dir, "device", false, nil, nil, "device.example.com")); err != nil {
			t.Fatal(err)
		}
	}, func(w *world) {
		silent := w.dial()
		silent.Write(clientHello(t))
		synctest.Wait()
		outcome := make(chan error)
		go func() {
			cfg := w.config()
			cfg.Certificates = []tls.Certificate{device}
			c := tls.Client(w.dial(), cfg)
			io.WriteString(c, "hello")
			_, err := io.ReadFull(c, make([]byte, 5)) // in TLS 1.3 the refusal comes now
			outcome <- err
		}()
		synctest.Wait()
		w.underWay(1, 1)
		servertest.NewAuthority(t, "another").WriteCert(t, w.dir, "ca")
		w.reload(true)
		silent.(interface{ Reset() }).Reset()
		if err := <-outcome; err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("who was signed by the authority of before: %v", err)
		}
	})
}

// TestPauseBeforeOpen has a Receiver pause before it has received anything: the
// handshake goes on, and what comes behind it is kept until it reads on.
func TestPauseBeforeOpen(t *testing.T) {
	for _, when := range []string{"at once", "in the handshake"} {
		t.Run(when, func(t *testing.T) {
			open(t, 0, nil, func(w *world) {
				raw := w.dial()
				synctest.Wait()
				e := w.peers[0]
				gated := &gatedConn{raw, make(chan bool)}
				pause := func(on bool) {
					w.carrier.Loop().Post(func() { e.Pause(on) })
					synctest.Wait()
				}
				if when == "at once" {
					pause(true)
				}
				c := tls.Client(gated, w.config())
				got := make(chan string)
				go func() {
					io.WriteString(c, "hello")
					b := make([]byte, 5)
					io.ReadFull(c, b)
					got <- string(b)
				}()
				synctest.Wait()
				pause(false)
				pause(true)
				close(gated.gate)
				synctest.Wait()
				if w.layer.Stats().Completed != 1 || e.got != 0 {
					t.Errorf("%+v, %d bytes received", w.layer.Stats(), e.got)
				}
				pause(false)
				if s := <-got; s != "hello" {
					t.Errorf("%q", s)
				}
			})
		})
	}
}

// clientHello is the first flight of a client.
func clientHello(t *testing.T) []byte {
	t.Helper()
	r := &firstWrite{}
	tls.Client(r, &tls.Config{ServerName: "example.com"}).Handshake()
	return r.data
}

type firstWrite struct {
	net.Conn
	data []byte
}

func (f *firstWrite) Write(p []byte) (int, error) { f.data = append(f.data, p...); return len(p), nil }
func (f *firstWrite) Read([]byte) (int, error)    { return 0, io.EOF }
func (f *firstWrite) Close() error                { return nil }

// TestOneWrite has what one Write is given go out at once.
func TestOneWrite(t *testing.T) {
	open(t, 0, nil, func(w *world) {
		c := w.client(w.config())
		w.echoes(c, 5)
		wrote := make(chan error)
		w.carrier.Loop().Post(func() {
			w.writes = 0
			_, err := w.peers[0].Write([][]byte{[]byte("one "), []byte("record "), []byte("for all")})
			wrote <- err
		})
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		n, err := c.Read(b) // a Read is of one record
		if string(b[:n]) != "one record for all" || err != nil || w.writes != 1 {
			t.Errorf("%q, %v in %d writes", b[:n], err, w.writes)
		}
	})
}

// TestALPN agrees on http/1.1, and refuses who speaks something else.
func TestALPN(t *testing.T) {
	open(t, 0, nil, func(w *world) {
		cfg := w.config()
		cfg.NextProtos = []string{"h2", "http/1.1"}
		if got := w.client(cfg).ConnectionState().NegotiatedProtocol; got != "http/1.1" {
			t.Errorf("agreed on %q", got)
		}
		cfg.NextProtos = []string{"h2"}
		err := tls.Client(w.dial(), cfg).Handshake()
		if err == nil || !strings.Contains(err.Error(), "no application protocol") {
			t.Errorf("h2 alone: %v", err)
		}
	})
}

// TestVersions holds the minimum.
func TestVersions(t *testing.T) {
	open(t, 0, func(_ *world, o *secure.Options) { o.MinVersion = tls.VersionTLS13 }, func(w *world) {
		cfg := w.config()
		cfg.MaxVersion = tls.VersionTLS12
		if err := tls.Client(w.dial(), cfg).Handshake(); err == nil || !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("TLS 1.2: %v", err)
		}
		w.client(w.config())
		synctest.Wait()
		if s := w.layer.Stats(); s.Failed != 1 || s.Completed != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestSNI chooses certificates by the host that the client names.
func TestSNI(t *testing.T) {
	open(t, 0, func(w *world, o *secure.Options) {
		mid := w.ca.Intermediate(t, "intermediate")
		cert, key := mid.Issue(t, w.dir, "other", true, nil, []*servertest.Authority{mid}, "*.example.org")
		o.Certificates = append(o.Certificates, secure.Pair{Cert: cert, Key: key})
	}, func(w *world) {
		for host, want := range map[string]string{"example.com": "server", "a.example.org": "other", "": "server", "example.net": "server"} {
			cfg := w.config()
			cfg.ServerName, cfg.InsecureSkipVerify = host, want == "server"
			got := w.client(cfg).ConnectionState().PeerCertificates
			if got[0].Subject.CommonName != want {
				t.Errorf("%q gets %s", host, got[0].Subject)
			}
			if want == "other" && len(got) != 2 {
				t.Errorf("%d certificates in the chain", len(got))
			}
		}
		if got := w.keys.Leaves(); len(got) != 2 || got[1].Subject.CommonName != "other" {
			t.Errorf("leaves: %v", got)
		}
	})
}

// TestClientCertificates asks for them, or insists.
func TestClientCertificates(t *testing.T) {
	for auth, admits := range map[tls.ClientAuthType][3]bool{ // who shows none, a good one, one of somebody else
		tls.NoClientCert:               {true, true, true},
		tls.VerifyClientCertIfGiven:    {true, true, false},
		tls.RequireAndVerifyClientCert: {false, true, false},
	} {
		t.Run(auth.String(), func(t *testing.T) {
			var pairs [3][]tls.Certificate
			open(t, 0, func(w *world, o *secure.Options) {
				o.ClientAuth = auth
				if auth != tls.NoClientCert {
					o.ClientCA = w.ca.WriteCert(t, w.dir, "ca")
				}
				for i, by := range []*servertest.Authority{w.ca, servertest.NewAuthority(t, "root")} {
					cert, err := tls.LoadX509KeyPair(by.Issue(t, w.dir, fmt.Sprint("device", i), false, nil, nil, "device.example.com"))
					if err != nil {
						t.Fatal(err)
					}
					pairs[i+1] = []tls.Certificate{cert}
				}
			}, func(w *world) {
				for i, want := range admits {
					cfg := w.config()
					cfg.Certificates = pairs[i]
					c := tls.Client(w.dial(), cfg)
					io.WriteString(c, "hello")
					_, err := io.ReadFull(c, make([]byte, 5)) // in TLS 1.3 the refusal comes now
					if got := err == nil; got != want {
						t.Errorf("client %d is admitted: %v, %v", i, got, err)
					}
					if !want || i == 0 {
						continue
					}
					shown := make(chan *x509.Certificate)
					e := w.peers[len(w.peers)-1]
					w.carrier.Loop().Post(func() { shown <- e.Socket.(server.Certified).PeerCertificate() })
					if cert := <-shown; (cert != nil) != (auth != tls.NoClientCert) || cert != nil && cert.DNSNames[0] != "device.example.com" {
						t.Errorf("the certificate: %v", cert)
					}
				}
			})
		})
	}
}

// TestResumption takes sessions up again, also after a new certificate, but not
// after a new authority of clients.
func TestResumption(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			open(t, 0, func(w *world, o *secure.Options) {
				o.ClientAuth = tls.VerifyClientCertIfGiven
				o.ClientCA = w.ca.WriteCert(t, w.dir, "ca")
			}, func(w *world) {
				cfg := w.config()
				cfg.MaxVersion, cfg.ClientSessionCache = version, tls.NewLRUClientSessionCache(1)
				resumes := func(want bool) {
					t.Helper()
					c := w.client(cfg)
					w.echoes(c, 1) // the ticket comes with it
					if got := c.ConnectionState().DidResume; got != want {
						t.Errorf("resumed %v, want %v", got, want)
					}
					c.Close()
				}
				resumes(false)
				resumes(true)
				w.ca.Issue(t, w.dir, "server", false, nil, nil, "example.com")
				w.reload(true)
				resumes(true)
				servertest.NewAuthority(t, "another").WriteCert(t, w.dir, "ca")
				w.reload(true)
				resumes(false)
				if got := w.layer.Stats().Resumed; got != 2 {
					t.Errorf("%d are counted", got)
				}
			})
		})
	}
	open(t, 0, func(_ *world, o *secure.Options) { o.Tickets = false }, func(w *world) {
		cfg := w.config()
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		for range 2 {
			c := w.client(cfg)
			w.echoes(c, 1)
			if c.ConnectionState().DidResume {
				t.Error("resumed without tickets")
			}
		}
	})
}

func (w *world) reload(want bool) {
	w.t.Helper()
	if changed, err := w.keys.Reload(); changed != want || err != nil {
		w.t.Errorf("reload: changed %v, %v", changed, err)
	}
}

// TestReload keeps what is served where the new files are bad.
func TestReload(t *testing.T) {
	open(t, 0, nil, func(w *world) {
		old := w.client(w.config())
		serial := func() string {
			return w.client(w.config()).ConnectionState().PeerCertificates[0].SerialNumber.String()
		}
		first := serial()
		w.reload(false)
		key, _ := os.ReadFile(w.dir + "/server.key")
		w.ca.Issue(t, w.dir, "server", false, nil, nil, "example.com")
		next, _ := os.ReadFile(w.dir + "/server.key")
		for name, bad := range map[string]func(){
			"does not match": func() { os.WriteFile(w.dir+"/server.key", key, 0o600) },
			"find any PEM":   func() { os.WriteFile(w.dir+"/server.key", nil, 0o600) },
			"no such file":   func() { os.Remove(w.dir + "/server.key") },
			"regular file":   func() { os.Mkdir(w.dir+"/server.key", 0o700) },
		} {
			os.RemoveAll(w.dir + "/server.key")
			bad()
			if changed, err := w.keys.Reload(); err == nil || changed || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "server.key") {
				t.Errorf("%s: changed %v, %v", name, changed, err)
			}
			if serial() != first {
				t.Errorf("%s: a new certificate is served", name)
			}
		}
		os.RemoveAll(w.dir + "/server.key")
		os.WriteFile(w.dir+"/server.key", next, 0o600)
		w.reload(true)
		if serial() == first {
			t.Error("the old certificate is served")
		}
		w.echoes(old, 100)
	})
}

// TestCloseAnywhere closes from either end at every stage of a handshake.
func TestCloseAnywhere(t *testing.T) {
	hello := clientHello(t)
	for n := 0; n <= len(hello); n += 1 + len(hello)/7 {
		for _, end := range []string{"client closes", "client resets", "server closes", "server aborts", "carrier stops"} {
			open(t, 1, nil, func(w *world) {
				c := w.dial()
				c.Write(hello[:min(n, len(hello))])
				synctest.Wait()
				e := w.peers[0]
				switch end {
				case "client closes":
					c.Close()
				case "client resets":
					c.(interface{ Reset() }).Reset()
				case "server closes":
					w.carrier.Loop().Post(func() { e.Close(time.Second) })
					answer, _ := io.ReadAll(c)
					if n < len(hello) && !strings.HasSuffix(string(answer), "\x02\x31") {
						t.Errorf("%d bytes: the client reads % x, want access_denied", n, answer)
					}
				case "server aborts":
					w.carrier.Loop().Post(func() { e.Close(0) })
				case "carrier stops":
					return
				}
				time.Sleep(5 * time.Second)
				synctest.Wait()
				if len(e.lost) != 1 {
					t.Errorf("%d bytes, %s: lost %v", n, end, e.lost)
				}
			})
		}
	}
}
