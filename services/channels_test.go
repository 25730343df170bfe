package services

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// kept makes a channel that stays.
func kept(t *testing.T) *channel {
	t.Helper()
	all := new(channels)
	if err := all.create(topic{number: 1}); err != nil {
		t.Fatal(err)
	}
	return all.find(topic{number: 1})
}

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
	c := kept(t)
	plain := map[uint64]bool{}
	for range 10_000 {
		before := c.members()
		was := ids(before)
		for range r.IntN(4) {
			s := all[r.IntN(len(all))]
			if r.IntN(2) == 0 {
				if added, err := c.add(s, int(s.id())); added == plain[s.id()] || err != nil {
					t.Fatalf("add: %v, %v", added, err)
				}
				plain[s.id()] = true
			} else {
				if sub, known := c.remove(s); known != plain[s.id()] || known && sub != int(s.id()) {
					t.Fatalf("remove: %d, %v", sub, known)
				}
				delete(plain, s.id())
			}
		}
		if now := ids(before); !slices.Equal(now, was) {
			t.Fatalf("what a broadcast walks over changed: %v, %v", was, now)
		}
		got := ids(c.members())
		slices.Sort(got)
		if len(got) != len(plain) || len(slices.Compact(got)) != len(plain) || c.count() != len(plain) {
			t.Fatalf("%v, want %v", got, plain)
		}
		for _, id := range got {
			if !plain[id] {
				t.Fatalf("%d is no member", id)
			}
		}
	}
}

// TestSubscriptionsWalk holds what seats and channels know of each other against plain
// sets: subscriptions come and go, and so do channels.
func TestSubscriptionsWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var all channels
	topics := []topic{{number: 0}, {number: 5}, {number: 1 << 53}, {text: "5"}, {text: "a"}, {text: "b"}, {text: "c"}}
	seats := make([]*Seat, 8)
	for i := range seats {
		seats[i] = &Seat{handler: lua.LNumber(i)}
	}
	lasts := map[topic]bool{} // those that are kept
	plain := map[topic]map[*Seat]bool{}
	for _, tp := range topics {
		plain[tp] = map[*Seat]bool{}
	}
	for step := range 20_000 {
		tp, s := topics[r.IntN(len(topics))], seats[r.IntN(len(seats))]
		switch k := r.IntN(20); {
		case k < 10:
			err := all.subscribe(s, tp)
			if there := tp.text != "" || lasts[tp]; there != (err == nil) || !there && err != errNoChannel {
				t.Fatalf("step %d: subscribe to %v: %v", step, tp, err)
			}
			if err == nil {
				plain[tp][s] = true
			}
		case k < 18:
			if c := all.find(tp); c != nil {
				s.unsubscribe(c)
			}
			delete(plain[tp], s)
		case k < 19:
			if err := all.create(tp); err != nil {
				t.Fatal(err)
			}
			lasts[tp] = true
		default:
			all.remove(tp)
			delete(lasts, tp)
			clear(plain[tp])
		}
		compare(t, step, &all, plain, lasts, seats)
	}
}

// compare holds all channels and the subscriptions of seats against plain sets.
func compare(t *testing.T, step int, all *channels, plain map[topic]map[*Seat]bool, lasts map[topic]bool, seats []*Seat) {
	t.Helper()
	bytes := 0
	for tp, members := range plain {
		c := all.find(tp)
		if there := lasts[tp] || len(members) > 0; there != (c != nil) {
			t.Fatalf("step %d: channel %v: %v, want it to be there: %v", step, tp, c, there)
		}
		if c == nil {
			continue
		}
		bytes += len(tp.text)
		if c.topic != tp || c.count() != len(members) {
			t.Fatalf("step %d: channel %v has %d members, want %d", step, c.topic, c.count(), len(members))
		}
		for _, s := range c.members() {
			if !members[s] || s.subs.Load().all[c.index[s].sub] != c {
				t.Fatalf("step %d: seat %d of channel %v", step, s.id(), tp)
			}
		}
	}
	if all.bytes != bytes {
		t.Fatalf("step %d: %d bytes, want %d", step, all.bytes, bytes)
	}
	for _, s := range seats {
		got := s.topics()
		for _, tp := range got {
			if !plain[tp][s] {
				t.Fatalf("step %d: seat %d is not subscribed to %v", step, s.id(), tp)
			}
		}
		want := 0
		for _, members := range plain {
			if members[s] {
				want++
			}
		}
		if len(got) != want {
			t.Fatalf("step %d: seat %d is subscribed to %v, want %d", step, s.id(), got, want)
		}
	}
}

