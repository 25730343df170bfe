package epoll

import "sync/atomic"

// Stats are what a Carrier has counted since New. Each number is exact, but
// they are not all of one moment.
type Stats struct {
	Accepted uint64 // connections that reached their acceptor
	Refused  uint64 // by admit

	// Errors of accepting, and of handing over to a loop what was accepted.
	AcceptFiles  uint64 // no descriptor left: EMFILE, ENFILE
	AcceptMemory uint64 // ENOMEM, ENOBUFS, ENOSPC (epoll's limit of watches)
	AcceptOther  uint64

	Open   int64 // connections that are not lost yet
	Paused int64 // of those, the paused ones

	BytesRead    uint64
	BytesWritten uint64 // given to the kernel
	Wakeups      uint64 // turns of loops
	Flushes      uint64 // dirty ones flushed
}

// counters are a loop's, on cache lines of their own.
type counters struct {
	_                                         [64]byte
	accepted, read, written, wakeups, flushes atomic.Uint64
	open, paused                              atomic.Int64
	_                                         [64]byte
}

// acceptCounters are shared by the listeners.
type acceptCounters struct {
	refused, files, memory, other atomic.Uint64
}

// Stats adds up what the loops have counted.
func (c *Carrier) Stats() Stats {
	s := Stats{
		Refused:      c.counts.refused.Load(),
		AcceptFiles:  c.counts.files.Load(),
		AcceptMemory: c.counts.memory.Load(),
		AcceptOther:  c.counts.other.Load(),
	}
	for _, l := range c.LoopStats() {
		s.Accepted += l.Accepted
		s.Open += l.Open
		s.Paused += l.Paused
		s.BytesRead += l.BytesRead
		s.BytesWritten += l.BytesWritten
		s.Wakeups += l.Wakeups
		s.Flushes += l.Flushes
	}
	return s
}

// LoopStats are what one loop of a Carrier has counted since New, as Stats has it.
type LoopStats struct {
	Accepted     uint64
	Open, Paused int64
	BytesRead    uint64
	BytesWritten uint64
	Wakeups      uint64
	Flushes      uint64
}

// LoopStats are those of all loops, in the order of Loops.
func (c *Carrier) LoopStats() []LoopStats {
	all := make([]LoopStats, len(c.loops))
	for i, l := range c.loops {
		all[i] = LoopStats{
			Accepted:     l.stats.accepted.Load(),
			Open:         l.stats.open.Load(),
			Paused:       l.stats.paused.Load(),
			BytesRead:    l.stats.read.Load(),
			BytesWritten: l.stats.written.Load(),
			Wakeups:      l.stats.wakeups.Load(),
			Flushes:      l.stats.flushes.Load(),
		}
	}
	return all
}
