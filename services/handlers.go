package services

import "sync"

// shards is how many locks the handlers share: a power of two.
const shards = 64

// handlers finds the seat of a handler, the number by which Lua knows a
// connection. It is asked for every ws:send to another peer than the one whose
// message is being handled. Numbers are never reused, so one that is not found
// belongs to a connection that has gone, or never was.
type handlers struct {
	shard [shards]struct {
		mu sync.RWMutex // guards the field below; nothing is called with it held
		m  map[uint64]*Seat
	}
}

func (h *handlers) init() {
	for i := range h.shard {
		h.shard[i].m = make(map[uint64]*Seat)
	}
}

func (h *handlers) add(s *Seat) {
	sh := &h.shard[s.id()%shards]
	sh.mu.Lock()
	sh.m[s.id()] = s
	sh.mu.Unlock()
}

func (h *handlers) remove(s *Seat) {
	sh := &h.shard[s.id()%shards]
	sh.mu.Lock()
	delete(sh.m, s.id())
	sh.mu.Unlock()
}

// of returns the seats of an instance.
func (h *handlers) of(in *instance) []*Seat {
	return h.which(func(s *Seat) bool { return s.in == in })
}

// ofService returns the seats of a service.
func (h *handlers) ofService(of *Service) []*Seat {
	return h.which(func(s *Seat) bool { return s.in.service == of })
}

// which returns those that are wanted. It walks over all there are.
func (h *handlers) which(wanted func(*Seat) bool) (seats []*Seat) {
	for i := range h.shard {
		sh := &h.shard[i]
		sh.mu.RLock()
		for _, s := range sh.m {
			if wanted(s) {
				seats = append(seats, s)
			}
		}
		sh.mu.RUnlock()
	}
	return seats
}

// each calls f for all seats, with no lock held: meanwhile some may come and go.
func (h *handlers) each(f func(*Seat)) {
	var seats []*Seat // of a shard
	for i := range h.shard {
		sh := &h.shard[i]
		seats = seats[:0]
		sh.mu.RLock()
		for _, s := range sh.m {
			seats = append(seats, s)
		}
		sh.mu.RUnlock()
		for _, s := range seats {
			f(s)
		}
	}
}

func (h *handlers) find(id uint64) *Seat {
	sh := &h.shard[id%shards]
	sh.mu.RLock()
	s := sh.m[id]
	sh.mu.RUnlock()
	return s
}
