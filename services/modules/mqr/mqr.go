// Package mqr is LAppS's module mqr: named queues in the process, between the
// instances of all services. types.lua says what Lua makes of it.
//
//	queues := mqr.New(mqr.Limits{})     // once for the process
//	vm.Config{Modules: []vm.Module{queues.Module()}}
//
// # Messages
//
// A message is a string, a number, a table or an nljson value. It goes as an
// nljson.Parcel: what is frozen is handed over as it is, anything else that has parts
// as a copy, which is the receiver's. In a queue a message belongs to no instance: it
// counts against the limits of the queue, and once it has been received against the
// memory of the instance.
//
// # Order
//
// A queue is first in, first out; each message is received once, by the consumer that
// has waited longest. Posts that wait for room are accepted in the order in which they
// began to wait, and none that comes later is accepted before them, however small: so
// the messages of one producer stay in order, also those that its handlers post while
// one of them waits.
//
//	          accept                     take
//	post ----------------> messages -----------------> recv, try_recv
//	  |  full                ^    |  a wait was ended from outside
//	  +--> waits for room ---+    +--> back to its place
//
// A message is given to a receiver that waits when it is accepted. If that one's wait
// is ended from outside (its connection has gone, its task was cancelled, the instance
// is interrupted) before it has the baton, the message goes to the next who waits, or
// back to its place in the queue: nothing is lost, though others may have received
// what came after it. One whose time is over at that moment, or that has to stop,
// receives it.
//
// # Waiting
//
// Who need not wait starts nothing and makes no channel: a mutex of the queue is
// locked for a moment. Only who waits is woken, so that a batch of messages costs one
// wake-up at most for each consumer. Waits are vm.AwaitHalt's: they end when the
// instance has to stop.
//
// # Limits
//
// A queue has a number of messages and of bytes at most (Limits), and what all queues
// and all posts that wait hold together is bounded as well. There are at most 65,536
// queues. A queue lives as long as the process, since its name may be asked for again;
// an empty one is small.
package mqr

import (
	"fmt"
	"sync"
	"sync/atomic"

	"lapps/services/nljson"
)

const (
	// DefaultMessages and DefaultBytes are what a queue holds at most, where nothing
	// else is said.
	DefaultMessages = 65_536
	DefaultBytes    = 64 << 20

	// maxQueues is how many queues there may be.
	maxQueues = 65_536

	// maxName is how long the name of a queue may be, in bytes.
	maxName = 255

	// fullQueues is how many queues may be full at a time: all of them together hold as
	// much as that many.
	fullQueues = 16

	// messageBytes is what a message takes besides its value, about; it counts
	// only where all queues are counted together.
	messageBytes = 64
)

// Limits are what a queue may hold.
type Limits struct {
	Messages int   // 0 means DefaultMessages
	Bytes    int64 // of the messages' values, about; 0 means DefaultBytes
}

// Queues are all queues of a process. Its methods may be called from any goroutine.
type Queues struct {
	// Immutable.
	most  Limits // of each queue
	total int64  // of all, in bytes

	held atomic.Int64 // bytes in all queues and of the posts that wait

	mu     sync.Mutex // guards the field below
	byName map[string]*queue
}

// New makes an empty set of queues, each of which has these limits, or less.
func New(most Limits) *Queues {
	if most.Messages <= 0 {
		most.Messages = DefaultMessages
	}
	if most.Bytes <= 0 {
		most.Bytes = DefaultBytes
	}
	return &Queues{
		most:   most,
		total:  fullQueues * (most.Bytes + int64(most.Messages)*messageBytes),
		byName: make(map[string]*queue),
	}
}

// settings are what whoever makes a queue may say of it; zero: it was not said.
type settings struct {
	Limits
	full string // what a full queue has a post do: "wait" or "fail"
}

// queue finds the queue of that name, or makes it. What is said in s must be so
// where there is one.
func (qs *Queues) queue(name string, s settings) (*queue, error) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q := qs.byName[name]; q != nil {
		return q, q.differs(s)
	}
	if len(qs.byName) >= maxQueues {
		return nil, fmt.Errorf("there are %d queues already", maxQueues)
	}
	q := &queue{all: qs, name: name, settings: s}
	if q.Messages == 0 {
		q.Messages = qs.most.Messages
	}
	if q.Bytes == 0 {
		q.Bytes = qs.most.Bytes
	}
	if q.full == "" {
		q.full = waits
	}
	qs.byName[name] = q
	return q, nil
}

// differs is how q is not what s says.
func (q *queue) differs(s settings) error {
	switch {
	case s.Messages != 0 && s.Messages != q.Messages:
		return fmt.Errorf("the queue %q exists with messages = %d, not %d", q.name, q.Messages, s.Messages)
	case s.Bytes != 0 && s.Bytes != q.Bytes:
		return fmt.Errorf("the queue %q exists with bytes = %d, not %d", q.name, q.Bytes, s.Bytes)
	case s.full != "" && s.full != q.full:
		return fmt.Errorf("the queue %q exists with full = %q, not %q", q.name, q.full, s.full)
	}
	return nil
}

// cost is what a message counts as where all are counted together.
func cost(p nljson.Parcel) int64 { return int64(p.Size()) + messageBytes }

// hold counts a message; false: there is no room for it in the process.
func (qs *Queues) hold(p nljson.Parcel) bool {
	if qs.held.Add(cost(p)) <= qs.total {
		return true
	}
	qs.release(p)
	return false
}

// release undoes hold.
func (qs *Queues) release(p nljson.Parcel) { qs.held.Add(-cost(p)) }
