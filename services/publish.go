package services

import (
	"slices"

	"lapps/protocol/wire"
)

// A publication is what an instance has sent to a channel, and not given to the
// subscribers yet. That is done once for all messages to the same channel in a
// turn, which end in an outbox as one frame: to give thousands of connections each
// message by itself takes longer than to write it.
//
// It is given at the latest at the end of the turn, which is when outboxes are
// written, and before the instance does anything else that a subscriber might tell
// the order of.
type publication struct {
	to     *channel // nil: there is nothing
	frames []wire.Frame
	but    []*Seat // by frame: who does not get it; nil: all do
	spared []*Seat // those, each once
	size   int     // of frames, in bytes
	bytes  int     // of their payloads
	most   int     // of the largest of these

	left []wire.Frame // see leftFor
}

const (
	maxBundled = 256      // frames of a publication, at most
	maxBundle  = 16 << 10 // and bytes, of more than one: larger ones would have to be copied to be one
	maxSpared  = 16       // and seats that do not get all of it: they are given theirs one by one
)

// takes reports whether a frame of so many bytes to c can be one more.
func (p *publication) takes(c *channel, size int, but *Seat) bool {
	return p.to == c && len(p.frames) < maxBundled && p.size+size <= maxBundle &&
		(but == nil || len(p.spared) < maxSpared || slices.Contains(p.spared, but))
}

// add adds a frame to c.
func (p *publication) add(c *channel, f wire.Frame, size int, but *Seat) {
	f.Channel = c.key
	p.to, p.size = c, p.size+size
	p.bytes, p.most = p.bytes+len(f.Payload), max(p.most, len(f.Payload))
	p.frames, p.but = append(p.frames, f), append(p.but, but)
	if but != nil && !slices.Contains(p.spared, but) {
		p.spared = append(p.spared, but)
	}
}

// leftFor are the frames that s, one of spared, gets. They are valid until the next call.
func (p *publication) leftFor(s *Seat) []wire.Frame {
	p.left = p.left[:0]
	for i, f := range p.frames {
		if p.but[i] != s {
			p.left = append(p.left, f)
		}
	}
	return p.left
}

// clear forgets all, but for the room that it took.
func (p *publication) clear() {
	clear(p.frames)
	clear(p.but)
	clear(p.spared)
	clear(p.left[:cap(p.left)])
	*p = publication{frames: p.frames[:0], but: p.but[:0], spared: p.spared[:0], left: p.left[:0]}
}

// broadcast sends f to all who are subscribed to c, but for one that is not nil, at the
// end of the turn.
func (in *instance) broadcast(c *channel, f wire.Frame, but *Seat) {
	p, size := &in.publication, f.Size()
	if !p.takes(c, size, but) {
		in.publish()
	}
	p.add(c, f, size, but)
}

// publish gives the subscribers what was sent to their channel. What is wrong with
// one of them (it reads too slowly, it is going) concerns nobody else. The baton is
// held.
func (in *instance) publish() {
	p := &in.publication
	if p.to == nil {
		return
	}
	members := p.to.members()
	if in.hung.Load() { // what it said then is older than what others have said since
		members = nil
	}
	if len(members) > 1 {
		for i := range p.frames {
			p.frames[i].Shared = new(wire.Shared)
		}
	}
	var bundle wire.Frame // of all frames
	for _, s := range members {
		switch {
		case len(p.spared) > 0 && slices.Contains(p.spared, s):
			in.giveEach(s, p.leftFor(s))
		case len(members) == 1 || len(p.frames) == 1:
			in.giveEach(s, p.frames)
		default:
			if bundle.Bundle == 0 {
				bundle = wire.Bundle(p.frames)
			}
			in.giveAll(s, bundle)
		}
	}
	p.clear()
}

// giveEach gives s frames one by one.
func (in *instance) giveEach(s *Seat, frames []wire.Frame) {
	for _, f := range frames {
		if _, err := s.peer.Send(f); err != ErrGone {
			in.sent.add(1, len(f.Payload), len(f.Payload))
		}
	}
	if len(frames) > 0 {
		in.touch(s.peer.Waker())
	}
}

// giveAll gives s all frames of the publication, as the bundle of them.
func (in *instance) giveAll(s *Seat, bundle wire.Frame) {
	p := &in.publication
	if err := s.peer.SendAll(p.frames, bundle); err == nil {
		in.sent.add(len(p.frames), p.bytes, p.most)
	}
	in.touch(s.peer.Waker())
}
