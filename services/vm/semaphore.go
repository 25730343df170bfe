package vm

import (
	"container/list"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// A Semaphore has a number of places, which handlers of one instance take, and
// wait for, first come, first served. It is owned by the baton's holder.
type Semaphore struct {
	Places  int       // free ones
	waiting list.List // of *claim
}

// A claim waits for a place.
type claim struct {
	granted chan struct{} // closed with the baton held
	given   bool          // likewise
}

// Acquire takes a place, or waits for one; timeout < 0 means no limit. The error
// is ErrTimeout, ErrCancelled, or, as AwaitOthers has it, ErrHalted.
func (s *Semaphore) Acquire(L *lua.LState, timeout time.Duration) error {
	if s.Places > 0 { // then nobody waits
		s.Places--
		return nil
	}
	c := &claim{granted: make(chan struct{})}
	e := s.waiting.PushBack(c)
	err := AwaitOthers(L, c.granted, timeout)
	if c.given {
		return nil // be it in the last moment
	}
	s.waiting.Remove(e)
	return err
}

// Release gives a place back, to who has waited longest.
func (s *Semaphore) Release() {
	if first := s.waiting.Front(); first != nil {
		c := s.waiting.Remove(first).(*claim)
		c.given = true
		close(c.granted)
		return
	}
	s.Places++
}

// With calls the function at index n, with what is behind it as arguments, and
// leaves its results alone on the stack. release is called when it has ended,
// however it has.
func With(L *lua.LState, n int, release func()) int {
	L.CheckFunction(n)
	defer release()
	for range n - 1 {
		L.Remove(1)
	}
	L.Call(L.GetTop()-1, lua.MultRet)
	return L.GetTop()
}
