package services_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lapps/services"
	"lapps/services/vm"
)

// TestPublication: what a turn sends to a channel is given to the subscribers at once,
// and nothing else that they may tell the order of comes before it.
func TestPublication(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		said       string // of the peer, and of the other
		other      string
		bundles    []int // that both are given
	}{
		{"one", `bcast:send(1, 1, "a")`, "a", "a", nil},
		{"many", `for i = 1, 5 do bcast:send(1, 1, i) end`, "1 2 3 4 5", "1 2 3 4 5", []int{5}},
		{"a message to one", `bcast:send(1, 1, "a") bcast:send(1, 1, "b") ws:send(h, 1, "me") bcast:send(1, 1, "c") bcast:send(1, 1, "d")`,
			"a b me c d", "a b c d", []int{2, 2}},
		{"another channel", `bcast:send(1, 1, "a") bcast:send(1, 1, "b") bcast:send(2, 1, "c") bcast:send(2, 1, "d") bcast:send(1, 1, "e")`,
			"a b c d e", "a b c d e", []int{2, 2}},
		{"all but one", `bcast:send_except(1, h, 1, "a")`, "", "a", nil},
		{"all but another", `bcast:send_except(1, 2, 1, "a")`, "a", "", nil},
		{"all but one who is not there", `bcast:send_except(1, 99, 1, "a") bcast:send_except(1, 99, 1, "b")`, "a b", "a b", []int{2}},
		{"now all, now all but one", `bcast:send(1, 1, "a") bcast:send_except(1, h, 1, "b") bcast:send_except(1, 2, 1, "c") bcast:send(1, 1, "d")`,
			"a c d", "a b d", nil},
		{"a text for a channel", `bcast:subscribe("t", h) bcast:subscribe("t", 2) for i = 1, 5 do bcast:send("t", 1, i) end`, "1 2 3 4 5", "1 2 3 4 5", []int{5}},
		{"removing", `bcast:send(1, 1, "a") bcast:send(1, 1, "b") bcast:remove(1) bcast:create(1) bcast:send(1, 1, "c")`, "a b", "a b", []int{2}},
		{"counting", `bcast:send(1, 1, "a") bcast:count(1) bcast:channels(h) ws:info(h) ws:data(h) bcast:send(1, 1, "b")`, "a b", "a b", []int{2}},
		{"leaving", `bcast:send(1, 1, "a") bcast:send(1, 1, "b") bcast:unsubscribe(1, h) bcast:send(1, 1, "c")`, "a b", "a b c", []int{2}},
		{"coming back", `bcast:unsubscribe(1, h) bcast:send(1, 1, "a") bcast:send(1, 1, "b") bcast:subscribe(1, h) bcast:send(1, 1, "c")`, "c", "a b c", nil},
		{"closing", `bcast:send(1, 1, "a") bcast:send(1, 1, "b") ws:close(h, 1000)`, "a b close 1000", "a b", []int{2}},
		{"looking", `bcast:send(1, 1, "a") bcast:send(1, 1, "b") ws:buffered(h) bcast:send(1, 1, "c")`, "a b c", "a b c", []int{2}},
		{"waiting", `bcast:send(1, 1, "a") bcast:send(1, 1, "b") sleep(1) bcast:send(1, 1, "c")`, "a b c", "a b c", []int{2}},
		{"an error", `bcast:send(1, 1, "a") bcast:send(1, 1, "b") error("no")`, "a b close 1011 the service failed", "a b", []int{2}},
		{"too many to be one", `for i = 1, 257 do bcast:send(1, 1, i % 2) end`, strings.Repeat("1 0 ", 128) + "1", strings.Repeat("1 0 ", 128) + "1", []int{256}},
		{"too large to be one", `for i = 1, 3 do bcast:send(1, 1, ("x"):rep(8000)) end`,
			strings.TrimSpace(strings.Repeat(strings.Repeat("x", 8000)+" ", 3)), strings.TrimSpace(strings.Repeat(strings.Repeat("x", 8000)+" ", 3)), []int{2}},
		{"one that is too large", `bcast:send(1, 1, "a") bcast:send(1, 1, "b") bcast:send(1, 1, ("x"):rep(20000)) bcast:send(1, 1, "c")`,
			"a b " + strings.Repeat("x", 20000) + " c", "a b " + strings.Repeat("x", 20000) + " c", []int{2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lua := `
local test = {}
function test.onStart() bcast:create(1) bcast:create(2) end
function test.onConnect(h) return bcast:subscribe(1, h) and bcast:subscribe(2, h) end
function test.onMessage(h) ` + tt.code + ` return true end
return test`
			serve(t, services.Config{}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
				p, s := mustJoin(t, r, 1)
				other, _ := mustJoin(t, r, 2)
				deliver(t, s, "x")
				time.Sleep(time.Minute)
				for who, want := range map[*peer]string{p: tt.said, other: tt.other} {
					var said []string
					for _, e := range who.happened() {
						if e != "wake" {
							said = append(said, strings.TrimSpace(strings.TrimPrefix(e, "text ")))
						}
					}
					if got := strings.Join(said, " "); got != want {
						t.Errorf("%d: %.100q, want %.100q", who.id, got, want)
					}
					who.mu.Lock()
					if !slices.Equal(who.bundle, tt.bundles) {
						t.Errorf("%d: bundles %v, want %v", who.id, who.bundle, tt.bundles)
					}
					who.mu.Unlock()
				}
			})
		})
	}
}

