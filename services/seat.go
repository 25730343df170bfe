package services

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
	"lapps/services/vm"
)

// A Message is a peer's: Kind is its wire.Op, Text or Binary, and Data its
// payload.
type Message = vm.Event

// ErrBusy is returned by Seat.Deliver when the instance's mailbox, or the
// peer's share of it, is full. Peer.Resume will be called when there is room.
var ErrBusy = vm.ErrBusy

// A Seat is a peer's place at an instance.
//
//	        onConnect accepts            Leave
//	joining ------------------> seated ---------> left: onDisconnect was called
//	   |
//	   +-- refuses: there never was a seat
//
// Its methods are called by the peer's event loop.
type Seat struct {
	// Immutable.
	in      *instance
	peer    Peer
	handler lua.LValue // the peer's ID, boxed once
	since   int64      // when it joined, in ms since 1970

	gate    vm.Gate
	drained atomic.Pointer[chan struct{}] // closed by Drained; nil: nobody waits
	closed  atomic.Bool                   // the service has closed the connection: what still waits is dropped
	emptied atomic.Bool                   // an onDrain waits
	seated  atomic.Bool                   // the peer has been admitted
	removed atomic.Bool                   // see remove
	gone    atomic.Bool                   // the peer is, or has given up before it was admitted

	// Where these stand they take no room.
	answered    bool   // the handler of the message at hand has sent a response; owned by the baton's holder
	leaves      bool   // onDisconnect is called; likewise
	subprotocol uint16 // see noteSubprotocol; immutable

	waits   atomic.Pointer[waits]   // nil: no handler has waited
	subs    atomic.Pointer[subs]    // nil: it never had any
	joining atomic.Pointer[joining] // nil: there has been an answer, or need not be one

	// Set before the event that needs it is posted, used by its handler.
	then func()
}

// A joining is what a Seat needs until its peer is admitted.
type joining struct {
	request Request
	answer  func(*Seat, error)
}

// What may wait for an instance that does not keep up, besides messages; past
// it new peers are refused with 503.
const (
	maxJoining = 4096  // requests, for onConnect: each holds its head
	maxLeaving = 65536 // seats of peers that have gone, for onDisconnect
)

// The kinds of events of a seat. A message's is its wire.Op.
const (
	kindConnect = 0x80 + iota
	kindDrain
	kindLeave
)

// join gives p a seat, at once or after onConnect. What it returns is for when the
// peer goes before there is an answer; nil: there has been one.
func (in *instance) join(p Peer, r Request, answer func(*Seat, error)) (gone func()) {
	if in.joining.Load() >= maxJoining || in.leaving.Load() >= maxLeaving {
		answer(nil, unavailable("the service is busy"))
		return nil
	}
	if !in.service.takeSeat(r.Surplus) {
		answer(nil, ErrFull)
		return nil
	}
	if why := in.service.barred(); why != nil { // since the seat was taken: see Service.vacated
		in.service.unseat()
		answer(nil, why)
		return nil
	}
	s := &Seat{in: in, peer: p, handler: lua.LNumber(p.ID()), since: in.vm.Now().UnixMilli()}
	s.gate.Loose = in.service.Unordered
	s.noteSubprotocol(r.Subprotocol)
	in.count(1)
	in.service.reg.handlers.add(s)
	if !in.onConnect {
		s.admit(answer)
		return nil
	}
	in.joining.Add(1)
	j := &joining{request: r, answer: answer}
	s.joining.Store(j)
	if err := in.vm.Post(vm.Event{Target: s, Kind: kindConnect}); err != nil {
		s.refuse(j, unavailable("the service is stopping"))
	} else if in.retired.Load() { // meanwhile: see Service.retire
		s.restart()
	}
	return s.lose
}

// id is the peer's ID.
func (s *Seat) id() uint64 { return uint64(s.handler.(lua.LNumber)) }

// admit answers that the peer has its seat.
func (s *Seat) admit(answer func(*Seat, error)) {
	s.in.connected.Add(1)
	s.in.service.account.connections.Add(1)
	answer(s, nil)
	s.seated.Store(true)
	if s.in.retired.Load() { // meanwhile: see Service.retire
		s.restart()
	}
	if f := s.in.service.farewell.Load(); f != nil { // meanwhile: see Service.dismiss
		s.peer.Depart(f.code, f.reason)
	}
}

