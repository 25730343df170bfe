package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// Grace is how long a server may take to end after SIGTERM before it is
	// killed, and how long it may take to accept connections after its
	// start.
	Grace = 10 * time.Second

	// longestLine bounds, in bytes, what is kept of a line of output in
	// which an address is looked for.
	longestLine = 4 << 10
)

// A Command says how to start a server.
type Command struct {
	// Line is the program and its arguments, separated by spaces; there is
	// no quoting. {addr} and {port} stand for Addr and its port.
	Line string

	// Addr is where the server will listen. The zero AddrPort means that
	// the server chooses and says so: the first address with a port on its
	// standard output is taken.
	Addr netip.AddrPort

	// Log gets the server's output; nil discards it. It is written to until
	// Stop returns, by one goroutine at a time; if others write to it too,
	// it must be a SharedLog.
	Log io.Writer
}

// A Process is a running server. Its methods may be called from any goroutine.
type Process struct {
	// Immutable.
	line string
	pid  int
	addr netip.AddrPort

	cancel context.CancelFunc
	ended  chan struct{} // closed when the process has ended

	err error // how it ended; set before ended is closed
}

// Start starts a server and returns when it accepts connections. It ends when
// ctx is done or Stop is called; Stop must be called in any case. A server that
// ends early, or accepts nothing within Grace, is an error.
func Start(ctx context.Context, c Command) (*Process, error) {
	args := strings.Fields(strings.NewReplacer(
		"{addr}", c.Addr.String(),
		"{port}", strconv.Itoa(int(c.Addr.Port())),
	).Replace(c.Line))
	if len(args) == 0 {
		return nil, errors.New("process: the command is empty: expected a program and its arguments")
	}
	ctx, cancel := context.WithCancel(ctx)
	out := &watcher{log: c.Log, addr: make(chan netip.AddrPort, 1)}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = Grace
	cmd.Stdout = out
	cmd.Stderr = logWriter{out}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("process: start %q: %w", c.Line, err)
	}
	p := &Process{line: c.Line, pid: cmd.Process.Pid, addr: c.Addr, cancel: cancel, ended: make(chan struct{})}
	go p.wait(cmd)
	if err := p.accepts(ctx, out.addr); err != nil {
		_ = p.Stop()
		return nil, err
	}
	return p, nil
}

// PID returns the process id.
func (p *Process) PID() int { return p.pid }

// Addr returns where the server can be reached: one that listens on all
// addresses, on the loopback.
func (p *Process) Addr() netip.AddrPort { return p.addr }

// Stop ends the server with SIGTERM and waits for it, at most Grace, after
// which it is killed. The error says how it ended, unless it ended as told:
// with status 0, by the SIGTERM itself, or with 143, a shell's word for that.
// Stop may be called again.
func (p *Process) Stop() error {
	p.cancel()
	<-p.ended
	return p.err
}

// wait is the goroutine that waits for the process.
func (p *Process) wait(cmd *exec.Cmd) {
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status, ok := exit.Sys().(syscall.WaitStatus)
		if ok && (status.Signaled() && status.Signal() == syscall.SIGTERM || status.ExitStatus() == 128+int(syscall.SIGTERM)) {
			err = nil
		}
	}
	// exec reports the context's error for a server that obeyed SIGTERM.
	if err != nil && !(errors.Is(err, context.Canceled) && cmd.ProcessState.Success()) {
		p.err = fmt.Errorf("process: %q ended: %w", p.line, err)
	}
	close(p.ended)
}

// accepts returns when a connection could be opened.
func (p *Process) accepts(ctx context.Context, said <-chan netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(ctx, Grace)
	defer cancel()
	if !p.addr.IsValid() {
		select {
		case addr := <-said:
			p.addr = reachable(addr)
		case <-p.ended:
			return p.early()
		case <-ctx.Done():
			return fmt.Errorf("process: %q said no address on its standard output within %v", p.line, Grace)
		}
	}
	var dialer net.Dialer
	for {
		c, err := dialer.DialContext(ctx, "tcp", p.addr.String())
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return p.early()
		case <-ctx.Done():
			return fmt.Errorf("process: %q does not listen on %v: %w", p.line, p.addr, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *Process) early() error {
	if p.err != nil {
		return p.err
	}
	return fmt.Errorf("process: %q ended before it accepted a connection", p.line)
}

// reachable returns the address at which a server that listens on all
// addresses can be had.
func reachable(addr netip.AddrPort) netip.AddrPort {
	switch addr.Addr() {
	case netip.IPv4Unspecified():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port())
	case netip.IPv6Unspecified():
		return netip.AddrPortFrom(netip.IPv6Loopback(), addr.Port())
	}
	return addr
}

// addrPattern finds an IPv4 address, or a bracketed IPv6 one, with a port.
var addrPattern = regexp.MustCompile(`(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):\d{1,5}`)

// A watcher takes the standard output of a server, line by line, and sends the
// first address it finds.
type watcher struct {
	addr chan netip.AddrPort // has room for one

	mu    sync.Mutex // guards the fields below
	log   io.Writer
	line  []byte // the start of a line not yet ended
	found bool
}

// Write implements io.Writer. It never fails: a server must not be told that
// nobody wants its log.
func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.log != nil {
		_, _ = w.log.Write(p)
	}
	if w.found {
		return len(p), nil
	}
	for part := range bytes.Lines(p) {
		w.line = append(w.line, part[:min(len(part), longestLine-len(w.line))]...)
		if part[len(part)-1] != '\n' {
			break
		}
		if addr, err := netip.ParseAddrPort(string(addrPattern.Find(w.line))); err == nil {
			w.found, w.line = true, nil
			w.addr <- addr
			break
		}
		w.line = w.line[:0]
	}
	return len(p), nil
}

// A logWriter writes to the watcher's log, past the watch.
type logWriter struct{ w *watcher }

// Write implements io.Writer. It never fails.
func (l logWriter) Write(p []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.w.log != nil {
		_, _ = l.w.log.Write(p)
	}
	return len(p), nil
}
