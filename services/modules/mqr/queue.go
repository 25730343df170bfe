package mqr

import (
	"container/list"
	"errors"
	"fmt"
	"sync"

	"lapps/services/nljson"
)

// What a full queue has a post do.
const (
	waits = "wait"
	fails = "fail"
)

var (
	errFull = errors.New("full")
	errAll  = errors.New("the queues of the server hold too much together")
)

// A queue is what Lua has by a name. Its methods may be called from any goroutine,
// and do not block.
type queue struct {
	// Immutable.
	all      *Queues
	name     string
	settings // whole

	mu        sync.Mutex // guards the fields below; nothing is called with it held
	messages  fifo
	bytes     int64     // of these
	accepted  uint64    // messages, ever
	posters   list.List // of *waiter: for room, which the first has none of
	receivers list.List // of *waiter: for messages, of which there are none
}

// A message is in a queue, or on its way to or from there.
type message struct {
	parcel nljson.Parcel
	number uint64 // in the order in which messages were accepted
}

// A waiter is a post or a recv that waits. Guarded by its queue's mu, but for
// ready.
type waiter struct {
	ready   chan struct{} // capacity 1; sent to when served
	message message       // what is to be accepted, or was received
	state   state
	place   *list.Element // while waiting
}

// A state is that of a waiter:
//
//	            serve             claim
//	waiting ------------> served -------> over
//	   |                                    ^
//	   |  withdraw, claim                   |
//	   +------------------------------------+
type state uint8

const (
	waiting state = iota
	served
	over
)

// wait has a waiter wait at the end of l. mu is held.
func wait(l *list.List, m message) *waiter {
	w := &waiter{ready: make(chan struct{}, 1), message: m}
	w.place = l.PushBack(w)
	return w
}

// serve ends the wait of the first of l. mu is held.
func serve(l *list.List) *waiter {
	w := l.Remove(l.Front()).(*waiter)
	w.state, w.place = served, nil
	w.ready <- struct{}{}
	return w
}

// post accepts p; or it waits for room, as w; or it cannot be.
func (q *queue) post(p nljson.Parcel) (w *waiter, err error) {
	size := int64(p.Size())
	if size > q.Bytes {
		return nil, fmt.Errorf("it takes %d bytes, and the queue holds %d", size, q.Bytes)
	}
	if !q.all.hold(p) {
		return nil, errAll
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.posters.Len() == 0 && q.hasRoom(size):
		q.accept(p)
		return nil, nil
	case q.full == fails:
		q.all.release(p)
		return nil, errFull
	}
	return wait(&q.posters, message{parcel: p}), nil
}

// hasRoom reports whether a message of that size may be accepted. mu is held.
func (q *queue) hasRoom(size int64) bool {
	return q.messages.len() < q.Messages && q.bytes+size <= q.Bytes
}

// accept gives p to the first who waits for it, or keeps it. mu is held.
func (q *queue) accept(p nljson.Parcel) {
	q.accepted++
	m := message{p, q.accepted}
	if q.receivers.Len() > 0 {
		q.give(m)
		return
	}
	q.messages.push(m)
	q.bytes += int64(p.Size())
}

// give gives m to the receiver that has waited longest. mu is held.
func (q *queue) give(m message) {
	q.all.release(m.parcel)
	serve(&q.receivers).message = m
}

// withdraw ends the wait of a post: whether it was accepted before. It may be
// called again.
func (q *queue) withdraw(w *waiter) (accepted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.state == waiting {
		w.state = over
		q.posters.Remove(w.place)
		q.all.release(w.message.parcel)
		q.admit() // those behind it may be smaller
	}
	return w.state == served
}

// admit accepts those who wait for room, as far as there is any. mu is held.
func (q *queue) admit() {
	for q.posters.Len() > 0 {
		p := q.posters.Front().Value.(*waiter).message.parcel
		if !q.hasRoom(int64(p.Size())) {
			return
		}
		serve(&q.posters)
		q.accept(p)
	}
}

// take takes the first message; false: there is none.
func (q *queue) take() (m message, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pop()
}

// receive is take, or a wait for a message.
func (q *queue) receive() (m message, w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if m, ok := q.pop(); ok {
		return m, nil
	}
	return message{}, wait(&q.receivers, message{})
}

// pop takes the first message, and accepts what waits for its room. mu is held.
func (q *queue) pop() (m message, ok bool) {
	if q.messages.len() == 0 {
		return message{}, false
	}
	m = q.messages.pop()
	q.bytes -= int64(m.parcel.Size())
	q.all.release(m.parcel)
	q.admit()
	return m, true
}

// claim ends the wait of a receiver; false: it has received nothing.
func (q *queue) claim(w *waiter) (m message, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.end(w)
}

// end is claim. mu is held.
func (q *queue) end(w *waiter) (m message, ok bool) {
	switch w.state {
	case waiting:
		q.receivers.Remove(w.place)
	case served:
		m, ok = w.message, true
	}
	w.state, w.place, w.message = over, nil, message{}
	return m, ok
}

// giveUp ends the wait of a receiver. What it has received, and not claimed, goes to
// the next, or back to its place.
func (q *queue) giveUp(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	m, ok := q.end(w)
	if !ok {
		return
	}
	q.all.held.Add(cost(m.parcel)) // without asking: it has been in
	if q.receivers.Len() > 0 {
		q.give(m)
		return
	}
	q.messages.putBack(m)
	q.bytes += int64(m.parcel.Size())
}

// size is how many messages there are, and how many bytes they take.
func (q *queue) size() (messages int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.messages.len(), q.bytes
}
