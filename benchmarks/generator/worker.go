package generator

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	readSize  = 256 << 10 // bytes taken by one read
	maxEvents = 512       // of one epoll_wait

	// longestWait is how long a worker sleeps at most before it looks
	// whether it should stop.
	longestWait = 50 * time.Millisecond
)

// A worker drives connections from one goroutine, locked to a thread.
type worker struct {
	// Immutable.
	cfg   *Config
	start time.Time // of the run; durations count from it
	stop  *atomic.Bool

	// count is verified, for other goroutines.
	count atomic.Int64

	// Owned by the goroutine. Who made the worker reads them after run.
	epoll      int
	frames     *frames
	pace       *schedule // nil in a closed loop
	cast       *cast     // nil where messages are not broadcast
	conns      []*conn   // the index is in the epoll event
	live       int       // connections that have not failed
	now        time.Duration
	checked    time.Duration // when stalls were looked for
	told       time.Duration // when Idle told of its progress
	sent       int64
	verified   int64
	unanswered int64
	pending    int64 // messages due or on their way, over all connections
	failures   tally
	err        error // epoll failed: the run is void

	buf      []byte
	exchange exchange
	events   []unix.EpollEvent
	slow     []*slowReader
}

// newWorker makes a worker without connections. close releases it.
func newWorker(cfg *Config, stop *atomic.Bool, pace *schedule) (*worker, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("generator: %w", os.NewSyscallError("epoll_create1", err))
	}
	return &worker{
		cfg: cfg, stop: stop, start: time.Now(),
		epoll: epoll, frames: newFrames(cfg.Dialect, cfg.Op, cfg.Size, max(1, cfg.Depth)), pace: pace,
		failures: tally{},
		buf:      make([]byte, readSize), exchange: exchange{plain: make([]byte, 16<<10)}, // a record's
		events: make([]unix.EpollEvent, maxEvents),
	}, nil
}

// add gives c to the worker.
func (w *worker) add(c *conn) error {
	c.slot = int32(len(w.conns))
	w.conns = append(w.conns, c)
	w.live++
	w.adopt(c)
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: c.slot}
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
		return fmt.Errorf("generator: %w", os.NewSyscallError("epoll_ctl", err))
	}
	return nil
}

// adopt has c's tls.Conn use the worker's exchange from here on.
func (w *worker) adopt(c *conn) {
	if c.tls != nil {
		c.transport.socket, c.transport.exchange = nil, &w.exchange
	}
}

// close ends the connections and the epoll set.
func (w *worker) close() {
	for _, c := range w.conns {
		w.leave(c)
	}
	for _, s := range w.slow {
		w.leave(s.conn)
	}
	unix.Close(w.epoll)
}

// leave ends c, with a close frame if there is room for it. The answer is not
// awaited.
func (w *worker) leave(c *conn) {
	if c.failed {
		return
	}
	if len(c.out) == 0 && c.broken == 0 {
		p := w.seal(c, farewell)
		if c.tls != nil {
			_ = c.tls.CloseWrite()
			p = w.exchange.out
		}
		if len(p) > 0 {
			send(c.fd, p)
		}
		w.exchange.out = w.exchange.out[:0]
	}
	c.failed = true
	unix.Close(c.fd)
}

// clock returns the time since the run started.
func (w *worker) clock() time.Duration { return time.Since(w.start) }

// run sends and receives until all is done: in a closed loop until quotas are
// used up, in an open one until its schedule is; or until stop is set; and then
// until each message has its echo or its connection has failed. A broadcast
// without its publisher is over at once.
func (w *worker) run() {
	// The thread ends with the goroutine, and with it the timer slack.
	runtime.LockOSThread()
	// A timer that may be 50 µs late, as is the default, would be in every
	// latency.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	w.begin()
	for w.err == nil && w.live > 0 && !w.mute() {
		switch {
		case w.pace != nil:
			w.schedule()
		case w.cast != nil && w.pending == 0:
			w.publishNext()
		}
		if w.pending == 0 && (w.pace == nil || w.pace.ended() || w.stop.Load()) {
			break
		}
		w.poll(longestWait)
	}
	if w.mute() {
		// Nobody knows what the publisher's last messages came to.
		w.unanswered += w.pending
	}
	w.count.Store(w.verified)
}

// begin takes what came with the handshakes and, in a closed loop, sends the
// first messages.
func (w *worker) begin() {
	w.now = w.clock()
	for _, c := range w.conns {
		if c.verified+c.pending() > 0 {
			continue // began before
		}
		rest := c.rest
		c.rest = nil
		w.take(c, rest) // launches
		if c.tls != nil && !c.failed {
			w.decrypt(c, nil) // the tls.Conn may have read on
		}
	}
}

