package epoll

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"lapps/server"

	"golang.org/x/sys/unix"
)

// An ending is what a socket needs from when it is closing, or has ended. Few are
// at a time, so it is apart from the socket.
type ending struct {
	server.Timer               // while it lingers
	total        time.Duration // for how long it may
	err          error         // for Lost; set when ended
}

// Close implements server.Socket.
func (s *socket) Close(d time.Duration) {
	if s.state > closing || s.state == closing && d > 0 {
		return
	}
	if d <= 0 {
		s.end(nil)
		return
	}
	if s.paused {
		s.setPaused(false)
	}
	if s.state == ended { // that failed
		return
	}
	s.state = closing
	s.ending = &ending{Timer: server.Timer{F: s.expire}, total: d}
	s.loop.Arm(&s.ending.Timer, d)
	if len(s.backlog) == 0 {
		s.halfClose()
	}
}

// expire is called when the linger is over.
func (s *socket) expire() {
	s.end(fmt.Errorf("epoll: close %v: not done within %v: %w", s.remote, s.ending.total, os.ErrDeadlineExceeded))
}

// halfClose sends a FIN behind all that was written. An error means that the
// peer has reset, which the poller reports.
func (s *socket) halfClose() { unix.Shutdown(s.fd, unix.SHUT_WR) }

// end has the connection aborted, and Lost called with err, in the loop's
// next turn. The first end counts.
func (s *socket) end(err error) {
	if s.state < ended {
		s.fail(err)
		s.loop.Post(s.finish)
	}
}

// fail makes s an ended socket.
func (s *socket) fail(err error) {
	if s.ending == nil {
		s.ending = new(ending)
	}
	s.state, s.ending.err = ended, err
}

// finish aborts an ended socket, unless the peer has meanwhile.
func (s *socket) finish() {
	switch {
	case s.state == lost:
	case s.conn == nil:
		s.abort()
		s.lose(s.ending.err)
	default:
		s.abort()
		s.loop.el.Close(s.conn) // calls closed; fails only when closing the descriptor does
	}
}

// abort has closing the descriptor send a reset, and drop what the kernel has
// not sent.
func (s *socket) abort() {
	unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

// closed is called when gnet is about to close the descriptor: with nil by
// finish, or because the carrier stops; otherwise since the peer closed, or
// reading failed.
func (s *socket) closed(err error) {
	switch {
	case s.state == ended:
		err = s.ending.err
	case err == nil:
		s.abort()
		err = ErrStopped
	case errors.Is(err, io.EOF):
		if err = s.peerClosed(); err == errDetached {
			return
		}
	}
	s.lose(err)
}

// errDetached says that a socket goes on without gnet.
var errDetached = errors.New("epoll: detached")

// peerClosed returns what Lost is to be told after gnet has read EOF, or what
// it takes for that: a reset of a paused socket.
func (s *socket) peerClosed() error {
	errno, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return os.NewSyscallError("getsockopt", err)
	case errno != 0:
		return os.NewSyscallError("read", unix.Errno(errno))
	case s.state != closing:
		return io.EOF
	case len(s.backlog) == 0:
		return nil
	}
	return s.detach()
}

// detach goes on sending the backlog through a duplicate of the descriptor
// that gnet is about to close: the peer may still read.
func (s *socket) detach() error {
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	s.loop.forget(s)
	s.fd, s.conn = fd, nil
	if err := s.loop.await(s); err != nil {
		return err
	}
	return errDetached
}

// lose is the end of a socket. gnet closes the descriptor afterwards, if it
// still has one.
func (s *socket) lose(err error) {
	s.loop.forget(s)
	if s.ending != nil {
		s.loop.Stop(&s.ending.Timer)
	}
	if s.paused {
		s.loop.stats.paused.Add(-1)
	}
	if s.conn == nil {
		unix.Close(s.fd)
	}
	recv := s.recv
	s.state, s.conn, s.recv, s.backlog = lost, nil, nil, nil
	s.loop.stats.open.Add(-1)
	if recv != nil {
		recv.Lost(err)
	}
}
