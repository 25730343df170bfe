package epoll

import (
	"math/bits"

	"lapps/server"
)

// wheelSlots is the number of slots of a wheel, a power of two: 41 s at 10 ms.
const wheelSlots = 4096

// A wheel is a hashed timing wheel: a timer that is due at tick n is in slot
// n modulo wheelSlots, in the order of arming, whatever the round. Slots are
// circular lists through Timer.Next and Timer.Prev, so that arming and
// stopping cost the same with one timer as with a million, and timers of one
// tick fire in the order they were armed, which a hierarchy of wheels would
// lose when it moves timers down. In return a timer that is due in a later
// round is looked at once per round.
//
// A wheel has no clock: ticks are given to it. It belongs to one goroutine.
// The zero wheel is empty, at tick 0.
type wheel struct {
	tick   int64 // all that is due up to here has fired, or is in firing
	armed  int   // timers in slots
	firing *server.Timer
	slots  [wheelSlots]*server.Timer
	used   [wheelSlots / 64]uint64 // a bit for each slot that is not empty
}

// arm has t fire at the tick due, or at the next one if that has passed.
func (w *wheel) arm(t *server.Timer, due int64) {
	w.stop(t)
	t.Due = max(due, w.tick+1)
	i := t.Due & (wheelSlots - 1)
	push(&w.slots[i], t)
	w.used[i/64] |= 1 << (i % 64)
	w.armed++
}

// stop disarms t, if it is armed.
func (w *wheel) stop(t *server.Timer) {
	switch {
	case t.Next == nil:
	case t.Due <= w.tick:
		remove(&w.firing, t)
	default:
		w.unslot(t)
	}
}

// unslot takes t out of its slot.
func (w *wheel) unslot(t *server.Timer) {
	i := t.Due & (wheelSlots - 1)
	remove(&w.slots[i], t)
	if w.slots[i] == nil {
		w.used[i/64] &^= 1 << (i % 64)
	}
	w.armed--
}

// advance fires all that is due up to the tick to, in the order of ticks and
// within a tick in the order of arming. What fires may arm and stop timers;
// what it arms fires at a later tick.
func (w *wheel) advance(to int64) {
	for w.tick < to {
		next, ok := w.next()
		if !ok || next > to {
			w.tick = to
			return
		}
		w.tick = next
		w.collect()
		for t := w.firing; t != nil; t = w.firing {
			remove(&w.firing, t)
			t.F()
		}
	}
}

// collect moves what is due at w.tick from its slot to w.firing.
func (w *wheel) collect() {
	first := w.slots[w.tick&(wheelSlots-1)]
	last := first.Prev
	for t := first; ; {
		next := t.Next
		if t.Due <= w.tick {
			w.unslot(t)
			push(&w.firing, t)
		}
		if t == last {
			return
		}
		t = next
	}
}

// next is the first tick after w.tick whose slot is in use: nothing is due
// before it, though what is in the slot may be due in a later round.
func (w *wheel) next() (tick int64, ok bool) {
	if w.armed == 0 {
		return 0, false
	}
	start := (w.tick + 1) & (wheelSlots - 1)
	i := start / 64
	word := w.used[i] &^ (1<<(start%64) - 1)
	for word == 0 {
		i = (i + 1) % int64(len(w.used))
		word = w.used[i]
	}
	slot := i*64 + int64(bits.TrailingZeros64(word))
	return w.tick + 1 + (slot-start)&(wheelSlots-1), true
}

// push appends t to the circular list that begins at *head.
func push(head **server.Timer, t *server.Timer) {
	if *head == nil {
		t.Next, t.Prev, *head = t, t, t
		return
	}
	t.Next, t.Prev = *head, (*head).Prev
	t.Prev.Next, t.Next.Prev = t, t
}

// remove takes t out of the circular list that begins at *head.
func remove(head **server.Timer, t *server.Timer) {
	t.Prev.Next, t.Next.Prev = t.Next, t.Prev
	switch {
	case t.Next == t:
		*head = nil
	case *head == t:
		*head = t.Next
	}
	t.Next, t.Prev = nil, nil
}
