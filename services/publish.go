package services

import "lapps/protocol/wire"

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
	size   int // of frames, in bytes
}

const (
	maxBundled = 256      // frames of a publication, at most
	maxBundle  = 16 << 10 // and bytes, of more than one: larger ones would have to be copied to be one
)

// broadcast sends f to all who are subscribed to c, at the end of the turn.
func (in *instance) broadcast(c *channel, f wire.Frame) {
	p := &in.publication
	size := f.Size()
	if p.to != c || len(p.frames) == maxBundled || p.size+size > maxBundle {
		in.publish()
	}
	f.Channel = c.key
	p.to, p.size, p.frames = c, p.size+size, append(p.frames, f)
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
	if len(p.frames) == 1 || len(members) == 1 {
		for _, s := range members {
			for _, f := range p.frames {
				s.peer.Send(f)
			}
			in.touch(s.peer.Waker())
		}
	} else if len(members) > 1 {
		bundle := wire.Bundle(p.frames)
		for _, s := range members {
			s.peer.SendAll(p.frames, bundle)
			in.touch(s.peer.Waker())
		}
	}
	clear(p.frames)
	p.to, p.size, p.frames = nil, 0, p.frames[:0]
}
