package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// dialing is how many connections are being opened at a time: a server's queue
// of connections not yet accepted is not what is attacked.
const dialing = 128

// A player is one connection's part in an attack.
type player struct {
	*options
	ctx   context.Context // the attack's
	siege *siege

	placed bool
	err    error // why it has no place
}

// A siege is an attack under way.
type siege struct {
	dials chan struct{} // holds one for each connection being opened
	sent  atomic.Int64

	mu       sync.Mutex // guards the fields below
	outcomes map[string]int
	example  error
	waiting  int           // players that are not in place yet
	inPlace  chan struct{} // closed when none is
}

// attack has all connections play, until the server has ended them or ctx is
// done.
func (o *options) attack(ctx context.Context, log io.Writer) *report {
	s := &siege{dials: make(chan struct{}, dialing), outcomes: make(map[string]int), waiting: o.conns, inPlace: make(chan struct{})}
	begin := time.Now()
	var players sync.WaitGroup
	for range o.conns {
		players.Go(func() {
			p := &player{options: o, ctx: ctx, siege: s}
			for again := true; again; again = o.again && ctx.Err() == nil && p.err == nil {
				p.count(o.kind.play(p))
				p.place()
			}
		})
	}
	<-s.inPlace
	fmt.Fprintf(log, "attack: %d connections of %s are in place\n", o.conns, o.kind.name)
	players.Wait()
	r := &report{Kind: o.kind.name, Conns: o.conns, Seconds: time.Since(begin).Seconds(), Sent: s.sent.Load(), Outcomes: s.outcomes}
	if s.example != nil {
		r.Example = s.example.Error()
	}
	return r
}

// place says that the connection is as far as the attack needs.
func (p *player) place() {
	if p.placed {
		return
	}
	p.placed = true
	s := p.siege
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting--; s.waiting == 0 {
		close(s.inPlace)
	}
}

// count counts an outcome.
func (p *player) count(outcome string) {
	s := p.siege
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes[outcome]++
	if p.err != nil && s.example == nil {
		s.example = p.err
	}
}

// beside has send run beside wait, and returns what wait says. The connection is
// closed then, which ends send.
func (p *player) beside(l *link, send func(), wait func(*link) string) string {
	var sending sync.WaitGroup
	sending.Go(send)
	outcome := wait(l)
	l.Close()
	sending.Wait()
	return outcome
}

// dribble writes b to w, a byte at a time, until an error.
func (p *player) dribble(w io.Writer, b []byte) {
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for i := range b {
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			return
		}
		if p.pour(w, b[i:i+1]) != nil {
			return
		}
	}
}

// flood writes first, and then more again and again, until an error.
func (p *player) flood(w io.Writer, first, more []byte) error {
	err := p.pour(w, first)
	for err == nil {
		err = p.pour(w, more)
	}
	return err
}

// pour writes b to w and counts it.
func (p *player) pour(w io.Writer, b []byte) error {
	n, err := w.Write(b)
	p.siege.sent.Add(int64(n))
	return err
}

// noPlace is the outcome of a connection that could not be opened.
func (p *player) noPlace(err error) string {
	if p.ctx.Err() != nil {
		return "stayed"
	}
	p.err = err
	return "no place"
}
