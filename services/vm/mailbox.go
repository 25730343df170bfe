package vm

import "slices"

// An Event is something for an instance to handle.
type Event struct {
	Target Target
	Kind   uint8 // the target's own
	Last   bool  // of a loose gate: it is handled when all before it have been
	Data   string
}

// A Target has events for an instance. An instance remembers targets by
// value, so they must be comparable (pointers).
type Target interface {
	// Handle handles e. It is called on an executor with the baton held and
	// calls Lua with in.Call.
	Handle(in *Instance, e Event)

	// Gate returns what orders the target's events: those of one gate are
	// handled one at a time, in the order they were posted, unless it is
	// loose. nil means no order. It is always the same.
	Gate() *Gate

	// Room is called once after an Offer that returned ErrBusy, when it may
	// be tried again: the gate is below half of its share, and the instance
	// below half of its limits, or it is this target's turn. It is called on an executor between two
	// events, with no mutex held, and must neither block nor call Lua.
	Room()
}

// A Gate keeps events in order. The zero Gate is ready; it is embedded in its
// target and used with one instance only.
type Gate struct {
	// Loose has events begin while others of the gate are blocked. It is set
	// before the first event.
	Loose bool

	// Owned by the baton's holder.
	pass    uint32    // when an item of it was dealt last
	blocked int32     // of a loose gate: how many handlers are blocked
	holder  *executor // whose handler is blocked; nil: none, or the gate is loose
	last    *item     // of a loose gate: a Last one that waits for these; nil: there is none

	events int // guarded by the instance's mu: accepted and not yet handled
	bytes  int // likewise
}

// Limits bound what waits for an instance. Zeros mean the defaults. An empty
// instance always takes one event, and a gate with nothing queued may always
// offer one, whatever its size, if the instance has room.
type Limits struct {
	Events     int // 0 means 65536
	Bytes      int // of Event.Data; 0 means 64 MiB
	GateEvents int // 0 means 256
	GateBytes  int // 0 means 1 MiB

	// InFlight is how many handlers there may be that have waited in Block and
	// not come to their end; while there are so many nothing new begins. 0 means
	// 8192.
	InFlight int
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, n int) {
		if *p == 0 {
			*p = n
		}
	}
	set(&l.Events, 65536)
	set(&l.Bytes, 64<<20)
	set(&l.GateEvents, 256)
	set(&l.GateBytes, 1<<20)
	set(&l.InFlight, 8192)
	return l
}

// An item is an event on its way; one without a Target has been taken out.
type item struct {
	Event
	gate *Gate
}

// keepItems is how many items the queue and the batch keep room for each: what
// a burst needed beyond that is given back when it is over.
const keepItems = 4096

// Offer has e handled behind what was accepted before. It may be called from
// any goroutine and never blocks. The error is ErrBusy, after which the
// target's Room will be called, or ErrStopped.
func (in *Instance) Offer(e Event) error {
	in.mu.Lock()
	err := in.offer(e)
	in.unlock(nil)
	return err
}

// A Later calls functions later than at once. They do not block.
type Later interface{ Later(f func()) }

// OfferAll offers events in order, until one is refused. It returns how many
// were accepted, and the error of the one that was not. Where nobody handles the
// instance's events yet, l says when that begins: who has more for it does
// well to offer that first. nil means at once.
func (in *Instance) OfferAll(events []Event, l Later) (n int, err error) {
	in.mu.Lock()
	for n < len(events) && err == nil {
		if err = in.offer(events[n]); err == nil {
			n++
		}
	}
	in.unlock(l)
	return n, err
}

// unlock releases mu, and has the runner begin that was chosen meanwhile.
func (in *Instance) unlock(l Later) {
	e := in.chosen
	in.chosen = nil
	in.mu.Unlock()
	switch {
	case e == nil:
	case l == nil:
		e.signal()
	default:
		l.Later(e.begin)
	}
}

// Post is Offer without the limits, for events that something else bounds. The
// two keep their order.
func (in *Instance) Post(e Event) error {
	in.mu.Lock()
	if in.stopping {
		in.mu.Unlock()
		return ErrStopped
	}
	in.accept(e, e.Target.Gate())
	in.unlock(nil)
	return nil
}

// Waiting is how many bytes of the gate's events are accepted and not yet
// handled.
func (in *Instance) Waiting(g *Gate) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return g.bytes
}

// offer accepts e if there is room. mu is held.
func (in *Instance) offer(e Event) error {
	if in.stopping {
		return ErrStopped
	}
	g := e.Target.Gate()
	if !in.hasRoom(g, len(e.Data)) {
		if in.refused == nil {
			in.refused = make(map[Target]*Gate)
		}
		in.refused[e.Target] = g
		return ErrBusy
	}
	in.accept(e, g)
	in.offered++
	in.offeredBytes += uint64(len(e.Data))
	in.largest = max(in.largest, len(e.Data))
	return nil
}