// TestPublicationButOne has each of twenty peers left out once in a turn: all receive the
// others' messages in order, and most of them at once.
func TestPublicationButOne(t *testing.T) {
	const lua = `
local test = {}
function test.onConnect(h) return bcast:subscribe("room", h) end
function test.onMessage(h) for k = 1, 20 do bcast:send_except("room", k, 1, k) end return true end
return test`
	serve(t, services.Config{Instances: 3}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		var all []*peer
		var first *services.Seat
		for id := range uint64(22) {
			p, s := mustJoin(t, r, id+1)
			if all = append(all, p); first == nil {
				first = s
			}
		}
		deliver(t, first, "x")
		for _, p := range all {
			var want []string
			for k := range uint64(20) {
				if k+1 != p.id {
					want = append(want, fmt.Sprintf("text %d", k+1))
				}
			}
			if got := slices.DeleteFunc(p.happened(), func(e string) bool { return e == "wake" }); !slices.Equal(got, want) {
				t.Errorf("%d: %q, want %q", p.id, got, want)
			}
			bundles := []int{16, 4} // one publication takes sixteen that are left out
			switch {
			case p.id <= 16:
				bundles = []int{4}
			case p.id <= 20:
				bundles = []int{16}
			}
			p.mu.Lock()
			if !slices.Equal(p.bundle, bundles) {
				t.Errorf("%d: bundles %v, want %v", p.id, p.bundle, bundles)
			}
			p.mu.Unlock()
		}
	})
}

// TestPublicationOfHung: what an instance that hangs has not given out is not given out
// when others have spoken since.
func TestPublicationOfHung(t *testing.T) {
	const lua = `
local stuck = require "stuck"
local test = {}
function test.onStart() bcast:create(1) end
function test.onConnect(h) return bcast:subscribe(1, h) end
function test.onMessage(h, op, m)
  bcast:send(1, 1, m)
  if m == "old" then stuck.hang() end
  return true
end
return test`
	var stuck stuck
	c := services.Config{Instances: 2, CallTime: time.Second}
	serveWith(t, c, []vm.Module{stuck.module()}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		_, s := mustJoin(t, r, 1)
		other, o := mustJoin(t, r, 2)
		deliver(t, s, "old")
		time.Sleep(time.Minute)
		deliver(t, o, "new")
		s.Leave(nil)
		stuck.release()
		time.Sleep(time.Minute)
		if got := slices.DeleteFunc(other.happened(), func(e string) bool { return e == "wake" }); !slices.Equal(got, []string{"text new"}) {
			t.Errorf("received %q, want the new one only", got)
		}
	})
}
