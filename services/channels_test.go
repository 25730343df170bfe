package services

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestChannelIsASet holds a channel against a plain set, and has what was
// looked at before stay what it was.
func TestChannelIsASet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]*Seat, 50)
	for i := range all {
		all[i] = &Seat{handler: lua.LNumber(i)}
	}
	ids := func(seats []*Seat) (ids []uint64) {
		for _, s := range seats {
			ids = append(ids, s.id())
		}
		return ids
	}
	var c channel
	plain := map[uint64]bool{}
	for range 10_000 {
		before := c.members()
		was := ids(before)
		for range r.IntN(4) {
			s := all[r.IntN(len(all))]
			if r.IntN(2) == 0 {
				if added := c.add(s); added == plain[s.id()] {
					t.Fatalf("add: %v", added)
				}
				plain[s.id()] = true
			} else {
				c.remove(s)
				delete(plain, s.id())
			}
		}
		if now := ids(before); !slices.Equal(now, was) {
			t.Fatalf("what a broadcast walks over changed: %v, %v", was, now)
		}
		got := ids(c.members())
		slices.Sort(got)
		if len(got) != len(plain) || len(slices.Compact(got)) != len(plain) {
			t.Fatalf("%v, want %v", got, plain)
		}
		for _, id := range got {
			if !plain[id] {
				t.Fatalf("%d is no member", id)
			}
		}
	}
}

// TestSubscribeAgainstLeaving has seats subscribe from everywhere while they
// leave: nobody who has left stays in a channel.
func TestSubscribeAgainstLeaving(t *testing.T) {
	var all channels
	for id := range uint64(10) {
		if err := all.create(id); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for range 200 {
		s := new(Seat)
		for range 3 {
			wg.Go(func() {
				for id := range uint64(10) {
					if err := s.subscribe(all.find(id)); err != nil && err != ErrGone {
						t.Error(err)
					}
					if id%3 == 0 {
						s.unsubscribe(all.find(id))
					}
				}
			})
		}
		wg.Go(func() {
			for id := range uint64(10) {
				all.find(id).members()
			}
			s.unsubscribeAll()
		})
	}
	wg.Wait()
	for id := range uint64(10) {
		if n := len(all.find(id).members()); n != 0 {
			t.Errorf("channel %d has %d members", id, n)
		}
	}
}

// TestSubscriptionsAreForgotten has a seat subscribe and unsubscribe for ever.
func TestSubscriptionsAreForgotten(t *testing.T) {
	var c channel
	s := new(Seat)
	for range 1000 {
		if err := s.subscribe(&c); err != nil {
			t.Fatal(err)
		}
		s.unsubscribe(&c)
	}
	if n := len(s.subs.Load().all); n != 0 {
		t.Errorf("the seat remembers %d subscriptions", n)
	}
}

func TestTooManyChannels(t *testing.T) {
	var all channels
	for id := range uint64(maxChannels) {
		if err := all.create(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := all.create(maxChannels); err != errTooManyChannels {
		t.Errorf("one more: %v", err)
	}
	if err := all.create(0); err != nil {
		t.Errorf("one that exists: %v", err)
	}
}
