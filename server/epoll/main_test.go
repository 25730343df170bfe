package epoll

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"lapps/server"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// gnet enrols connections on goroutines of a pool for the whole process, which
// keeps them for 10 s, and starts two of its own when it is imported.
var gnetsPool = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*goWorker).run.func1"),
}

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(m.Run()) // the parent looks for leaks
	}
	goleak.VerifyTestMain(m, gnetsPool...)
}

// limit is for what never takes that long.
const limit = 20 * time.Second

func start(t testing.TB, loops int) *Carrier {
	t.Helper()
	c, err := New(Config{Loops: loops, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, c) })
	return c
}

func stop(t testing.TB, c *Carrier) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func listen(t testing.TB, c *Carrier, accept server.Acceptor) string {
	t.Helper()
	return listenOn(t, c, "127.0.0.1:0", accept)
}

func listenOn(t testing.TB, c *Carrier, addr string, accept server.Acceptor) string {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.Listen(ln, nil, accept)
	return ln.Addr().String()
}

func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(limit))
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// reset closes conn with a RST.
func reset(conn *net.TCPConn) {
	conn.SetLinger(0)
	conn.Close()
}

// A peer is a Receiver that does what a test says. Its functions may be nil.
type peer struct {
	server.Socket
	receive  func(p []byte) error
	writable func()
	lost     chan error
}

func (p *peer) Receive(b []byte) error {
	if p.receive == nil {
		return nil
	}
	return p.receive(b)
}

func (p *peer) Writable() {
	if p.writable != nil {
		p.writable()
	}
}

// Lost blocks the loop, and so fails the test, when it is called too often.
func (p *peer) Lost(err error) { p.lost <- err }

// serve listens with peers that set up has prepared, and returns the peer of
// each connection, in turn.
func serve(t testing.TB, c *Carrier, setUp func(*peer)) (addr string, peers <-chan *peer) {
	t.Helper()
	accepted := make(chan *peer, 64)
	addr = listen(t, c, func(s server.Socket) (server.Receiver, error) {
		p := &peer{Socket: s, lost: make(chan error, 1)}
		if setUp != nil {
			setUp(p)
		}
		accepted <- p
		return p, nil
	})
	return addr, accepted
}

// connect returns both ends of a connection.
func connect(t testing.TB, c *Carrier, setUp func(*peer)) (*net.TCPConn, *peer) {
	t.Helper()
	addr, peers := serve(t, c, setUp)
	conn := dial(t, addr)
	return conn, receive(t, peers)
}

// on runs f on the loop and waits for it.
func on(t testing.TB, l server.Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	l.Post(func() { f(); close(done) })
	receive(t, done)
}

// receive is <-ch, in good time.
func receive[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case v := <-ch:
		return v
	case <-timer.C:
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// eventually waits for what has no event of its own.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// An echo is a Receiver that sends back what it gets: in slices, and with no
// more than a slice waiting before it pauses reading.
type echo struct {
	server.Socket
	out     []byte
	backlog int
	paused  bool
	lost    chan error
}

func newEcho(s server.Socket) (server.Receiver, error) {
	return &echo{Socket: s, lost: make(chan error, 1)}, nil
}

const chunk = 64 << 10

func (e *echo) Receive(p []byte) error {
	e.out = append(e.out, p...)
	return e.flush()
}

func (e *echo) flush() (err error) {
	for e.backlog == 0 && len(e.out) > 0 && err == nil {
		n := min(len(e.out), chunk)
		// In two parts, so that both ways of sending have their turn.
		e.backlog, err = e.Write([][]byte{e.out[:n/2], e.out[n/2 : n]})
		e.out = e.out[n:]
	}
	if paused := e.backlog > 0; paused != e.paused {
		e.paused = paused
		e.Pause(paused)
	}
	return err
}

func (e *echo) Writable() {
	e.backlog = 0
	e.flush()
}

func (e *echo) Lost(err error) { e.lost <- err }

func discard(conn io.Reader) (n int64, err error) { return io.Copy(io.Discard, conn) }

// cpuTime is what the process has used so far.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// descriptors is how many the process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}
