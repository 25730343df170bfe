// Package generator loads a WebSocket server, verifies everything that comes
// back, and measures what the server needs for it.
//
// Echo runs one of two loops over a fixed set of connections:
//
//   - closed: each connection sends Depth messages with one write, awaits all
//     their echoes, and sends the next Depth. It finds how much a server does
//     at full load and what a message costs. It says nothing of latency: who
//     waits for an answer before he asks again does not ask while the server
//     stalls.
//   - open: messages are due at a fixed rate, whatever the server does.
//     Latency counts from the moment a message was due, so that a stall is in
//     the figure of every message it held up (no coordinated omission).
//
// Beside them there may be SlowReaders, which send as much and do not read.
// Broadcast has one connection send what all of them get, and measures
// deliveries; Connect opens and closes connections, and measures handshakes;
// Idle opens connections in steps and measures the server's memory at each.
//
// Every message carries the number of its connection and its own; every echo
// is compared whole, in order, with what was sent, as is every delivery and, in
// the LAppS dialect, every response. Fragments and control frames are
// understood, pings answered. What goes wrong is counted and named in Failures,
// and costs the connection it happened on; the others go on.
//
// The order of calls: ParseTarget, then Echo, Broadcast, Connect or Idle with a
// Config. Each call owns its connections and goroutines and has ended them when
// it returns. All waiting is bounded by Config.Timeout.
//
// To be no bottleneck, a generator thread is a goroutine locked to a thread
// with an epoll set of its own; frames are masked once and only their numbers
// rewritten; reading and writing bypass the Go scheduler (a non-blocking
// system call needs nobody to take over). TLS is crypto/tls, which after the
// handshake works on bytes in memory: what is sent at once is one Write, and
// one system call. The masking key is always the same, so it is for servers
// one trusts. Linux only.
package generator
