package services

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A Traffic is what peers and instances have exchanged: messages, and bytes of their
// payloads, without what framing and compression make of them.
type Traffic struct {
	MessagesIn  uint64 // accepted by mailboxes
	BytesIn     uint64
	LargestIn   int    // bytes of the largest message
	MessagesOut uint64 // sent to peers that were there, those included that were dropped: see Service.Dropped
	BytesOut    uint64
	LargestOut  int
}

// add adds what others have exchanged.
func (t *Traffic) add(o Traffic) {
	t.MessagesIn += o.MessagesIn
	t.BytesIn += o.BytesIn
	t.LargestIn = max(t.LargestIn, o.LargestIn)
	t.MessagesOut += o.MessagesOut
	t.BytesOut += o.BytesOut
	t.LargestOut = max(t.LargestOut, o.LargestOut)
}

// An account is what has been counted of all versions of a service, and of instances that
// have ended: it goes on where a service is deployed anew, and is forgotten with one that is
// removed. Any goroutine.
type account struct {
	connections, errors, panics, failures, replaced, dropped atomic.Uint64

	mu        sync.Mutex  // guards the fields below; taken before the mutex of an instance's mailbox
	instances []*instance // that may still count
	past      Traffic     // of those that do not
	starts    map[int]int // how many instances were started in each place
}

// begin counts the start of the i-th instance, and returns how many there have been.
func (a *account) begin(i int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.starts == nil {
		a.starts = make(map[int]int)
	}
	a.starts[i]++
	return a.starts[i]
}

// open has in counted from now on.
func (a *account) open(in *instance) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settleLocked() // one that did not end in time is kept no longer than until then
	a.instances = append(a.instances, in)
}

// settle keeps of instances that have ended what they have counted, and nothing else.
func (a *account) settle() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settleLocked()
}

func (a *account) settleLocked() {
	a.instances = slices.DeleteFunc(a.instances, func(in *instance) bool {
		select {
		case <-in.vm.Done():
			a.past.add(in.traffic())
			return true
		default:
			return false
		}
	})
}

// read returns the instances that have not ended, and what those have counted that have.
func (a *account) read() (all []*instance, past Traffic) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settleLocked()
	return slices.Clone(a.instances), a.past
}

// traffic is what an instance has exchanged with peers.
func (in *instance) traffic() Traffic {
	st := in.vm.Stats()
	return Traffic{
		MessagesIn:  st.Offered,
		BytesIn:     st.OfferedBytes,
		LargestIn:   st.Largest,
		MessagesOut: in.sent.told.messages.Load(),
		BytesOut:    in.sent.told.bytes.Load(),
		LargestOut:  int(in.sent.told.largest.Load()),
	}
}

// countError counts an error of Lua.
func (in *instance) countError(isPanic bool) {
	in.errors.Add(1)
	in.service.account.errors.Add(1)
	if isPanic {
		in.panics.Add(1)
		in.service.account.panics.Add(1)
	}
}

// A sent counts what an instance sends to peers: in plain fields of the baton's holder,
// which are told once a turn. So a message costs no atomic operation of its own.
type sent struct {
	messages, bytes uint64 // since tell
	largest         int    // ever

	told struct {
		messages, bytes atomic.Uint64
		largest         atomic.Int64
	}
}

// add counts messages, of so many bytes together.
func (s *sent) add(messages, bytes, largest int) {
	s.messages += uint64(messages)
	s.bytes += uint64(bytes)
	s.largest = max(s.largest, largest)
}

// tell has others see it.
func (s *sent) tell() {
	if s.messages == 0 {
		return
	}
	s.told.messages.Add(s.messages)
	s.told.bytes.Add(s.bytes)
	s.messages, s.bytes = 0, 0
	if n := int64(s.largest); n > s.told.largest.Load() {
		s.told.largest.Store(n)
	}
}
