package main

import (
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"lapps/server"
)

// Parts of the memory limit, in percent, that what a collection leaves may come
// to. Between the first two nothing changes, so that it does not go to and fro.
const (
	shedAccepts = 85 // up to this new connections are accepted again
	shedRefuses = 90 // from this on they are refused
	shedCloses  = 95 // from this on those that hold most are closed, until it is shedRefuses
)

// shedTime is how often memory is looked at where nothing is collected.
const shedTime = time.Second

// A shedder has the server shed load before the process comes to the limit of its
// memory, where Go would do nothing but collect, and the kernel end it. It looks
// after each collection: near the limit there are many.
type shedder struct {
	server *server.Server
	log    *slog.Logger
	limit  int64 // bytes
	memory func() memory
	gc     func() // collects

	refusing  bool
	cycles    uint64        // collections at the last look
	collected chan struct{} // sent to after a collection
	quit      chan struct{}
	done      chan struct{}
}

// A memory is what the process has, in bytes.
type memory struct {
	used   int64  // what counts against the limit
	kept   int64  // what of it the last collection could not have given back
	cycles uint64 // how many collections there have been
}

// newShedder keeps to Go's memory limit; nil: there is none.
func newShedder(s *server.Server, log *slog.Logger) *shedder {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return nil
	}
	return &shedder{
		server: s, log: log, limit: limit, memory: readMemory, gc: runtime.GC,
		collected: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
}

// start watches until stop. Both do nothing where there is no limit.
func (s *shedder) start() {
	if s != nil {
		s.tell(new(sentinel))
		go s.run()
	}
}

// stop ends run and waits for it.
func (s *shedder) stop() {
	if s != nil {
		close(s.quit)
		<-s.done
	}
}

func (s *shedder) run() {
	defer close(s.done)
	ticker := time.NewTicker(shedTime)
	defer ticker.Stop()
	for {
		select {
		case <-s.collected:
			s.look(s.memory())
		case <-ticker.C:
			s.tick()
		case <-s.quit:
			return
		}
	}
}

// A sentinel is garbage from the start, as a tuner is: its finalizer tells of a
// collection.
type sentinel struct{ _ *byte }

func (s *shedder) tell(t *sentinel) {
	select {
	case <-s.quit:
		return
	case s.collected <- struct{}{}:
	default: // it has not looked yet
	}
	runtime.SetFinalizer(t, s.tell)
}

// tick collects where much is used and nothing has been collected for a while: how
// much of it is garbage is not known then.
func (s *shedder) tick() {
	m := s.memory()
	if m.cycles == s.cycles && (s.refusing || m.used >= s.part(shedRefuses)) {
		s.gc()
		m = s.memory()
	}
	s.look(m)
}

// look does what is to be done where m is what the process has, once after each
// collection. What is closed is garbage that the last one has not seen: there is
// another one before the next look.
func (s *shedder) look(m memory) {
	if m.cycles == s.cycles {
		return
	}
	s.cycles = m.cycles
	if m.kept >= s.part(shedRefuses) {
		s.refuse(true, m.kept)
	} else if m.kept <= s.part(shedAccepts) {
		s.refuse(false, m.kept)
	}
	if m.kept < s.part(shedCloses) {
		return
	}
	if closed := s.server.Shed(m.kept - s.part(shedRefuses)); closed > 0 {
		s.log.Warn("memory runs short: those who hold most are closed", "bytes", m.kept, "limit", s.limit, "closed", closed)
		s.gc()
	}
}

// refuse has new connections refused, or accepted again.
func (s *shedder) refuse(on bool, kept int64) {
	if on == s.refusing {
		return
	}
	s.refusing = on
	s.server.Refuse(on)
	if on {
		s.log.Warn("memory runs short: new connections are refused", "bytes", kept, "limit", s.limit)
	} else {
		s.log.Info("memory suffices: new connections are accepted again", "bytes", kept, "limit", s.limit)
	}
}

// part is so many percent of the limit.
func (s *shedder) part(percent int64) int64 { return s.limit / 100 * percent }

// readMemory asks Go's runtime; it stops nothing.
func readMemory() memory {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	n := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	used := n(0) - n(1)
	return memory{
		used:   used,
		kept:   used - n(2) - n(3) - n(4) + n(5),
		cycles: samples[6].Value.Uint64(),
	}
}
