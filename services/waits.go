package services

import (
	"context"
	"sync"

	"lapps/services/vm"
)

var _ vm.Waiter = (*Seat)(nil)

// waits are what the handlers of a seat wait for: it ends some time after the peer
// has gone.
type waits struct {
	ctx    context.Context
	cancel context.CancelFunc

	once  sync.Once
	timer vm.Timer // set by once
}

// endLater has the waits end, those to come included.
func (w *waits) endLater(in *instance) {
	w.once.Do(func() { w.timer = in.vm.AfterFunc(in.service.GoneTime, w.cancel) })
}

// release gives back what the waits have taken.
func (w *waits) release() {
	w.cancel()
	w.once.Do(func() {})
	if w.timer != nil {
		w.timer.Stop()
	}
}

// Context implements vm.Waiter. What onDisconnect waits for is not ended.
func (s *Seat) Context() context.Context {
	if s.leaves || s.in.service.GoneTime == 0 {
		return s.in.vm.Context()
	}
	w := s.waits.Load()
	if w == nil {
		w = &waits{}
		w.ctx, w.cancel = context.WithCancel(s.in.vm.Context())
		s.waits.Store(w) // before gone is looked at: see lose
		if s.gone.Load() {
			w.endLater(s.in)
		}
	}
	return w.ctx
}

// lose notes that the peer has gone. Any goroutine.
func (s *Seat) lose() {
	s.gone.Store(true)
	if w := s.waits.Load(); w != nil {
		w.endLater(s.in)
	}
}
