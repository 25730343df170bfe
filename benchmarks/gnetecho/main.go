// Command gnetecho is a WebSocket echo on bare gnet: the least that a server
// on these event loops can cost, and so the ceiling the others are measured
// against.
//
//	gnetecho -addr 127.0.0.1:0 -loops 1
//
// It prints the address it listens on as one line on standard output and runs
// until SIGTERM or SIGINT. It answers an opening handshake for any target,
// echoes data frames as they come, answers pings, and answers a close frame
// with the same. All frames of one wake-up go out with one write.
//
// It is no server for the world: it checks no UTF-8, reassembles nothing, has
// no timeouts, and leaves what a peer does not read to gnet's buffer, which
// has no bound.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
	"golang.org/x/sys/unix"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command: it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("gnetecho", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:0", "`address` to listen on; port 0 chooses one")
	loops := flags.Int("loops", 1, "event loops, at least 1")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 || *loops < 1 {
		fmt.Fprintf(stderr, "gnetecho: expected -loops of at least 1 and no arguments, not %d and %q\n", *loops, flags.Args())
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	runtime.GOMAXPROCS(min(*loops, runtime.GOMAXPROCS(0))) // as lapps has with so many loops
	if err := serve(ctx, *addr, *loops, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// serve listens on addr, tells stdout where, and serves until ctx is done.
func serve(ctx context.Context, addr string, loops int, stdout io.Writer) error {
	s := &server{stdout: stdout, booted: make(chan gnet.Engine, 1)}
	stopped := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case engine := <-s.booted:
			select {
			case <-ctx.Done():
				// Without a deadline: connections close at once, and
				// the process has nothing else to do.
				_ = engine.Stop(context.Background())
			case <-ended:
			}
		case <-ended:
		}
	}()
	err := gnet.Run(s, "tcp://"+addr,
		gnet.WithNumEventLoop(loops),
		// gnet logs to standard output, where the address is read.
		gnet.WithLogger(silent{}))
	close(ended)
	<-stopped
	if err = errors.Join(err, s.err); err != nil {
		return fmt.Errorf("gnetecho: listen on %s: %w", addr, err)
	}
	return nil
}

// A server is gnet's event handler. Its methods run on the loops.
type server struct {
	gnet.BuiltinEventEngine

	stdout io.Writer
	booted chan gnet.Engine
	err    error // set by OnBoot only
}

// OnBoot says where the server listens: the port may have been chosen by the
// kernel, and only the descriptor knows.
func (s *server) OnBoot(engine gnet.Engine) gnet.Action {
	addr, err := listening(engine)
	if err != nil {
		s.err = err
		return gnet.Shutdown
	}
	fmt.Fprintf(s.stdout, "gnetecho: listening on %s\n", addr)
	s.booted <- engine
	return gnet.None
}

func listening(engine gnet.Engine) (netip.AddrPort, error) {
	fd, err := engine.Dup()
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer unix.Close(fd)
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("socket address of kind %T", sa)
}

// A peer is the context of a connection after its handshake.
type peer struct {
	need int // bytes that the next frame takes, as far as is known
}

// OnTraffic echoes what one wake-up brought.
func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	p, _ := c.Context().(*peer)
	if p != nil && c.InboundBuffered() < p.need {
		return gnet.None // gathering: Peek would copy all there is each time
	}
	in, err := c.Peek(-1)
	if err != nil {
		return gnet.Close
	}
	taken := 0
	if p == nil {
		answer, n, err := upgrade(in)
		if n == 0 && err == nil {
			return gnet.None
		}
		if _, werr := c.Write(answer); err != nil || werr != nil {
			return gnet.Close
		}
		p = new(peer)
		c.SetContext(p)
		taken, in = n, in[n:]
	}
	out, n, closing := echo(in)
	if len(out) > 0 {
		if _, err := c.Write(out); err != nil {
			return gnet.Close
		}
	}
	if closing {
		return gnet.Close
	}
	head, size, _ := header(in[n:])
	p.need = head + size
	if taken += n; taken > 0 { // Discard(0) would discard everything
		_, _ = c.Discard(taken)
	}
	return gnet.None
}

// silent keeps gnet's log away from standard output. What ends the server is
// in the error of gnet.Run.
type silent struct{}

var _ logging.Logger = silent{}

func (silent) Debugf(string, ...any) {}
func (silent) Infof(string, ...any)  {}
func (silent) Warnf(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) {}
