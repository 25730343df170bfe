package epoll

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"lapps/server"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// An enrolment is a connection on its way to a loop.
type enrolment struct {
	socket *socket
	result <-chan gnet.RegisteredResult
}

// enrol sends conn to the next loop. The carrier owns it from now on.
func (c *Carrier) enrol(conn net.Conn, addr netip.AddrPort, accept server.Acceptor) (enrolment, error) {
	s := &socket{loop: c.nextLoop(), remote: addr, accept: accept}
	result, err := s.loop.el.Enroll(gnet.NewContext(context.Background(), s), conn)
	if err != nil {
		conn.Close()
		return enrolment{}, err
	}
	return enrolment{s, result}, nil
}

// wait waits until the loop has the connection, and says why it has not. It is
// closed then.
func (e enrolment) wait() error {
	r, ok := <-e.result
	for range e.result { // gnet closes it when all is done
	}
	switch {
	case !ok:
		return errors.New("gnet has given up")
	case r.Err != nil:
		return r.Err
	case e.socket.accept != nil:
		return unix.ENOSPC // never opened: the epoll set took no more
	}
	return nil
}

// Attach has one of the loops carry conn, a *net.TCPConn or *net.UnixConn that is
// connected and of which nothing has been read that accept's Receiver is to have.
// The carrier owns conn from now on. accept is called on the loop, as Listen's is,
// before Attach returns; an error of accept's own is its own affair. Any other error
// says that it was not called, and that conn is closed: ErrStopped after
// StopAccepting.
//
// It waits for the loop, so it must not be called there.
func (c *Carrier) Attach(conn net.Conn, accept server.Acceptor) error {
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.accepting.Add(1)
	}
	c.mu.Unlock()
	if closed {
		conn.Close()
		return ErrStopped
	}
	defer c.accepting.Done()
	addr, err := remoteAddr(conn)
	if err != nil {
		conn.Close()
		return fmt.Errorf("epoll: attach: %w", err)
	}
	e, err := c.enrol(conn, addr, accept)
	if err == nil {
		err = e.wait()
	}
	if err != nil {
		return fmt.Errorf("epoll: attach %v: %w", addr, err)
	}
	return nil
}
