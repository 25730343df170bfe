package generator

import (
	"time"

	"golang.org/x/sys/unix"
)

// slowWindow is the receive buffer of a slow reader in bytes, which the kernel
// doubles: as little as makes the server wait soon. On the loopback the usual
// one takes megabytes.
const slowWindow = 4 << 10

// retryAfter is how long a slow reader whose socket is full lets it be.
const retryAfter = 10 * time.Millisecond

// A slowReader sends a burst whenever its leader does, and does not read: those
// that sip take a byte each time, the others nothing. Epoll does not know it.
type slowReader struct {
	*conn

	sips  bool
	retry time.Duration // when its full socket is tried again
}

// follow has c, a slow reader, send when leader does, a connection of w.
func (w *worker) follow(leader, c *conn) {
	s := &slowReader{conn: c, sips: len(w.slow)%2 == 1}
	w.adopt(c)
	w.slow = append(w.slow, s)
	leader.followers = append(leader.followers, s)
}

// lead has the followers of c send n messages each.
func (w *worker) lead(c *conn, n int) {
	for _, s := range c.followers {
		if !s.failed && w.now >= s.retry {
			w.drag(s, n)
		}
	}
}

// drag sends n messages, or as many as go into one write, or else what is left
// of the last.
func (w *worker) drag(s *slowReader, n int) {
	if len(s.out) == 0 && len(w.exchange.out) == 0 {
		p, n := w.frames.take(s.digits, s.sent, n)
		s.sent += int64(n)
		s.spare = append(s.spare[:0], w.seal(s.conn, p)...)
		s.out = s.spare
		w.exchange.out = w.exchange.out[:0]
	}
	if len(s.out) > 0 {
		s.out = s.out[w.send(s.conn, s.out):]
	}
	if len(s.out) > 0 {
		s.retry = w.now + retryAfter
	}
	ended := s.broken != 0
	if s.sips {
		var sip [1]byte
		n, errno := receive(s.fd, sip[:])
		ended = ended || n == 0 && errno != unix.EAGAIN
	}
	if ended {
		s.failed = true
		unix.Close(s.fd)
	}
}

// slowReadersOf says what became of the workers' slow readers.
func slowReadersOf(workers []*worker) *SlowReaders {
	r := new(SlowReaders)
	for _, w := range workers {
		r.Conns += len(w.slow)
		for _, s := range w.slow {
			r.Sent += s.sent
			if s.failed || hungUp(s.fd) {
				r.Ended++
			}
		}
	}
	return r
}

// hungUp reports whether the server has ended a connection whose data nobody
// reads.
func hungUp(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}