// accept puts e on the queue. mu is held.
func (in *Instance) accept(e Event, g *Gate) {
	in.events++
	in.bytes += len(e.Data)
	if g != nil {
		g.events++
		g.bytes += len(e.Data)
	}
	in.queue = append(in.queue, item{e, g})
	if !in.hasRunner && in.inFlight < in.limits.InFlight {
		in.startRunner()
	}
}

// hasRoom reports whether n bytes may be accepted. mu is held.
func (in *Instance) hasRoom(g *Gate, n int) bool {
	l := &in.limits
	events, bytes := in.load()
	if events > 0 && (events >= l.Events || bytes+n > l.Bytes) {
		return false
	}
	return g == nil || g.events == 0 || g.events < l.GateEvents && g.bytes+n <= l.GateBytes
}

// load is what counts against the instance's limits: all but what blocked
// handlers hold aside. That is bounded by the shares of their gates, and does
// not keep others out. mu is held.
func (in *Instance) load() (events, bytes int) {
	return in.events - in.aside, in.bytes - in.asideBytes
}

// putAside has settle note that it is held by a blocked handler. The baton is
// held.
func (in *Instance) putAside(it *item) {
	in.moved++
	in.movedBytes += len(it.Data)
}

// strikeAside strikes an item off the accounts that was held aside. mu is held.
func (in *Instance) strikeAside(it *item) {
	in.aside--
	in.asideBytes -= len(it.Data)
	in.strike(it)
}

// take fills the batch, where it has been handled, from the queue: with all of it,
// or, while handlers are slow, with the first item of each gate, so that who has
// sent much does not keep others waiting behind it. mu and the baton are held.
func (in *Instance) take() {
	slow := in.slow >= slowTurns
	if slow && !in.dealt {
		in.putBack()
	}
	switch {
	case in.pos < len(in.batch):
	case slow:
		in.deal()
	default:
		in.takeAll()
	}
}

// putBack puts what is left of the batch back before the queue.
func (in *Instance) putBack() {
	if in.pos < len(in.batch) {
		in.queue = slices.Concat(in.batch[in.pos:], in.queue)
		clear(in.batch[in.pos:])
		in.batch = in.batch[:in.pos]
	}
}

// deal takes the first item of each gate.
func (in *Instance) deal() {
	in.batch, in.pos, in.settled, in.dealt = in.batch[:0], 0, 0, true
	in.pass++
	rest := in.queue[:0]
	for _, it := range in.queue {
		switch g := it.gate; {
		case g == nil:
			in.batch = append(in.batch, it)
		case g.pass == in.pass:
			rest = append(rest, it)
		default:
			g.pass = in.pass
			in.batch = append(in.batch, it)
		}
	}
	clear(in.queue[len(rest):])
	in.queue = rest
}

// takeAll makes the queue the batch.
func (in *Instance) takeAll() {
	in.dealt = false
	in.batch, in.queue = in.queue, in.batch[:0]
	in.pos, in.settled = 0, 0
	if in.pos == len(in.batch) && cap(in.batch) > keepItems {
		in.batch = nil
	}
	if c := cap(in.queue); c > keepItems && c > 4*len(in.batch) {
		in.queue = nil
	}
}

// pending reports whether the mailbox has events for a runner. mu and the
// baton are held.
func (in *Instance) pending() bool { return in.pos < len(in.batch) || len(in.queue) > 0 }

// settle strikes what the runner has handled off the accounts. mu and the
// baton are held.
func (in *Instance) settle() {
	for i := in.settled; i < in.pos; i++ {
		if it := &in.batch[i]; it.Target != nil {
			in.strike(it)
		}
	}
	in.settled = in.pos
	in.aside += in.moved
	in.asideBytes += in.movedBytes
	in.moved, in.movedBytes = 0, 0
}

// strike strikes one handled item off the accounts and clears it. mu is held.
func (in *Instance) strike(it *item) {
	in.handled++
	in.events--
	in.bytes -= len(it.Data)
	if g := it.gate; g != nil {
		g.events--
		g.bytes -= len(it.Data)
	}
	*it = item{}
}

// makeRoom calls Room of the refused targets that may try again. mu and the
// baton are held; mu is released meanwhile.
func (in *Instance) makeRoom() {
	if targets := in.roomy(); targets != nil {
		in.mu.Unlock()
		for _, t := range targets {
			t.Room()
		}
		in.mu.Lock()
	}
}

// roomy removes and returns the refused targets that may try again. mu is
// held. Where the instance is below half of its limits that is every target
// whose gate is below half of its share; where it is fuller it is one of them
// for each turn, so that others, who are fast enough never to be refused, do
// not keep it waiting for ever.
func (in *Instance) roomy() []Target {
	if len(in.refused) == 0 || !in.hasRoom(nil, 0) {
		return nil
	}
	l := &in.limits
	events, bytes := in.load()
	all := events == 0 || 2*events < l.Events && 2*bytes < l.Bytes
	var targets []Target
	for t, g := range in.refused { // begins anywhere
		if g == nil || g.events == 0 || 2*g.events < l.GateEvents && 2*g.bytes < l.GateBytes {
			targets = append(targets, t)
			delete(in.refused, t)
			if !all {
				break
			}
		}
	}
	return targets
}
