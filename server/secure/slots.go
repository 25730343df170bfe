package secure

import (
	"container/list"
	"runtime"
	"sync"
	"time"
)

// patience is how long a handshake may wait for its peer while others wait for
// its slot.
const patience = time.Second

// Slots bound the handshakes that are under way at a time, and those of them that
// compute. Layers share them. Their methods may be called from any goroutine.
type Slots struct {
	// Immutable.
	most    int           // handshakes at a time; 0: no limit
	exceeds func() bool   // see NewSlots; called with mu held
	compute chan struct{} // holds one for each handshake that computes

	mu      sync.Mutex // guards the fields below
	shaking list.List  // of *handshake: those that have a slot, the oldest first
	waiting list.List  // of *handshake: those that wait for one
}

// NewSlots makes slots for so many handshakes at a time; 0 means no limit. exceeds
// is called for each that is one too many, says whether it has to wait for its
// turn, and must not block; nil means that all have to.
func NewSlots(most int, exceeds func() (enforced bool)) *Slots {
	if exceeds == nil {
		exceeds = func() bool { return true }
	}
	return &Slots{most: most, exceeds: exceeds, compute: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// Len is how many handshakes have a slot, and how many wait for one.
func (l *Slots) Len() (shaking, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shaking.Len(), l.waiting.Len()
}

// enter has a handshake begin, at once or when there is a slot. It is called on
// its loop.
func (l *Slots) enter(h *handshake) {
	if l.place(h) {
		h.begin()
	} else {
		h.queue()
	}
}

// place puts h into one of the lists, and reports whether it has a slot.
func (l *Slots) place(h *handshake) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.shaking.Len() >= l.most && l.exceeds() {
		h.place = l.waiting.PushBack(h)
		return false
	}
	h.place = l.shaking.PushBack(h)
	return true
}

// relieve ends the handshake that has had its slot longest of those that wait
// for their peers, if that is longer than patience.
func (l *Slots) relieve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := l.shaking.Front(); e != nil; e = e.Next() {
		if h := e.Value.(*handshake); !h.chosen && h.idle() > patience {
			h.chosen = true
			h.s.Loop().Post(h.evict)
			return
		}
	}
}

// spare takes back that h was chosen.
func (l *Slots) spare(h *handshake) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.chosen = false
}

// leave frees the slot of a handshake that is over, for another one.
func (l *Slots) leave(h *handshake) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shaking.Remove(h.place)
	if e := l.next(); e != nil {
		next := l.waiting.Remove(e).(*handshake)
		next.place = l.shaking.PushBack(next)
		next.s.Loop().Post(next.begin)
	}
}

// next is who is to have a slot: who has waited longest, or, where that is too
// long, who has come last. There are more then than can be served, and to serve
// the oldest would have all wait until their time is nearly over. mu is held.
func (l *Slots) next() *list.Element {
	if first := l.waiting.Front(); first == nil || first.Value.(*handshake).waited() <= patience {
		return first
	}
	return l.waiting.Back()
}

// forget removes a handshake from those that wait. One that is not there any
// more has a slot, and its begin is posted.
func (l *Slots) forget(h *handshake) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting.Remove(h.place) // does nothing where it is in the other list
}
