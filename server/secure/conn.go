package secure

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"lapps/protocol/wire"
	"lapps/server"
)

// A state is where a connection is in its life:
//
//	     first record    a slot is free      handshake done
//	silent ------> waiting ------> shaking ------> open
//	  |               |               |              |
//	  +---------------+---------------+--------------+--> closed: Close, or an error
//
// Lost ends every state.
type state uint8

const (
	silent state = iota
	waiting
	shaking
	open
	closed
)

const (
	// maxUnread is how much of what we answer by ourselves may wait for the
	// peer, with one slice of the Receiver's.
	maxUnread = 256 << 10

	// farewell is how long a peer may take for its last word: our alert, or
	// our close_notify.
	farewell = 2 * time.Second
)

var errEvicted = errors.New("secure: the handshake waited for its peer, and others for it")

// A conn is a connection: the Socket of its Receiver, and the Receiver of the
// Socket below. Owned by the loop; during the handshake tls is the goroutine's.
type conn struct {
	server.Socket

	scratch *scratch // its loop's, of its layer
	recv    server.Receiver
	tls     *tls.Conn
	records splitter
	held    []byte     // what came in the wake-up in which the Receiver paused
	shake   *handshake // until the handshake is done
	err     error      // for Lost
	state   state
	paused  bool // by the Receiver
}

var _ server.Socket = (*conn)(nil)
var _ server.Receiver = (*conn)(nil)
var _ server.Certified = (*conn)(nil)

// PeerCertificate implements server.Certified.
func (s *conn) PeerCertificate() *x509.Certificate {
	if s.state != open {
		return nil
	}
	if all := s.tls.ConnectionState().PeerCertificates; len(all) > 0 {
		return all[0]
	}
	return nil
}

// Receive implements server.Receiver.
func (s *conn) Receive(p []byte) error {
	switch s.state {
	case silent:
		return s.greet(p)
	case waiting, shaking:
		s.shake.offer(p)
	case open:
		s.receive(p)
	}
	return nil
}

// greet takes the first bytes. The handshake begins with the first complete
// record.
func (s *conn) greet(p []byte) error {
	if held := s.records.partial; len(held) < 2 {
		first := append(held[:len(held):len(held)], p[:min(len(p), 2)]...)
		if first[0] != typeHandshake || len(first) > 1 && first[1] != 3 {
			return s.notTLS(first)
		}
	}
	if s.shake == nil {
		s.shake = newHandshake(s)
	}
	if s.shake.offer(p); !s.shake.paused {
		return nil
	}
	s.state = waiting
	s.shake.queued = s.Loop().Now()
	s.scratch.layer.slots.enter(s.shake)
	return nil
}

// notTLS ends a connection that does not begin as TLS does.
func (s *conn) notTLS(first []byte) error {
	s.scratch.layer.counts.notTLS.Add(1)
	if c := first[0]; c < 'A' || c > 'Z' { // no method of HTTP's
		return fmt.Errorf("secure: the first bytes are not TLS: % x", first[:min(len(first), 2)])
	}
	refusal := wire.Refusal{Status: http.StatusBadRequest, Reason: "this port speaks TLS: the address begins with wss://, not ws://"}
	s.Socket.Write([][]byte{refusal.Append(nil)})
	s.fail(errors.New("secure: the client speaks HTTP without TLS"))
	return nil
}

// receive decrypts the records in p. A Receiver that has paused hears of none of
// them: what follows a Close frame, be it close_notify, must not end the
// connection before that frame is answered.
func (s *conn) receive(p []byte) {
	for s.state == open {
		if s.paused || len(s.held) > 0 {
			s.held = append(s.held, p...)
			return
		}
		record, rest := s.records.next(p)
		if record == nil {
			return
		}
		s.open(record)
		p = rest
	}
}

// Pause implements server.Socket. Until the handshake is done it is only kept in
// mind: the handshake pauses the socket itself, and reads on for as long as it
// needs to.
func (s *conn) Pause(on bool) {
	s.paused = on
	switch {
	case s.state != open:
	case on || len(s.held) == 0:
		s.Socket.Pause(on)
	default:
		s.Loop().Post(s.resume)
	}
}