// take reports whether j is to be answered by who calls it: others may have, where
// the instance is replaced.
func (s *Seat) take(j *joining) bool {
	taken := s.joining.CompareAndSwap(j, nil)
	if taken {
		s.in.joining.Add(-1)
	}
	return taken
}

// refuse answers that the peer has no seat.
func (s *Seat) refuse(j *joining, why error) {
	if s.take(j) {
		s.remove()
		j.answer(nil, why)
	}
}

// Deliver has the instance handle messages, behind those delivered before: all
// that one wake-up brought. It takes the first n of them; fewer than all only
// with an error: ErrBusy, or that the service has stopped. The slice is the
// caller's again.
func (s *Seat) Deliver(messages []Message) (n int, err error) {
	for i := range messages {
		messages[i].Target = s
	}
	return s.in.vm.OfferAll(messages, s.peer.Waker())
}

// Leave gives the seat up: when all that was delivered has been handled,
// onDisconnect is called, and then `then`, if it is not nil, on a goroutine of
// the instance's. What its handlers wait for ends after Config.GoneTime.
func (s *Seat) Leave(then func()) {
	s.then = then
	s.lose()
	s.in.leaving.Add(1)
	if err := s.in.vm.Post(vm.Event{Target: s, Kind: kindLeave, Last: true}); err != nil {
		// The instance has been stopped, with its peers, past its deadline.
		s.remove()
		if then != nil {
			then()
		}
	}
}

// Drained is told when the peer has read what made it Full, or is going. Any
// goroutine.
func (s *Seat) Drained() {
	if ch := s.drained.Swap(nil); ch != nil {
		close(*ch)
	}
}

// Emptied is told, before Leave, when less than half of what the peer's outbox
// holds waits, after it was not less or something was dropped: onDrain is called
// behind what was delivered before. Where that waits to be called already it is
// called once.
func (s *Seat) Emptied() {
	if s.in.onDrain && !s.emptied.Swap(true) {
		s.in.vm.Post(vm.Event{Target: s, Kind: kindDrain}) // or it has stopped
	}
}

// Waiting is how many bytes of the peer's messages wait to be handled. Any
// goroutine.
func (s *Seat) Waiting() int { return s.in.vm.Waiting(&s.gate) }

// Drop has the messages that wait to be handled dropped, and those to come. Leave
// follows. Any goroutine.
func (s *Seat) Drop() { s.closed.Store(true) }

// awaitDrained has the peer's next message wait while the peer is Full: so a
// peer that sends and does not read holds up itself, and is not closed for the
// answers that wait for it. Others are handled meanwhile.
func (s *Seat) awaitDrained() {
	for s.peer.Full() {
		ch := make(chan struct{})
		s.drained.Store(&ch)
		if !s.peer.Full() {
			return
		}
		stopped := false
		s.in.vm.Wait(func(ctx context.Context) {
			select {
			case <-ch:
			case <-ctx.Done():
				stopped = true
			}
		})
		if stopped {
			return
		}
	}
}

// Gate implements vm.Target: a peer's messages are handled in order.
func (s *Seat) Gate() *vm.Gate { return &s.gate }

// Room implements vm.Target.
func (s *Seat) Room() { s.peer.Resume() }

// Handle implements vm.Target.
func (s *Seat) Handle(_ *vm.Instance, e vm.Event) {
	switch e.Kind {
	case kindConnect:
		s.connect()
		if !s.seated.Load() { // nor will it be
			s.in.data.forget(s.in.vm.State(), s)
		}
	case kindDrain:
		s.drain()
	case kindLeave:
		s.leave()
	default:
		if s.peer.Full() {
			if s.in.vm.MoveOff() {
				return
			}
			s.awaitDrained()
		}
		switch {
		case s.closed.Load():
		case s.in.service.Dialect == LAppS:
			s.lappsMessage(wire.Op(e.Kind), e.Data)
		default:
			s.rawMessage(wire.Op(e.Kind), e.Data)
		}
	}
}

