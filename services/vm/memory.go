package vm

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// A memory holds an instance to Config.Memory. Go has one heap for all, so that
// is looked at first, which is cheap, and only where it has grown by a good part of
// the limit, what can be reached from the instance's values is added up. Owned by
// the baton's holder, but for over.
type memory struct {
	limit  int64 // 0: none
	next   int64 // the heap at which values are added up; 0: nobody has looked
	looks  int   // of the hook, until the heap is looked at
	made   int64 // by library functions, since the heap was looked at
	last   time.Time
	over   atomic.Bool // more than the limit was reachable when it was added up last
	sample [1]metrics.Sample
}

const (
	// someLooks is after how many looks of the hook the heap is looked at:
	// some half a millisecond.
	someLooks = 16

	// restTime is how often the heap is looked at between calls, which may each
	// be too short for a look.
	restTime = time.Second
)

// heap is what the process's heap holds, garbage that is not swept included.
func (m *memory) heap() int64 {
	m.sample[0].Name = "/memory/classes/heap/objects:bytes"
	metrics.Read(m.sample[:])
	return int64(m.sample[0].Value.Uint64())
}

// look is the hook's, in a call. soon: the collector has run since the last one.
func (in *Instance) lookMemory(soon bool) error {
	m := &in.memory
	if m.limit == 0 {
		return nil
	}
	if m.looks--; m.looks > 0 && !soon && !m.over.Load() {
		return nil
	}
	m.looks = someLooks
	if in.measure(); m.over.Load() {
		return ErrMemory
	}
	return nil
}

// rest looks at the heap between two calls. now is the time.
func (in *Instance) rest(now time.Time) {
	m := &in.memory
	if m.limit > 0 && now.Sub(m.last) > restTime {
		m.last = now
		in.measure()
	}
}

// measure adds up what the instance's values take, if the heap has grown, or if
// they took too much before.
func (in *Instance) measure() {
	m := &in.memory
	heap := m.heap()
	m.made = 0
	if highest := heap + m.limit/2; m.next == 0 || m.next > highest {
		m.next = highest
	}
	if heap < m.next && !m.over.Load() {
		return
	}
	m.over.Store(in.reachable(m.limit) > m.limit)
	m.next = heap + m.limit/4
	m.last = time.Now()
}

// allocate counts n bytes that a library function is about to make: it may be more
// than what is left between two looks at the heap. The error is to be raised.
func (in *Instance) allocate(n int) error {
	m, c := &in.memory, &in.running.clock
	if m.limit == 0 || c.spare {
		return nil
	}
	m.made += int64(n)
	if m.made < m.limit/8 {
		return nil
	}
	if in.measure(); m.over.Load() || int64(n) > m.limit {
		c.over = ErrMemory
		return ErrMemory
	}
	return nil
}

// Full reports whether the instance's values took more than Config.Memory when
// they were added up last: between calls, each second in which there was one, and
// when Weigh has them added up. Any goroutine.
func (in *Instance) Full() bool { return in.memory.over.Load() }

// Weigh has the values added up behind what was accepted before. Any goroutine.
func (in *Instance) Weigh() { _ = in.Post(Event{Target: weigher{}}) }

// A weigher is a Target whose event has the memory measured.
type weigher struct{}

func (weigher) Handle(in *Instance, _ Event) { in.measure() }
func (weigher) Gate() *Gate                  { return nil }
func (weigher) Room()                        {}

// collections counts those of Go's collector, and tells the hooks of instances
// with a limit of memory: a call that doubles a string again and again takes a
// gigabyte within a hundred instructions, but the collector runs each time.
var collections struct {
	once  sync.Once
	hooks sync.Map // *hook to nothing
}

// sentinel is garbage that tells of each collection.
type sentinel struct{ _ *byte }

func watchCollections() {
	collections.once.Do(func() { runtime.SetFinalizer(&sentinel{}, collected) })
}

func collected(*sentinel) {
	collections.hooks.Range(func(h, _ any) bool {
		h.(*hook).attention.Store(true)
		return true
	})
	runtime.SetFinalizer(&sentinel{}, collected)
}
