package main

import "sync"

// A room is the members of the one topic. Its methods may be called from any
// goroutine.
type room[M comparable] struct {
	mu      sync.RWMutex // guards members
	members map[M]struct{}
}

func newRoom[M comparable]() *room[M] {
	return &room[M]{members: map[M]struct{}{}}
}

// open has f open a connection, which joins unless there is an error. Nobody
// sends meanwhile: a client that was told that it is connected gets all that is
// sent from then on.
func (r *room[M]) open(f func() (M, error)) (M, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, err := f()
	if err == nil {
		r.members[m] = struct{}{}
	}
	return m, err
}

func (r *room[M]) leave(m M) {
	r.mu.Lock()
	delete(r.members, m)
	r.mu.Unlock()
}

// each calls f with each member. f must neither join nor leave. What comes
// from one sender reaches all members in the order in which it was sent.
func (r *room[M]) each(f func(M)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for m := range r.members {
		f(m)
	}
}