// connect asks onConnect whether the peer is welcome.
func (s *Seat) connect() {
	j := s.joining.Load()
	switch {
	case j == nil:
		return
	case s.gone.Load():
		s.refuse(j, unavailable("the client has gone"))
		return
	}
	result, err := s.in.call("onConnect", s.handler, requestTable(s.in.vm.State(), j.request))
	var refusal *wire.Refusal
	if err != nil {
		s.in.report("onConnect", s, err)
		refusal = failed()
	} else if refusal, err = refusalOf(result); err != nil {
		s.in.log.Error("bad result", "function", "onConnect", "handler", s.id(), "err", err)
	}
	if refusal != nil {
		s.refuse(j, refusal)
	} else if s.take(j) {
		s.admit(j.answer)
	}
}

// drain tells the service that it may send again.
func (s *Seat) drain() {
	s.emptied.Store(false)
	if s.closed.Load() {
		return
	}
	if _, err := s.in.call("onDrain", s.handler); err != nil {
		s.in.report("onDrain", s, err)
	}
}

// leave ends the seat.
func (s *Seat) leave() {
	s.in.leaving.Add(-1)
	s.leaves = true
	if _, err := s.in.call("onDisconnect", s.handler); err != nil {
		s.in.report("onDisconnect", s, err)
	}
	s.in.publish() // what was sent before s left its channels
	s.remove()
	s.in.data.forget(s.in.vm.State(), s)
	if s.then != nil {
		s.then()
	}
}

// remove gives back what the seat has of others. It may be called more than once:
// where an instance does not return nobody waits for it.
func (s *Seat) remove() {
	if s.removed.Swap(true) {
		return
	}
	if w := s.waits.Load(); w != nil {
		w.release()
	}
	s.unsubscribeAll()
	s.in.service.reg.handlers.remove(s)
	s.in.service.unseat()
	s.in.count(-1)
}

// requestTable is the request as onConnect sees it. Names of headers are in
// lower case; values of one name are joined by ", ".
func requestTable(l *lua.LState, r Request) *lua.LTable {
	headers := l.CreateTable(0, len(r.Header)+1)
	for name, values := range r.Header {
		headers.RawSetString(strings.ToLower(name), lua.LString(strings.Join(values, ", ")))
	}
	headers.RawSetString("host", lua.LString(r.Host))
	t := l.CreateTable(0, 8)
	t.RawSetString("target", lua.LString(r.Target))
	t.RawSetString("path", lua.LString(r.Path))
	t.RawSetString("query", lua.LString(r.Query))
	t.RawSetString("remote_addr", lua.LString(r.RemoteAddr.String()))
	t.RawSetString("headers", headers)
	t.RawSetString("subprotocols", stringArray(l, r.Subprotocols))
	if r.Subprotocol != "" {
		t.RawSetString("subprotocol", lua.LString(r.Subprotocol))
	}
	if r.Certificate != nil {
		t.RawSetString("certificate", certificateTable(l, r.Certificate))
	}
	return t
}

// refusalOf is what a result of onConnect says: nil admits the peer. With an
// error the result is not one of onConnect's, and the peer is refused.
func refusalOf(result lua.LValue) (*wire.Refusal, error) {
	switch v := result.(type) {
	case lua.LBool:
		if bool(v) {
			return nil, nil
		}
		return &wire.Refusal{Status: http.StatusForbidden, Reason: "refused by the service"}, nil
	case *lua.LNilType:
		return nil, nil
	case *lua.LTable:
		return refusalOfTable(v)
	}
	return failed(), fmt.Errorf("onConnect must return a boolean, nothing, or a table with a status, not a %s", result.Type())
}

func refusalOfTable(t *lua.LTable) (*wire.Refusal, error) {
	status, ok := t.RawGetString("status").(lua.LNumber)
	if !ok || status < 400 || status > 599 || status != lua.LNumber(int(status)) {
		return failed(), fmt.Errorf("onConnect: status must be a whole number from 400 to 599, not %s", t.RawGetString("status"))
	}
	reason := "refused by the service"
	switch r := t.RawGetString("reason").(type) {
	case *lua.LNilType:
	case lua.LString:
		reason = string(r)
	default:
		return failed(), errors.New("onConnect: reason must be a string")
	}
	return &wire.Refusal{Status: int(status), Reason: reason}, nil
}

func failed() *wire.Refusal {
	return &wire.Refusal{Status: http.StatusInternalServerError, Reason: "the service failed"}
}