// poll waits for events, at most limit and in an open loop at most until the
// next message is due, and serves them.
func (w *worker) poll(limit time.Duration) {
	limit = min(limit, max(w.cfg.Timeout/4, time.Millisecond))
	n, err := w.wait(limit)
	if err != nil {
		w.err = fmt.Errorf("generator: wait for events: %w", err)
		return
	}
	w.now = w.clock()
	for _, event := range w.events[:n] {
		c := w.conns[event.Fd]
		if c.failed {
			continue
		}
		if event.Events&unix.EPOLLOUT != 0 {
			w.pump(c)
		}
		if event.Events&^unix.EPOLLOUT != 0 {
			w.read(c)
		}
		if w.pace != nil && w.pace.isDue(w.now) {
			w.schedule()
		}
	}
	w.count.Store(w.verified)
	// With a full set there may be bytes that have not been looked at.
	if n < len(w.events) && w.now-w.checked > w.cfg.Timeout/4 {
		w.checked = w.now
		w.findStalls()
	}
}

// wait is epoll_wait, to the nanosecond in an open loop.
func (w *worker) wait(limit time.Duration) (int, error) {
	ms := int(limit / time.Millisecond)
	if w.pace != nil {
		ms = 0
		limit = min(limit, w.pace.until(w.clock()))
		if limit > 0 {
			ts := unix.NsecToTimespec(int64(limit))
			if _, err := unix.Ppoll([]unix.PollFd{{Fd: int32(w.epoll), Events: unix.POLLIN}}, &ts, nil); err != nil && !errors.Is(err, unix.EINTR) {
				return 0, err
			}
		}
	}
	n, err := unix.EpollWait(w.epoll, w.events, ms)
	if errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	return n, err
}

// findStalls fails the connections that have waited too long.
func (w *worker) findStalls() {
	for _, c := range w.conns {
		if !c.failed && c.pending() > 0 && w.now-c.seen > w.cfg.Timeout {
			w.fail(c, Stall, "message %d: no echo and no byte for %v, %d messages waiting", c.verified, w.cfg.Timeout, c.pending())
		}
	}
}

// launch makes the next messages of a closed loop due.
func (w *worker) launch(c *conn) {
	n := min(int64(w.cfg.Depth), c.quota)
	if n == 0 || w.stop.Load() {
		return
	}
	c.quota -= n
	w.owe(c, int(n))
	w.pump(c)
	w.lead(c, int(n))
}

// owe makes n more messages due.
func (w *worker) owe(c *conn, n int) {
	if c.pending() == 0 {
		c.seen = w.now
	}
	c.due += n
	w.pending += int64(n)
}

// pump sends what is due, as far as the socket takes it: the messages with one
// write, unless they exceed maxBatch.
func (w *worker) pump(c *conn) {
	for c.broken == 0 {
		if len(c.out) > 0 {
			c.out = c.out[w.send(c, c.out):]
		} else if p := w.upcoming(c); len(p) > 0 {
			c.spare = append(c.spare[:0], p[w.send(c, p):]...)
			c.out = c.spare
			w.exchange.out = w.exchange.out[:0]
		} else {
			w.watch(c, false)
			return
		}
		if len(c.out) > 0 && c.broken == 0 {
			w.watch(c, true)
			return
		}
	}
}

// upcoming returns what c sends next, as it goes to the socket. It is valid
// until the next call, for whatever connection.
func (w *worker) upcoming(c *conn) []byte {
	switch {
	case len(c.pong) > 0:
		p := c.pong
		c.pong = nil
		return w.seal(c, p)
	case c.due > 0:
		p, n := w.frames.take(c.digits, c.sent, c.due)
		c.due -= n
		c.sent += int64(n)
		w.sent += int64(n)
		return w.seal(c, p)
	}
	return nil
}

// send returns how much of p the socket took.
func (w *worker) send(c *conn, p []byte) int {
	n, errno := send(c.fd, p)
	if errno != 0 && errno != unix.EAGAIN {
		// Epoll will report it, and reading say more than we know: there
		// may be a close frame.
		c.broken = errno
	}
	return n
}

// watch has epoll tell, or no longer, when the socket takes more.
func (w *worker) watch(c *conn, on bool) {
	if c.watching == on {
		return
	}
	c.watching = on
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: c.slot}
	if on {
		event.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_MOD, c.fd, &event); err != nil {
		w.err = fmt.Errorf("generator: %w", os.NewSyscallError("epoll_ctl", err))
	}
}

// fail counts a failure and ends the connection.
func (w *worker) fail(c *conn, kind, format string, args ...any) {
	w.failures.add(kind, "connection %d: "+format, append([]any{c.id}, args...)...)
	w.unanswered += c.pending()
	w.pending -= c.pending()
	c.failed = true
	w.live--
	unix.Close(c.fd)
}