// hold keeps what has been cut into records for when the Receiver reads on.
func (s *conn) hold(pieces [][]byte) {
	s.held = bytes.Join(pieces, nil)
	s.records.partial = nil
}

// resume goes on with what is held, and then reads.
func (s *conn) resume() {
	if s.paused || s.state != open {
		return
	}
	held := s.held
	s.held = nil
	if s.receive(held); s.state == open && !s.paused {
		s.Socket.Pause(false)
	}
}

// open decrypts a record: one Read is enough for what it carries.
func (s *conn) open(record []byte) {
	s.scratch.record = record
	n, err := s.tls.Read(s.scratch.plain[:])
	s.scratch.record = nil
	if backlog, _ := s.flush(); backlog > maxUnread {
		s.err = errors.New("secure: the peer reads too slowly")
		s.Close(0)
		return
	}
	if n > 0 {
		if err := s.recv.Receive(s.scratch.plain[:n]); err != nil {
			s.err = err
			s.Close(0)
			return
		}
	}
	if err != nil && err != errNothing && s.state == open {
		if err == io.EOF { // close_notify, which we answer
			s.tls.CloseWrite()
			s.flush()
		}
		s.fail(err)
	}
}

// fail ends the connection from here: what was written is delivered, and the
// Receiver is told err.
func (s *conn) fail(err error) {
	s.err = err
	s.over()
	s.Socket.Close(farewell)
}

// over is the end of everything but the socket.
func (s *conn) over() {
	was := s.state
	s.state, s.held = closed, nil
	switch was {
	case waiting:
		s.Loop().Stop(&s.shake.alarm)
		s.scratch.layer.slots.forget(s.shake)
	case shaking:
		s.shake.end()
	}
}

// Write implements server.Socket. What is written before the handshake is
// done is discarded.
func (s *conn) Write(p [][]byte) (backlog int, err error) {
	switch {
	case s.state < open:
		return 0, nil
	case s.state == closed:
		return 0, net.ErrClosed
	}
	join := s.scratch.join[:0]
	for _, b := range p {
		for len(b) > 0 {
			n := min(maxPlain-len(join), len(b))
			if n == maxPlain {
				s.tls.Write(b[:n]) // as it is: it makes a record
			} else if join = append(join, b[:n]...); len(join) == maxPlain {
				s.tls.Write(join)
				join = join[:0]
			}
			b = b[n:]
		}
	}
	if len(join) > 0 {
		s.tls.Write(join) // cannot fail: see transport.Write
	}
	s.scratch.join = join[:0]
	return s.flush()
}

// flush sends what the tls.Conn has written.
func (s *conn) flush() (backlog int, err error) {
	c := s.scratch
	if len(c.out) == 0 {
		return 0, nil
	}
	c.vec[0] = c.out
	backlog, err = s.Socket.Write(c.vec[:])
	c.vec[0] = nil
	c.out = c.out[:0]
	return backlog, err
}

// sendShake sends what the handshake has written.
func (s *conn) sendShake(out []byte) {
	if s.state == shaking {
		s.Socket.Write([][]byte{out}) // an error comes with Lost
	}
}

// Close implements server.Socket.
func (s *conn) Close(linger time.Duration) {
	if linger > 0 {
		switch s.state {
		case silent, waiting:
			s.Socket.Write([][]byte{alertDenied})
		case open:
			s.tls.CloseWrite() // close_notify
			s.flush()
		}
	}
	s.over()
	s.Socket.Close(linger)
}

// Writable implements server.Receiver.
func (s *conn) Writable() {
	if s.state == open {
		s.recv.Writable()
	}
}

// Lost implements server.Receiver.
func (s *conn) Lost(err error) {
	s.over()
	if s.err != nil {
		err = s.err
	}
	s.recv.Lost(err)
}
