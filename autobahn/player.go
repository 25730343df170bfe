package main

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// replyLimit is how long the server may take to answer a Close frame, and
// again to drop TCP after that.
const replyLimit = time.Second

// A state is how far the connection is.
//
//	      a Close frame is sent           TCP is gone
//	open ---------------------> closing --------------> closed
type state int

const (
	open state = iota
	closing
	closed
)

// A player performs one case on one connection. One goroutine reads frames,
// one writes, and run, which owns all the rest, does neither: so neither a
// server that writes much nor one that reads nothing can stop it, and timers
// count from when a step is handed over.
type player struct {
	// Immutable.
	c    *Case
	link *link

	// Between run and the goroutines: run closes done and writes.
	frames chan received
	writes chan job
	done   chan struct{}
	wait   sync.WaitGroup

	// Owned by run.
	state   state
	steps   []Step
	enc     encoder
	message message // what has come of a fragmented message
	trips   *tripper
	log     wirelog
	out     outcome

	resume <-chan time.Time // ends a pause
	limit  <-chan time.Time // the case's timer
	reply  <-chan time.Time // for the server's Close frame, then for its dropping TCP
}

// A job is octets to be written, chop at a time; 0 means all at once.
type job struct {
	data []byte
	chop int
}

// maxJobs bounds what waits to be written.
const maxJobs = 1024

// play performs a case. It returns when the connection is gone and all
// goroutines have ended; ctx ends it early.
func play(ctx context.Context, c *Case, l *link, messages int) (outcome, []WireFrame) {
	p := &player{
		c: c, link: l, steps: c.Steps,
		frames: make(chan received, 16), writes: make(chan job, maxJobs), done: make(chan struct{}),
	}
	p.log.start = time.Now()
	p.wait.Go(p.read)
	p.wait.Go(p.write)
	p.run(ctx, messages)
	l.raw.Close()
	close(p.done)
	close(p.writes)
	p.wait.Wait()
	p.out.answer = l.answer
	if p.trips != nil {
		p.out.notes = p.trips.notes(c.Offer, p.out.tripsDone)
	}
	return p.out, p.log.written()
}

// read passes on what comes until the connection is lost.
func (p *player) read() {
	for {
		f := readFrame(p.link.in)
		select {
		case p.frames <- f:
		case <-p.done:
			return
		}
		switch {
		case f.err != nil:
			return
		case f.breach != nil && f.breach.last:
			p.discard()
			return
		}
	}
}

// discard reads to the end what cannot be understood any more.
func (p *player) discard() {
	var f received
	for f.err == nil {
		_, f.err = p.link.in.Discard(64 * kib)
	}
	select {
	case p.frames <- f:
	case <-p.done:
	}
}

// write writes jobs until there are no more, or it fails: the reader will see
// why.
func (p *player) write() {
	for j := range p.writes {
		for len(j.data) > 0 {
			n := len(j.data)
			if j.chop > 0 {
				n = min(n, j.chop)
			}
			if _, err := p.link.conn.Write(j.data[:n]); err != nil {
				for range p.writes {
				}
				return
			}
			j.data = j.data[n:]
			runtime.Gosched()
		}
	}
}

func (p *player) run(ctx context.Context, messages int) {
	p.begin(messages)
	for p.state != closed {
		select {
		case f := <-p.frames:
			p.receive(f)
		case <-p.resume:
			p.afterPause()
		case <-p.limit:
			p.tooLate()
		case <-p.reply:
			p.out.clean = false
			p.drop()
		case <-ctx.Done():
			p.abort("the run was interrupted")
		}
	}
}

func (p *player) begin(messages int) {
	if p.c.Trips == nil {
		p.next()
		return
	}
	if p.c.Offer != "" && p.link.accept == nil {
		p.out.unimplemented = true
		p.sendClose(1000)
		return
	}
	p.limit = p.after(p.c.Timer.After)
	p.trips = newTripper(p.c, p.link.accept, messages)
	p.nextTrip()
}

// next plays steps up to the next pause, or to the end, where the timer starts.
func (p *player) next() {
	for len(p.steps) > 0 {
		s := p.steps[0]
		if s.Pause > 0 {
			p.resume = time.After(s.Pause)
			return
		}
		p.steps = p.steps[1:]
		p.send(s)
	}
	p.limit = p.after(p.c.Timer.After)
}

// after is time.After for a limit of the suite's.
func (p *player) after(limit time.Duration) <-chan time.Time {
	return time.After(p.link.patience(limit))
}

func (p *player) afterPause() {
	p.resume = nil
	if p.state != open {
		return
	}
	if m := p.steps[0].Mark; m != "" {
		p.out.add(mark(m))
	}
	p.steps = p.steps[1:]
	p.next()
}

// send hands a step over to the writer. A Close frame is the runner's own,
// unless it is the breach for which the server has to fail the connection.
func (p *player) send(s Step) {
	var data []byte
	for _, f := range s.Frames {
		payload := f.Payload.bytes()
		p.log.sent(f, payload)
		data = p.enc.appendRaw(data, f, payload)
		if s.Writes == perFrame {
			p.enqueue(job{data: data})
			data = nil
		}
		if f.Op == opClose && !p.c.Closing.ByServer && p.state == open {
			p.closingByMe()
		}
	}
	if s.Writes != perFrame {
		p.enqueue(job{data, int(s.Writes)})
	}
}

func (p *player) enqueue(j job) {
	select {
	case p.writes <- j:
	default:
		p.abort("the server does not read what is sent to it")
	}
}

// sendFrame sends a frame of the runner's own accord.
func (p *player) sendFrame(f Frame) {
	payload := f.Payload.bytes()
	p.log.sent(f, payload)
	p.enqueue(job{data: p.enc.appendRaw(nil, f, payload)})
}

func (p *player) closingByMe() {
	p.state = closing
	p.out.closedByMe = true
	p.reply = p.after(replyLimit)
}

// sendClose starts the closing handshake; 0 is for no code.
func (p *player) sendClose(code int) {
	if p.state != open {
		return
	}
	f := closeFrame(Payload{})
	if code != 0 {
		f = closeCode(code)
	}
	p.closingByMe()
	p.sendFrame(f)
}

// tooLate is what happens when the case's timer has run out.
func (p *player) tooLate() {
	p.limit = nil
	p.out.late = true
	switch {
	case p.state == open && p.c.Timer.Kill:
		p.sendClose(1001)
	case p.state == open:
		p.sendClose(0)
	case p.c.Timer.Kill:
		p.out.clean = false
		p.drop()
	}
}

// abort ends the case, which has failed.
func (p *player) abort(why string) {
	p.out.aborted = why
	p.out.clean = false
	p.drop()
}

// drop ends TCP from this side.
func (p *player) drop() {
	if p.state != closed {
		p.link.raw.Close()
		p.state = closed
		p.out.droppedByMe = true
	}
}
