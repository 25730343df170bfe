package cws

import (
	"crypto/x509"
	"net"
	"time"
)

// A Carry puts a connection, which is a *net.TCPConn, on an event loop, and has r told
// what happens to it. It owns conn from now on. With s it is encrypted there. Where it
// returns an error conn is closed, and r is told nothing. It may block, for as long as an
// event loop may be busy; any goroutine calls it.
type Carry func(conn net.Conn, s *Security, r Receiver) error

// A Security is what a client has to know of a server that speaks TLS. Its certificate
// is always verified.
type Security struct {
	Server string         // its name, or its IP address
	Roots  *x509.CertPool // those who may have signed its certificate; nil: the system's
}

// A Loop is the event loop of some connections. It is comparable.
type Loop interface {
	// Wake has it call Flush, soon, where Dirty has asked for it. Any goroutine.
	Wake()
}

// A Socket is the way to a server. Its methods are called on its event loop, but for
// Dirty and Loop; they never block, and never call the Receiver from inside.
type Socket interface {
	// Write sends what it can of p and keeps a copy of the rest. It returns how many
	// bytes it keeps: while that is not 0 the caller writes no more, until Writable. It
	// does not retain p, which has about 64 KiB at most. An error means that the
	// server is lost: Lost follows.
	Write(p [][]byte) (backlog int, err error)

	// Pause stops reading, or goes on. A Receive may still come for the rest of the
	// wake-up in which it was called. A paused Socket does not see a FIN.
	Pause(on bool)

	// Close half-closes once the backlog has gone, and discards what comes until the
	// server closes, for linger at most; 0 aborts. Lost follows, and of the other calls
	// only Flush.
	Close(linger time.Duration)

	// Now is the loop's clock.
	Now() time.Duration

	// Arm has Alarm called once d has passed, rounded up to some 10 ms, and not when it
	// was to be before.
	Arm(d time.Duration)

	// Dirty has Flush called on the loop, once, at the latest after the next
	// Loop().Wake(). Any goroutine. The caller sees to it that it is asked for once.
	Dirty()

	// Loop is always the same.
	Loop() Loop
}

// A Receiver is told what happens to a connection, on its event loop.
type Receiver interface {
	// Attached is the first call: s is the connection's. Nothing can be written yet.
	Attached(s Socket)

	// Ready says that s can be written to: at once, or after the TLS handshake.
	Ready()

	// Receive takes all of p. It may modify p until it returns, and retains nothing of
	// it. An error aborts the connection.
	Receive(p []byte) error

	// Writable says that the backlog has gone.
	Writable()

	// Flush is what Socket.Dirty has asked for. It may come after Lost.
	Flush()

	// Alarm is what Socket.Arm has asked for.
	Alarm()

	// Lost says that the connection is over; err is io.EOF where the server has closed
	// it, nil where we have.
	Lost(err error)
}
