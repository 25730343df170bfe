package server

import (
	"net/netip"
	"time"
)

// A Flusher has output waiting; see Loop.Dirty.
type Flusher interface {
	// Flush sends what waits. It is called on the loop and does not block.
	Flush()
}

// A Loop is one event loop: a goroutine on which everything of the
// connections it owns happens, one thing at a time.
type Loop interface {
	// Dirty puts f on the loop's dirty list: f.Flush will run once on the
	// loop, at the latest after the next Wake. It may be called from any
	// goroutine. The caller marks itself dirty under its own mutex, so that
	// it is on the list once.
	Dirty(f Flusher)

	// Wake has the loop drain its dirty list soon. It may be called from any
	// goroutine; where the loop is awake already, or nothing is dirty, it
	// costs an atomic read. A turn that made many connections dirty calls it
	// once, at its end.
	Wake()

	// Post has f run on the loop, soon, after what was posted before. It may
	// be called from any goroutine, from the loop too (f then runs later,
	// not inside Post). After the carrier has stopped f is dropped.
	Post(f func())

	// Later is Post for what is to follow all that the loop has at hand: what
	// several connections have received is handled together. Where that is
	// little f runs at once. Loop only.
	Later(f func())

	// Now is the loop's clock: the time since some moment in the past. It
	// may be called from any goroutine.
	Now() time.Duration

	// Arm has t.F called on the loop once d has passed, rounded up to the
	// loop's tick (at most 10 ms); timers of one tick fire in the order they
	// were armed. An armed timer is armed anew. Loop only.
	Arm(t *Timer, d time.Duration)

	// Stop disarms t, if it is armed. Loop only.
	Stop(t *Timer)
}

// A Timer is embedded in what it times, so that arming allocates nothing.
// F is set once, before the first Arm. The other fields belong to the loop:
// a carrier keeps its armed timers in doubly linked lists through them.
type Timer struct {
	F func()

	Next, Prev *Timer // neighbours in the carrier's list; nil when not armed
	Due        int64  // the carrier's tick
}

// A Socket is the way back to a peer. Its methods are called on its loop
// only, where they do not say otherwise, never block, and never call the Receiver
// from inside.
type Socket interface {
	// Write sends what it can of p and keeps a copy of the rest. It returns
	// how many bytes it keeps: while that is not 0 the caller writes no
	// more, until Writable. It does not retain p. The caller writes in
	// slices of about 64 KiB. An error means that the peer is lost; Lost
	// will be called with it, later.
	Write(p [][]byte) (backlog int, err error)

	// Pause stops (on) or resumes (off) reading. A Receive may still come
	// for the rest of the wake-up in which it was called. A paused socket
	// does not see a FIN, so the caller limits the time.
	Pause(on bool)

	// Close ends the connection: it half-closes after the backlog has gone,
	// then discards input until EOF, all within linger of the call; then,
	// or at once when linger is 0, it aborts. Lost is called when all is
	// over. Close resumes reading. After Close, Receive and Writable are
	// called no more. A second Close may only shorten the linger to 0.
	Close(linger time.Duration)

	// RemoteAddr is the client's address and port; always the same. Any
	// goroutine may ask for it.
	RemoteAddr() netip.AddrPort

	// Loop is the loop that owns the socket; always the same. Any goroutine.
	Loop() Loop
}

// A Receiver is told what a peer does. Its methods are called on the
// socket's loop.
type Receiver interface {
	// Receive takes all of p. It may modify p until it returns and retains
	// nothing of it. An error aborts the connection; who wants a last word
	// delivered calls Socket.Close(linger) and returns nil.
	Receive(p []byte) error

	// Writable says that the backlog has gone.
	Writable()

	// Lost says that the connection is over: it is called exactly once, as
	// the last call, also after the Receiver's own Close. err is io.EOF when
	// the peer half-closed or closed, nil after our own Close went through.
	Lost(err error)
}

// An Acceptor is called on the loop for each new connection. An error aborts
// it, and there is no Lost.
type Acceptor func(Socket) (Receiver, error)
