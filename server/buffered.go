package server

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"lapps/protocol/wire"
	"lapps/services"
)

// What the server holds for all its peers, in bytes: messages that are not
// complete or not taken by their service, mailboxes, outboxes. A connection
// knows what it holds, and brings it to the account of its loop, which senders
// on any goroutine use, too; mailboxes have their own accounts. All are summed
// now and then: when one of the loops has booked checkShare of the limit.
//
// A broadcast's payload stands in many outboxes and exists once: it is booked by
// the first that takes it and struck off by the last that has done with it.

const (
	// grain is what a connection may hold unbooked: no more than it takes
	// itself, so that most messages come and go without an atomic operation.
	grain = 1 << 10

	// lendLimit is the size up to which a broadcast's payload is booked for
	// each outbox: to count it once would take longer.
	lendLimit = 256

	// checkShare is which part of the limit may be booked on a loop between
	// two looks at the sum.
	checkShare = 64
)

// A book is the account of a loop, on a cache line of its own. Any goroutine.
type book struct {
	_     [64]byte
	held  atomic.Int64 // bytes
	grown atomic.Int64 // what was added to it, or to a mailbox, since the last check
	_     [48]byte
}

// A relief closes those that hold most.
type relief struct {
	wanted  atomic.Bool // the sum is to be looked at, once more
	running atomic.Bool
	wg      sync.WaitGroup
}

// Buffered is how many bytes are held for all peers: in messages that are not
// complete or not taken by their service, mailboxes and outboxes. Any goroutine.
func (s *Server) Buffered() int64 { return s.booked() + s.Services.Buffered() }

// booked is the sum of all loops' books.
func (s *Server) booked() (sum int64) {
	s.scratch.Range(func(_, known any) bool {
		sum += known.(*scratch).book.held.Load()
		return true
	})
	return sum
}

// book adds n bytes to the account of c's loop.
func (c *conn) book(n int) {
	c.scratch.book.held.Add(int64(n))
	if n > 0 {
		c.grew(n)
	}
}

// grew has the sum looked at when so much has been added. Nothing is looked at
// here: a mutex may be held.
func (c *conn) grew(n int) {
	limit := c.srv.Limits.Buffered
	if limit == 0 {
		return
	}
	if b := &c.scratch.book; b.grown.Add(int64(n)) >= limit/checkShare {
		b.grown.Store(0)
		r := &c.srv.relief
		r.wanted.Store(true)
		if !r.running.Swap(true) {
			r.wg.Go(c.srv.relieve)
		}
	}
}

// countLocked books what c holds.
func (c *conn) countLocked() {
	holds := c.queued - c.lent + c.input
	d := holds - c.booked
	if d == 0 || d > -grain && d < grain && holds != 0 {
		return
	}
	c.booked = holds
	c.book(d)
}

// countInput books what has been received and is held.
func (c *conn) countInput() {
	n := c.decoder.Buffered()
	if c.held != nil {
		n += c.held.size()
	}
	if n != c.input {
		c.mu.Lock()
		c.input = n
		c.countLocked()
		c.mu.Unlock()
	}
}

// size is how many bytes are held.
func (h *held) size() int {
	n := len(h.rest)
	for _, m := range h.messages {
		n += len(m.Data)
	}
	return n
}

// delivered is told which messages the mailbox has taken: it counts them itself.
func (c *conn) delivered(messages []services.Message) {
	if c.srv.Limits.Buffered == 0 {
		return
	}
	n := 0
	for _, m := range messages {
		n += len(m.Data)
	}
	c.grew(n)
}

// lent is how many bytes of f are a payload that other outboxes refer to.
func lent(f wire.Frame) int {
	if f.Shared == nil || len(f.Payload) <= lendLimit {
		return 0
	}
	return len(f.Payload)
}

// chargeLocked puts a frame on the account of the outbox.
func (c *conn) chargeLocked(f wire.Frame) {
	c.queued += charge(f)
	if n := lent(f); n > 0 {
		c.lent += n
		if f.Shared.Hold() {
			c.book(n)
		}
	}
	c.countLocked()
}

// refundLocked takes a frame off it that is not sent.
func (c *conn) refundLocked(f wire.Frame) {
	c.queued -= charge(f)
	c.lent -= lent(f)
	c.letGo(f)
	c.countLocked()
}

// letGo strikes a shared payload off the books, if c was the last to refer to
// it.
func (c *conn) letGo(f wire.Frame) {
	if n := lent(f); n > 0 && f.Shared.LetGo() {
		c.book(-n)
	}
}

// returnLent follows encode, which has written the scratch's frames, or a slice of
// the part that there was before: it returns how many bytes of shared payloads
// are referred to no more.
func (c *conn) returnLent(before *part) (n int) {
	if before != nil {
		n = before.lent()
		if c.part == nil {
			c.letGo(before.frame)
		}
	}
	for i, f := range c.scratch.frames {
		n += lent(f)
		if c.part == nil || i < len(c.scratch.frames)-1 {
			c.letGo(f)
		}
	}
	if c.part != nil {
		n -= c.part.lent()
	}
	return n
}

// lent is how much of a shared payload is still to be written.
func (p *part) lent() int { return max(lent(p.frame)-p.from, 0) }

