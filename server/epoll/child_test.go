package epoll

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childEnv is set in the process that runs out of descriptors.
const childEnv = "LAPPS_EPOLL_TEST_CHILD"

// A report is what the child says about itself.
type report struct {
	Stats Stats
	CPU   time.Duration
	Logs  int64 // errors logged
}

// A process that runs out of descriptors goes on with the connections it has,
// costs next to nothing meanwhile, and takes new ones as soon as it can.
func TestOutOfDescriptors(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		outOfDescriptors(t)
		return
	}
	addr, ask := startChild(t)
	var conns []*net.TCPConn
	for range 100 { // the kernel takes them, whatever the child does
		conns = append(conns, dial(t, addr))
	}
	echoes := func(conn *net.TCPConn) bool {
		conn.Write([]byte("x"))
		_, err := io.ReadFull(conn, make([]byte, 1))
		return err == nil
	}
	eventually(t, "the child has descriptors left", func() bool { return ask().Stats.AcceptFiles > 2 })
	before := ask()
	if before.Stats.Open > 70 {
		t.Fatalf("the child has %d connections", before.Stats.Open)
	}
	for range 1000 {
		if !echoes(conns[0]) {
			t.Fatal("an old connection does not go on")
		}
	}
	calm := ask()
	time.Sleep(500 * time.Millisecond)
	after := ask()
	if cpu := after.CPU - calm.CPU; cpu > 100*time.Millisecond {
		t.Errorf("the child used %v of CPU in half a second", cpu)
	}
	if tries := after.Stats.AcceptFiles - calm.Stats.AcceptFiles; tries > 20 {
		t.Errorf("the child tried %d times in half a second", tries)
	}
	for _, conn := range conns[:50] {
		reset(conn)
	}
	// Some that were accepted may have been lost on their way to the loop.
	eventually(t, "no new connection comes in", func() bool { return echoes(dial(t, addr)) })
	if n := ask().Logs; n != 1 {
		t.Errorf("the child has logged %d errors, want 1", n)
	}
}

// startChild runs the test again in a process of its own, and returns its
// address and how to have a report of it.
func startChild(t *testing.T) (addr string, ask func() report) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestOutOfDescriptors$", "-test.v")
	child.Env = append(os.Environ(), childEnv+"=1")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	t.Cleanup(func() {
		in.Close()
		var rest strings.Builder
		for lines.Scan() {
			fmt.Fprintln(&rest, lines.Text())
		}
		if err := child.Wait(); err != nil {
			t.Errorf("the child: %v\n%s", err, rest.String())
		}
	})
	line := func() string {
		for lines.Scan() {
			if s, ok := strings.CutPrefix(lines.Text(), "child: "); ok {
				return s
			}
		}
		t.Fatal("the child has ended")
		return ""
	}
	return line(), func() (r report) {
		t.Helper()
		fmt.Fprintln(in)
		if err := json.Unmarshal([]byte(line()), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// outOfDescriptors is the child: it answers each line with a report.
func outOfDescriptors(t *testing.T) {
	var logs errorCount
	c, err := New(Config{Loops: 1, Log: slog.New(&logs)})
	if err != nil {
		t.Fatal(err)
	}
	addr := listen(t, c, newEcho)
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	files.Cur = uint64(descriptors(t) + 60)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	fmt.Println("child:", addr)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		b, err := json.Marshal(report{c.Stats(), cpuTime(t), logs.Load()})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("child:", string(b))
	}
	stop(t, c)
}

// errorCount is a slog.Handler that counts errors.
type errorCount struct{ atomic.Int64 }

func (*errorCount) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (e *errorCount) Handle(context.Context, slog.Record) error  { e.Add(1); return nil }
func (e *errorCount) WithAttrs([]slog.Attr) slog.Handler         { return e }
func (e *errorCount) WithGroup(string) slog.Handler              { return e }

// What fails between accepting and the loop is not the listener's end.
func TestForeignConnections(t *testing.T) {
	var logs errorCount
	c, err := New(Config{Loops: 1, Log: slog.New(&logs)})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, c)
	ln := &foreign{errs: make(chan error), addr: &net.UnixAddr{}}
	c.Listen(ln, nil, newEcho)
	for _, err := range []error{syscall.ECONNABORTED, syscall.ENOMEM, syscall.ENFILE, nil} {
		ln.errs <- err
	}
	ln.errs <- syscall.EPERM
	if got := logs.Load(); got != 1 {
		t.Errorf("%d errors logged in one episode", got)
	}
	c.StopAccepting()
	want := Stats{AcceptFiles: 1, AcceptMemory: 1, AcceptOther: 3}
	if got := c.Stats(); got.AcceptFiles != 1 || got.AcceptMemory != 1 || got.AcceptOther != 3 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A foreign listener yields errors, and connections that gnet does not take.
type foreign struct {
	net.Listener
	errs chan error
	addr net.Addr
}

func (f *foreign) Accept() (net.Conn, error) {
	err, ok := <-f.errs
	if !ok {
		return nil, net.ErrClosed
	}
	if err != nil {
		return nil, err
	}
	conn, _ := net.Pipe()
	return conn, nil
}

func (f *foreign) Close() error   { close(f.errs); return nil }
func (f *foreign) Addr() net.Addr { return f.addr }
