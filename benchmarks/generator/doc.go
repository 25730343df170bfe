// Package generator loads a WebSocket server with echoes, and measures what
// the server needs for them.
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
// Idle opens connections in steps and measures the server's memory at each.
//
// Every message carries the number of its connection and its own; every echo
// is compared whole, in order, with what was sent. Fragments and control
// frames are understood, pings answered. What goes wrong is counted and named
// in Failures, and costs the connection it happened on; the others go on.
//
// The order of calls: ParseTarget, Echo or Idle with a Config. Each call
// owns its connections and goroutines and has ended them when it returns. All
// waiting is bounded by Config.Timeout.
//
// To be no bottleneck, a generator thread is a goroutine locked to a thread
// with an epoll set of its own; frames are masked once and only their numbers
// rewritten; reading and writing bypass the Go scheduler (a non-blocking
// system call needs nobody to take over). It speaks ws only, not wss. Its
// masking key is always the same, so it is for servers one trusts. Linux only.
package generator
