package services

import "sync"

// subs are the channels a seat is subscribed to.
type subs struct {
	mu   sync.Mutex // guards the fields below; a channel's mu, or that of all channels, is locked within
	all  []*channel // each knows where it stands
	gone bool       // the seat has left all of them for good
}

// leftAll are those of a seat that has left and never had any.
var leftAll = &subs{gone: true}

// fewSubs is how many channels a seat keeps room for.
const fewSubs = 64

// subscribe subscribes s. The error is ErrGone where it has left, errOver where c is
// over.
func (s *Seat) subscribe(c *channel) error {
	if s.subs.Load() == nil {
		s.subs.CompareAndSwap(nil, new(subs))
	}
	subs := s.subs.Load()
	subs.mu.Lock()
	defer subs.mu.Unlock()
	if subs.gone {
		return ErrGone
	}
	added, err := c.add(s, len(subs.all))
	if added {
		subs.all = append(subs.all, c)
	}
	return err
}

// unsubscribe ends a subscription, if there is one: the last takes its place. It takes
// the same time however many there are.
func (s *Seat) unsubscribe(c *channel) {
	subs := s.subs.Load()
	if subs == nil {
		return
	}
	subs.mu.Lock()
	defer subs.mu.Unlock()
	if at, known := c.remove(s); known {
		subs.takeOutLocked(s, at)
	}
}

func (b *subs) takeOutLocked(s *Seat, at int) {
	last := len(b.all) - 1
	if at != last {
		b.all[at] = b.all[last]
		b.all[at].move(s, at)
	}
	b.all[last] = nil
	b.all = b.all[:last]
	if cap(b.all) > fewSubs && last < cap(b.all)/4 {
		b.all = append([]*channel(nil), b.all...) // give back what many needed
	}
}

// topics are those of the channels that s is subscribed to.
func (s *Seat) topics() []topic {
	subs := s.subs.Load()
	if subs == nil {
		return nil
	}
	subs.mu.Lock()
	defer subs.mu.Unlock()
	all := make([]topic, len(subs.all))
	for i, c := range subs.all {
		all[i] = c.topic
	}
	return all
}

// unsubscribeAll ends all subscriptions of a seat that leaves.
func (s *Seat) unsubscribeAll() {
	if s.subs.CompareAndSwap(nil, leftAll) {
		return
	}
	subs := s.subs.Load()
	subs.mu.Lock()
	defer subs.mu.Unlock()
	subs.gone = true
	for _, c := range subs.all {
		c.remove(s)
	}
	subs.all = nil
}