// TestSubscribeAgainstLeaving has seats subscribe from everywhere while they
// leave, and while channels are made and removed: nobody who has left stays in a
// channel, and nothing is left of channels that are only there for those.
func TestSubscribeAgainstLeaving(t *testing.T) {
	var all channels
	var wg sync.WaitGroup
	topics := []topic{{text: "made"}, {text: "a"}, {text: "b"}, {number: 1}, {number: 2}}
	made := func(tp topic) bool { return tp.text == "" || tp.text == "made" }
	for _, tp := range topics {
		if !made(tp) {
			continue
		}
		wg.Go(func() {
			for range 100 {
				if err := all.create(tp); err != nil {
					t.Error(err)
				}
				all.remove(tp)
			}
			if err := all.create(tp); err != nil {
				t.Error(err)
			}
		})
	}
	for range 200 {
		s := new(Seat)
		for range 3 {
			wg.Go(func() {
				for i, tp := range topics {
					if err := all.subscribe(s, tp); err != nil && err != ErrGone && err != errNoChannel {
						t.Error(err)
					}
					if c := all.find(tp); c != nil && i%3 == 0 {
						s.unsubscribe(c)
					}
				}
			})
		}
		wg.Go(func() {
			for _, tp := range topics {
				if c := all.find(tp); c != nil {
					c.members()
				}
			}
			s.unsubscribeAll()
		})
	}
	wg.Wait()
	for _, tp := range topics {
		switch c := all.find(tp); {
		case c == nil && made(tp):
			t.Errorf("channel %v is not there", tp)
		case c != nil && !made(tp):
			t.Errorf("channel %v is still there", tp)
		case c != nil && len(c.members()) != 0:
			t.Errorf("channel %v has %d members", tp, len(c.members()))
		}
	}
	if want := len("made"); all.bytes != want {
		t.Errorf("%d bytes, want %d", all.bytes, want)
	}
}

// TestSubscriptionsAreForgotten has a seat subscribe and unsubscribe for ever.
func TestSubscriptionsAreForgotten(t *testing.T) {
	c := kept(t)
	s := new(Seat)
	for range 1000 {
		if err := s.subscribe(c); err != nil {
			t.Fatal(err)
		}
		s.unsubscribe(c)
	}
	if n := len(s.subs.Load().all); n != 0 {
		t.Errorf("the seat remembers %d subscriptions", n)
	}
	var all channels
	for i := range 1000 {
		if err := all.subscribe(s, topic{text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 999 {
		s.unsubscribe(all.find(topic{text: fmt.Sprint(i)}))
	}
	if n := cap(s.subs.Load().all); n > fewSubs {
		t.Errorf("the seat keeps room for %d subscriptions", n)
	}
	s.unsubscribeAll()
	if all.texts != nil || all.numbers != nil || all.bytes != 0 {
		t.Errorf("left: %v, %v, %d bytes", all.texts, all.numbers, all.bytes)
	}
}

func TestTooManyChannels(t *testing.T) {
	var all channels
	for id := range uint64(maxChannels - 1) {
		if err := all.create(topic{number: id}); err != nil {
			t.Fatal(err)
		}
	}
	s := new(Seat)
	if err := all.subscribe(s, topic{text: "the last"}); err != nil {
		t.Fatal(err)
	}
	if err := all.create(topic{number: maxChannels}); err != errTooManyChannels {
		t.Errorf("one more: %v", err)
	}
	if err := all.subscribe(s, topic{text: "more"}); err != errTooManyChannels {
		t.Errorf("one more text: %v", err)
	}
	if err := all.create(topic{number: 0}); err != nil {
		t.Errorf("one that exists: %v", err)
	}
	all.remove(topic{number: 7})
	if err := all.subscribe(s, topic{text: "more"}); err != nil {
		t.Errorf("in the place of one: %v", err)
	}
}

func TestTooLongTopics(t *testing.T) {
	all := channels{bytes: maxTexts - 3}
	s := new(Seat)
	if err := all.subscribe(s, topic{text: "four"}); err != errTooLongTopics {
		t.Errorf("one too long: %v", err)
	}
	if err := all.subscribe(s, topic{text: "far"}); err != nil {
		t.Errorf("one that fits: %v", err)
	}
	if err := all.create(topic{number: 1}); err != nil {
		t.Errorf("a number: %v", err)
	}
	s.unsubscribeAll()
	if all.bytes != maxTexts-3 {
		t.Errorf("%d bytes are left", all.bytes)
	}
}

// TestKeys: no two channels have the same key, and one that was had comes again at last.
func TestKeys(t *testing.T) {
	var all channels
	keys := map[uint32]string{}
	open := func(text string) uint32 {
		t.Helper()
		c, err := all.open(topic{text: text})
		if err != nil {
			t.Fatal(err)
		}
		if other := keys[c.key]; other != "" || c.key == 0 {
			t.Fatalf("%s has the key %d, as %q has", text, c.key, other)
		}
		keys[c.key] = text
		return c.key
	}
	end := func(text string) {
		c := all.find(topic{text: text})
		delete(keys, c.key)
		c.endUnused()
	}
	for _, text := range []string{"a", "b", "c"} {
		open(text)
	}
	end("b")
	if k := open("d"); k != 4 {
		t.Errorf("key %d, want the next: 4", k)
	}
	all.key = math.MaxUint32 - 2
	for i := range 5 {
		open(fmt.Sprint(i))
	}
	want := []uint32{1, 2, 3, 4, 5, 6, math.MaxUint32 - 1, math.MaxUint32}
	if got := slices.Sorted(maps.Keys(keys)); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
}
