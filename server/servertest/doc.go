// Package servertest is a carrier in memory, for tests and benchmarks.
//
// A Carrier has one Loop, which is a goroutine, as a real one has. Dial gives
// a net.Conn whose other end is a Socket on the loop, accepted by the
// Carrier's Acceptor; so any client of the network's kind can be used over it.
// Each direction holds a bounded number of bytes, as a kernel's buffers do: a
// Socket whose peer does not read has a backlog, and a client whose bytes are
// not received blocks in Write.
//
// All waiting is done with channels and condition variables, and the clock is
// package time's, so that a test in a testing/synctest bubble is
// deterministic: nothing happens by accident, and time passes only when
// everybody waits.
package servertest
