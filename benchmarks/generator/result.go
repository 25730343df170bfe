package generator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The kinds of failure.
const (
	Closed     = "closed"      // the server ended the connection without a close frame
	CloseFrame = "close frame" // the server sent a close frame
	Reset      = "reset"       // reading or writing failed
	WrongEcho  = "wrong echo"  // a message is not the echo, or the delivery, that was due
	Breach     = "breach"      // a frame breaks RFC 6455
	BadTLS     = "tls"         // a record is not what TLS allows, or an alert
	Opening    = "opening"     // Connect: a connection could not be opened, or an opening handshake failed
	Stall      = "stall"       // no byte came for Config.Timeout while an echo was due
)

// A Failure is one way in which connections failed. Each connection fails at
// most once.
type Failure struct {
	Kind    string `json:"kind"`
	Count   int    `json:"count"`
	Example string `json:"example"` // the first one seen by its thread, with its connection and message
}

// A Result is what Echo, Connect or Broadcast measured.
type Result struct {
	Mode    string  `json:"mode"` // "closed", "open", "connect" or "broadcast"
	Conns   int     `json:"conns"`
	Depth   int     `json:"depth,omitempty"` // of a broadcast: messages of a burst
	Rate    float64 `json:"rate_per_s,omitempty"`
	Size    int     `json:"size_bytes,omitempty"`
	Op      string  `json:"op,omitempty"`
	Dialect string  `json:"dialect,omitempty"` // "lapps", or nothing for raw
	TLS     string  `json:"tls,omitempty"`     // what was agreed on, of the first connection
	Threads int     `json:"threads,omitempty"`

	// The whole run, warm-up included. Unanswered are the messages that
	// were sent, or due in an open loop, on a connection that failed. Of a
	// broadcast deliveries are counted, of Connect connections.
	Sent       int64 `json:"sent"`
	Verified   int64 `json:"verified"`
	Unanswered int64 `json:"unanswered"`

	// What was measured: Messages echoes or deliveries verified, or
	// handshakes made, in Seconds.
	Seconds   float64 `json:"measured_s"`
	Messages  int64   `json:"measured_messages"`
	PerSecond float64 `json:"messages_per_s"`

	Server    *Usage    `json:"server,omitempty"` // nil without a PID
	Generator Usage     `json:"generator"`
	Latency   *Latency  `json:"latency,omitempty"` // nil for the closed loop of Echo
	Failures  []Failure `json:"failures"`          // by kind; empty if all went well

	Slow *SlowReaders `json:"slow_readers,omitempty"` // nil without any
}

// SlowReaders is what became of the connections that do not read.
type SlowReaders struct {
	Conns int   `json:"conns"`
	Sent  int64 `json:"sent"`  // messages, by all of them
	Ended int   `json:"ended"` // how many the server has closed
}

// A Usage is what a process used in the time that was measured: per echo,
// delivery or handshake.
type Usage struct {
	CPUPerMessage float64 `json:"cpu_us_per_message"`
	Cores         float64 `json:"cores"`     // processor seconds per second
	RSS           int64   `json:"rss_bytes"` // at the end
}

// A Latency is how long echoes took from the moment their message was due, in
// microseconds, and how well the generator kept its schedule. Without a schedule
// it is how long deliveries took from the moment their burst was sent, or a
// connection until its opening handshake was done.
type Latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_us"`
	P90   float64 `json:"p90_us"`
	P99   float64 `json:"p99_us"`
	P999  float64 `json:"p999_us"`
	Max   float64 `json:"max_us"`

	// Late counts messages that the generator sent more than LateAfter
	// after they were due although the socket was free: its own fault (or
	// that of a machine too busy), and in the figures above. MaxLate is the
	// latest.
	Late    int64   `json:"late"`
	MaxLate float64 `json:"max_late_us"`

	// Blocked counts messages that came due while the socket took no more:
	// the fault of the server.
	Blocked int64 `json:"blocked"`
}

// LateAfter is how far behind its schedule a message counts as late.
const LateAfter = time.Millisecond

// LateShare returns the part of the messages that were late, 0 to 1. Above
// some hundredths the latencies tell more of the generator than of the server.
func (l *Latency) LateShare() float64 {
	return float64(l.Late) / float64(max(l.Count, 1))
}

// newHistogram makes a histogram of nanoseconds, up to longest, three digits.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(longest), 3)
}

// longest is the greatest latency told apart; what is longer counts as it.
const longest = 10 * time.Minute

func newLatency(h *hdrhistogram.Histogram, late lateness) *Latency {
	us := func(ns int64) float64 { return float64(ns) / 1e3 }
	return &Latency{
		Count:   h.TotalCount(),
		P50:     us(h.ValueAtPercentile(50)),
		P90:     us(h.ValueAtPercentile(90)),
		P99:     us(h.ValueAtPercentile(99)),
		P999:    us(h.ValueAtPercentile(99.9)),
		Max:     us(h.Max()),
		Late:    late.count,
		MaxLate: us(int64(late.max)),
		Blocked: late.blocked,
	}
}

// A tally counts failures by kind. One goroutine owns it.
type tally map[string]Failure

func (t tally) add(kind, format string, args ...any) {
	f, ok := t[kind]
	if !ok {
		f = Failure{Kind: kind, Example: fmt.Sprintf(format, args...)}
	}
	f.Count++
	t[kind] = f
}

func (t tally) merge(from tally) {
	for kind, f := range from {
		if old, ok := t[kind]; ok {
			f.Count, f.Example = f.Count+old.Count, old.Example
		}
		t[kind] = f
	}
}

// list returns the failures ordered by kind; never nil, so that JSON has [].
func (t tally) list() []Failure {
	list := slices.SortedFunc(maps.Values(t), func(a, b Failure) int { return cmp.Compare(a.Kind, b.Kind) })
	if list == nil {
		return []Failure{}
	}
	return list
}
