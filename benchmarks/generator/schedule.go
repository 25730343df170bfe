package generator

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// maxScheduled bounds the messages sent between two looks at the echoes: who is
// behind must not forget to read.
const maxScheduled = 256

// A schedule says when the messages of a worker's connections are due in an
// open loop. Message s of connection c is number s·conns+c of all, and number n
// is due n/rate after the start: what a message's echo took can be told from
// its number, and nothing is kept of it meanwhile.
type schedule struct {
	// Immutable.
	period float64       // nanoseconds from one message to the next
	conns  int64         // of all workers
	total  int64         // messages of all workers
	from   time.Duration // messages due from here on are measured,
	before time.Duration // and up to here
	own    []*conn       // this worker's connections, ascending; at least one
	hist   *hdrhistogram.Histogram

	next int64 // how many of this worker's messages have become due
	late lateness
}

// lateness is how a schedule was kept.
type lateness struct {
	count   int64
	max     time.Duration
	blocked int64
}

// newSchedule makes a schedule of cfg's rate over so many connections.
func newSchedule(cfg *Config, conns int) *schedule {
	s := &schedule{
		period: float64(time.Second) / cfg.Rate,
		conns:  int64(conns),
		from:   cfg.Warmup,
		before: cfg.Warmup + cfg.Duration,
		hist:   newHistogram(),
	}
	s.total = max(1, int64(math.Ceil(float64(s.before)/s.period)))
	if cfg.Messages > 0 {
		s.total = min(s.total, cfg.Messages)
	}
	return s
}

// due returns when message n of c is due.
func (s *schedule) due(c *conn, n int64) time.Duration {
	return time.Duration(float64(n*s.conns+int64(c.id)) * s.period)
}

// upcoming returns the connection and number of the next message.
func (s *schedule) upcoming() (*conn, int64) {
	n := int64(len(s.own))
	return s.own[s.next%n], s.next / n
}

// ended reports whether all messages have become due.
func (s *schedule) ended() bool {
	c, n := s.upcoming()
	return n*s.conns+int64(c.id) >= s.total
}

// until returns how long the next message is off at now; when there is none,
// longer than anyone waits.
func (s *schedule) until(now time.Duration) time.Duration {
	if s.ended() {
		return math.MaxInt64
	}
	c, n := s.upcoming()
	return s.due(c, n) - now
}

// isDue reports whether the next message is due at now.
func (s *schedule) isDue(now time.Duration) bool { return s.until(now) <= 0 }

// measured reports whether a message due at t counts.
func (s *schedule) measured(t time.Duration) bool { return t >= s.from && t < s.before }

// record takes the latency of c's next message, whose echo came at now.
func (s *schedule) record(c *conn, now time.Duration) {
	if due := s.due(c, c.verified); s.measured(due) {
		_ = s.hist.RecordValue(int64(min(max(now-due, 1), longest)))
	}
}

// schedule sends the messages that have become due.
func (w *worker) schedule() {
	s := w.pace
	for range maxScheduled {
		now := w.clock()
		if w.stop.Load() || !s.isDue(now) {
			return
		}
		c, n := s.upcoming()
		s.next++
		if c.failed {
			w.unanswered++
			continue
		}
		w.now = now
		blocked := c.due > 0 || len(c.out) > 0
		if w.cast != nil {
			w.publishNext()
		} else {
			w.owe(c, 1)
			w.pump(c)
			w.lead(c, 1)
		}
		if due := s.due(c, n); s.measured(due) {
			s.late.note(now-due, blocked)
		}
	}
}

// note counts a message sent late after it was due, or held up by the socket.
func (l *lateness) note(late time.Duration, blocked bool) {
	switch {
	case blocked:
		l.blocked++
	case late > LateAfter:
		l.count++
	}
	if !blocked {
		l.max = max(l.max, late)
	}
}

func (l *lateness) merge(from lateness) {
	l.count += from.count
	l.max = max(l.max, from.max)
	l.blocked += from.blocked
}
