package epoll

import (
	"net"
	"net/netip"
	"slices"

	"lapps/server"

	"github.com/panjf2000/gnet/v2"
)

// A state is where a socket is in its life:
//
//	         accepted        Close(linger)
//	opening ---------> open ---------------> closing
//	   |                 |                      |
//	   |                 | Close(0), an error   | linger over, an error
//	   |                 v                      v
//	   |               ended <------------------+
//	   |                 |                      |
//	   | refused         | the loop's next turn | EOF and nothing left to send
//	   v                 v                      v
//	  lost <-------------+<---------------------+
//
// An open socket that the peer closes or resets is lost at once. While closing
// the backlog goes out, then a FIN, and input is discarded. An ended socket
// has its error for Lost, and waits for the loop: Lost must not be called from
// inside a method of the Socket, nor from inside Receive.
type state uint8

const (
	opening state = iota
	open
	closing
	ended
	lost
)

// A socket is a server.Socket. It belongs to its loop.
type socket struct {
	// Immutable.
	loop   *loop
	remote netip.AddrPort

	accept  server.Acceptor // until it has been asked
	recv    server.Receiver // from then until lost
	conn    gnet.Conn       // nil when gnet has let go of it
	fd      int
	state   state
	paused  bool
	inRoom  bool    // in the loop's room
	backlog []byte  // what is not sent yet
	ending  *ending // from closing on; nil: it was lost without
}

var _ server.Socket = (*socket)(nil)

// RemoteAddr implements server.Socket.
func (s *socket) RemoteAddr() netip.AddrPort { return s.remote }

// Loop implements server.Socket.
func (s *socket) Loop() server.Loop { return s.loop }

// Pause implements server.Socket.
func (s *socket) Pause(on bool) {
	if s.state <= open && s.paused != on {
		s.setPaused(on)
	}
}

func (s *socket) setPaused(on bool) {
	events, one := uint32(readEvents), int64(-1)
	if on {
		events, one = 0, 1
	}
	if err := setEvents(s.loop.epfd, s.fd, events); err != nil {
		s.end(err)
		return
	}
	s.paused = on
	s.loop.stats.paused.Add(one)
}

// Write implements server.Socket. After Close it returns net.ErrClosed, after
// a failure the error of the failure. A Write while there is a backlog adds
// to it.
func (s *socket) Write(p [][]byte) (backlog int, err error) {
	switch {
	case s.state > open:
		return 0, s.closedErr()
	case len(s.backlog) > 0:
		s.keep(nil, p)
		return len(s.backlog), nil
	}
	rest, more, err := s.push(p)
	if err == nil && len(rest)+size(more) > 0 {
		s.keep(rest, more)
		err = s.loop.await(s)
	}
	if err != nil {
		s.end(err)
		return 0, err
	}
	return len(s.backlog), nil
}

// closedErr is why nothing can be written any more.
func (s *socket) closedErr() error {
	if s.ending != nil && s.ending.err != nil {
		return s.ending.err
	}
	return net.ErrClosed
}

// push sends p until all is sent or the send buffer is full, and returns what
// is left. Less sent than given means a full buffer: asking again would be a
// system call to hear EAGAIN.
func (s *socket) push(p [][]byte) (rest []byte, more [][]byte, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), len(s.loop.iov))]
		var n int
		if len(part) == 1 {
			n, err = send(s.fd, part[0])
		} else {
			n, err = sendv(s.fd, part, &s.loop.iov)
		}
		if err != nil {
			return nil, nil, err
		}
		s.loop.stats.written.Add(uint64(n))
		if n < size(part) {
			rest, more = skip(p, n)
			return rest, more, nil
		}
		p = p[len(part):]
	}
	return nil, nil, nil
}

// keep appends copies to the backlog.
func (s *socket) keep(rest []byte, more [][]byte) {
	s.backlog = slices.Grow(s.backlog, len(rest)+size(more))
	s.backlog = append(s.backlog, rest...)
	for _, b := range more {
		s.backlog = append(s.backlog, b...)
	}
}

// drain goes on with the backlog. The room has said that there is space.
func (s *socket) drain() {
	if len(s.backlog) == 0 || s.state >= ended {
		return
	}
	n, err := send(s.fd, s.backlog)
	s.loop.stats.written.Add(uint64(n))
	s.backlog = s.backlog[n:]
	if err == nil && len(s.backlog) > 0 {
		err = s.loop.await(s)
	}
	switch {
	case err != nil:
		s.end(err)
	case len(s.backlog) > 0:
	default:
		s.backlog = nil
		delete(s.loop.waiting, s.fd)
		s.drained()
	}
}

func (s *socket) drained() {
	switch {
	case s.state == open:
		s.recv.Writable()
	case s.conn != nil:
		s.halfClose()
	default:
		s.lose(nil) // the peer's FIN was here first; closing sends ours
	}
}
