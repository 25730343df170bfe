package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"lapps/server"
	"lapps/server/secure"
	"lapps/server/servertest"
	"lapps/services"
)

// subscriberLua subscribes each peer to one of 100 channels.
const subscriberLua = `
local test = {}
function test.onStart() for c = 0, 99 do bcast:create(c) end end
function test.onConnect(handler, request)
  if request.query == "subscribe" then bcast:subscribe(handler % 100, handler) end
  return true
end
function test.onMessage() end
return test`

// plainLua has no onConnect: peers are seated at once.
const plainLua = `return {onMessage = function() end}`

// TestMemoryModel builds connections in memory, opened, seated and idle, a million of
// them, and holds what they keep alive against the model.
func TestMemoryModel(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes everything larger")
	}
	many, some, few := 1_000_000, 100_000, 1000
	if testing.Short() {
		many, some, few = 50_000, 10_000, 100
	}
	m := newMemory(t, plainLua)
	seats := m.seats(some)
	within(t, seats, servertest.ModelSeat)
	m.close()

	m = newMemory(t, plainLua)
	conns := m.opened(many, nil, "")
	within(t, conns-seats, servertest.ModelConn)
	m.close()

	m = newMemory(t, subscriberLua)
	quiet := m.opened(some, nil, "")
	within(t, m.opened(some, nil, "?subscribe")-quiet, servertest.ModelSubscription)
	m.close()

	m = newMemory(t, plainLua)
	defer m.close()
	m.opened(few, tlsOf(tls.X25519), "") // what the first ones need, all share
	within(t, m.opened(few, tlsOf(tls.X25519), "")-conns, servertest.ModelTLS)
	within(t, m.opened(few, tlsOf(tls.X25519MLKEM768), "")-conns, servertest.ModelTLSHybrid)
}

// within holds bytes per connection against the model.
func within(t *testing.T, bytes float64, part servertest.Part) {
	t.Helper()
	t.Logf("%6.0f bytes of %6d: %s", bytes, part.Bytes, part.Name)
	if bytes > 1.1*float64(part.Bytes) {
		t.Errorf("%s: %.0f bytes, the model says %d", part.Name, bytes, part.Bytes)
	}
}

// tlsOf is a client's configuration with one key exchange.
func tlsOf(curve tls.CurveID) *tls.Config {
	c := trusts.Clone()
	c.CurvePreferences = []tls.CurveID{curve}
	c.CipherSuites = nil
	return c
}

// A memory is a server whose connections are looked at.
type memory struct {
	*server.Server
	t       *testing.T
	carrier *servertest.Carrier // for its loop
	layer   *secure.Layer
	kept    [][]still
}