// abandonLocked gives up all that c holds.
func (c *conn) abandonLocked() {
	for _, f := range c.outbox {
		c.letGo(f)
	}
	if c.slow != nil {
		for _, f := range c.slow.kept {
			c.letGo(f)
		}
	}
	if c.part != nil {
		c.letGo(c.part.frame)
	}
	c.outbox, c.slow, c.queued, c.lent, c.input = nil, nil, 0, 0, 0
	c.countLocked()
}

// relieve looks at the sum as long as that is wanted. It is a goroutine, one at a
// time: to find who holds most may take long.
func (s *Server) relieve() {
	for r := &s.relief; ; {
		r.wanted.Store(false)
		s.closeLargest()
		r.running.Store(false)
		if !r.wanted.Load() || r.running.Swap(true) {
			return
		}
	}
}

// closeLargest closes the connections that hold most, if all together hold more
// than the limit, as many as it takes.
func (s *Server) closeLargest() {
	limit := s.Limits.Buffered
	if s.Buffered() <= limit {
		return
	}
	h := s.holders()
	// The sum is read behind them: what one that is being closed gave back meanwhile would
	// count, and not be going, and another would be closed for it.
	mailboxes := s.Services.Buffered()
	held := s.booked() + mailboxes
	h.going += max(mailboxes-h.waiting, 0) // of peers that have gone: to close others would not help
	excess := held - limit - h.going
	if excess <= 0 || !s.Exceed(LimitBuffered) {
		return
	}
	closed, enough := h.evict(excess, "the server holds too much for its peers")
	if !enough && closed > 0 {
		s.relief.wanted.Store(true)
	}
	s.log().Warn("too much was held: those who held most are closed", "bytes", held, "limit", limit, "closed", closed)
}

// Holders are the connections that hold anything.
type holders struct {
	open    []holder // the largest first
	going   int64    // bytes that those hold that are being closed, which is only a matter of time
	waiting int64    // bytes in mailboxes, of both
	besides besides
}

// A holder is a connection that holds so many bytes.
type holder struct {
	conn  *conn
	bytes int
}

// besides is how many hold a shared payload besides those that are being closed: of
// payloads that one of these holds.
type besides map[*wire.Shared]int64

// goes says that who holds f is being closed. It returns the size of f's payload, if
// that was the last one.
func (b besides) goes(f wire.Frame) (freed int) {
	n := lent(f)
	if n == 0 {
		return 0
	}
	left, known := b[f.Shared]
	if !known {
		left = f.Shared.Holders()
	}
	if b[f.Shared] = left - 1; left != 1 {
		return 0
	}
	return n
}

func (s *Server) holders() *holders {
	h := &holders{besides: besides{}}
	for _, c := range s.all() {
		c.holds(h)
	}
	slices.SortFunc(h.open, func(a, b holder) int { return cmp.Compare(b.bytes, a.bytes) })
	return h
}

// holds adds c to h. One that is not open yet holds nothing that could be given up.
func (c *conn) holds(h *holders) {
	c.mu.Lock()
	seat, n, closed := c.seat, c.queued+c.input, c.closed.Load()
	if closed {
		n += c.goesLocked(h.besides) - c.lent
	}
	c.mu.Unlock()
	if seat == nil {
		return
	}
	inMailbox := seat.Waiting()
	h.waiting += int64(inMailbox)
	n += inMailbox
	switch {
	case closed:
		h.going += int64(n)
	case n > 0:
		h.open = append(h.open, holder{c, n})
	}
}

// goesLocked says that c is being closed. It returns the size of the shared payloads
// that nobody else holds.
func (c *conn) goesLocked(b besides) (freed int) {
	if c.lent == 0 {
		return 0
	}
	for _, f := range c.outbox {
		freed += b.goes(f)
	}
	if c.slow != nil {
		for _, f := range c.slow.kept {
			freed += b.goes(f)
		}
	}
	if c.part != nil {
		freed += b.goes(c.part.frame)
	}
	return freed
}

// evict closes those that are open in their order, until n bytes are given back. It
// returns how many, and whether that was enough. Once even the largest of the rest
// holds less than its share of what is missing, all of them do not hold that: others
// have come to hold it behind holders, as those do that a broadcast is being sent to.
// Who holds little is not closed for them.
func (h *holders) evict(n int64, reason string) (closed int, enough bool) {
	freed := int64(0)
	for ; freed < n && closed < len(h.open); closed++ {
		rest := h.open[closed:]
		if largest := rest[0].bytes; closed > 0 && largest < little && int64(largest)*int64(len(rest)) < n-freed {
			break
		}
		freed += int64(rest[0].conn.evict(h.besides, reason))
	}
	return closed, freed >= n
}

// evict closes c for what it holds, and returns how much of it is given back:
// what waits now, the rest when its loop and its instance come to it, and what is
// being written at the latest after Timeouts.Close.
func (c *conn) evict(b besides, reason string) (freed int) {
	c.mu.Lock()
	if c.closed.Load() {
		c.mu.Unlock()
		return 0
	}
	freed = c.queued - c.lent + c.input + c.goesLocked(b)
	c.giveUpLocked(reason)
	c.mu.Unlock()
	freed += c.seat.Waiting()
	c.seat.Drop()
	c.sock.Loop().Wake()
	return freed
}