func newMemory(t *testing.T, lua string) *memory {
	t.Helper()
	makePair(t)
	log := slog.New(slog.DiscardHandler)
	registry, err := services.New([]services.Config{{
		Name:          "test",
		Files:         fstest.MapFS{"test.lua": {Data: []byte(lua)}},
		RequestTarget: "/test",
		AutoStart:     true,
		Instances:     2,
		MaxMessage:    1 << 20,
		OutboxBytes:   1 << 20,
	}}, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, err := secure.Load(secure.Options{Certificates: []secure.Pair{pair}, Tickets: true})
	if err != nil {
		t.Fatal(err)
	}
	return &memory{
		Server:  &server.Server{Services: registry, Timeouts: server.Timeouts{Ping: time.Hour, Idle: 2 * time.Hour}, Log: log},
		t:       t,
		carrier: servertest.NewCarrier(nil),
		layer:   secure.New(secure.Config{Keys: keys, Log: log}),
	}
}

// close ends the services: the connections have no way to be told.
func (m *memory) close() {
	m.t.Helper()
	done := make(chan struct{})
	m.carrier.Loop().Post(func() {
		defer close(done)
		for _, socks := range m.kept {
			for i := range socks {
				socks[i].recv.Lost(io.EOF)
			}
		}
	})
	<-done
	if err := m.Shutdown(context.Background()); err != nil {
		m.t.Error(err)
	}
	if err := m.Services.Stop(context.Background()); err != nil {
		m.t.Error(err)
	}
	if err := m.layer.Stop(context.Background()); err != nil {
		m.t.Error(err)
	}
	m.carrier.Stop()
	m.kept = nil
}

// live is the live heap.
func live() float64 {
	runtime.GC() // finalizers run behind the first
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}

// A quietPeer is a peer for whom nothing happens.
type quietPeer struct {
	services.Peer
	id uint64
}

func (p *quietPeer) ID() uint64 { return p.id }

// seats is how many bytes a seat takes, of n that have no connections.
func (m *memory) seats(n int) float64 {
	m.t.Helper()
	peers, seats := make([]quietPeer, n), make([]*services.Seat, n)
	service := m.Services.Lookup("/test")
	before := live()
	for i := range peers {
		peers[i].id = 1<<40 + uint64(i)
		service.Join(&peers[i], services.Request{}, func(seat *services.Seat, err error) {
			if err != nil {
				m.t.Error(err)
			}
			seats[i] = seat
		})
	}
	each := (live() - before) / float64(n)
	left := make(chan struct{}, n)
	for _, s := range seats {
		s.Leave(func() { left <- struct{}{} })
	}
	for range seats {
		<-left
	}
	return each
}

// portion is how many connections are opened at a time: fewer than a service lets
// wait for onConnect.
const portion = 1000

// opened is how many bytes a connection takes, of n that are opened, over TLS where
// c is not nil.
func (m *memory) opened(n int, c *tls.Config, query string) float64 {
	m.t.Helper()
	socks := make([]still, n)
	m.kept = append(m.kept, socks)
	request := strings.Replace(handshake, "%s", query, 1)
	before := live()
	for len(socks) > 0 {
		some := socks[:min(portion, len(socks))]
		socks = socks[len(some):]
		if c == nil {
			m.open(some, request)
		} else {
			m.encrypt(some, c, request)
		}
	}
	return (live() - before) / float64(n)
}

// open opens connections, all at once.
func (m *memory) open(socks []still, request string) {
	m.t.Helper()
	answers := make(chan string, len(socks))
	m.carrier.Loop().Post(func() {
		for i := range socks {
			socks[i].loop, socks[i].answered = m.carrier.Loop(), func(p []byte) { answers <- string(p) }
			if err := socks[i].accept(m.Accept); err != nil {
				answers <- err.Error()
				continue
			}
			socks[i].recv.Receive([]byte(request))
		}
	})
	for range socks {
		if a := <-answers; !strings.HasPrefix(a, "HTTP/1.1 101 ") {
			m.t.Fatalf("not upgraded: %s", a)
		}
	}
	m.forget(socks)
}

// encrypt opens connections over TLS, one after the other.
func (m *memory) encrypt(socks []still, c *tls.Config, request string) {
	m.t.Helper()
	for i := range socks {
		s := &socks[i]
		far := &far{s: s}
		far.changed.L = &far.mu
		s.loop, s.answered = m.carrier.Loop(), far.deliver
		s.loop.Post(func() {
			if err := s.accept(m.layer.Accept(m.Accept)); err != nil {
				m.t.Error(err)
			}
		})
		client := tls.Client(far, c)
		if _, err := io.WriteString(client, request); err != nil {
			m.t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			m.t.Fatalf("not upgraded: %v, %v", resp, err)
		}
	}
	m.forget(socks)
}

// forget forgets the clients.
func (m *memory) forget(socks []still) {
	done := make(chan struct{})
	m.carrier.Loop().Post(func() {
		defer close(done)
		for i := range socks {
			socks[i].answered = nil
		}
	})
	<-done
}

// A still is a socket whose client does nothing once it is open.
type still struct {
	loop     server.Loop
	recv     server.Receiver
	answered func(p []byte) // is given what is written; nil: nobody
}

func (s *still) accept(a server.Acceptor) (err error) {
	s.recv, err = a(s)
	return err
}

func (s *still) Write(p [][]byte) (backlog int, err error) {
	for _, b := range p {
		if s.answered != nil {
			s.answered(b)
		}
	}
	return 0, nil
}

func (s *still) Pause(bool)                 {}
func (s *still) Close(time.Duration)        {}
func (s *still) RemoteAddr() netip.AddrPort { return netip.AddrPortFrom(netip.IPv6Loopback(), 1) }
func (s *still) Loop() server.Loop          { return s.loop }

// A far is the client's end of a still.
type far struct {
	net.Conn
	s *still

	mu      sync.Mutex // guards the field below
	changed sync.Cond
	in      []byte
}

// deliver gives the client p. Loop only.
func (f *far) deliver(p []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.in = append(f.in, p...)
	f.changed.Signal()
}

func (f *far) Read(p []byte) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.in) == 0 {
		f.changed.Wait()
	}
	n = copy(p, f.in)
	f.in = f.in[n:]
	return n, nil
}

func (f *far) Write(p []byte) (n int, err error) {
	b := append([]byte(nil), p...)
	f.s.loop.Post(func() { f.s.recv.Receive(b) })
	return len(p), nil
}
