package services_test

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services"
	"lapps/services/modules/task"
	"lapps/services/modules/timer"
	"lapps/services/vm"
)

// walkLua does what expect.rand says, and tells expect of each thing that it has done: all
// that a subscriber could tell the order of.
const walkLua = `
local expect, task, timer = require "expect", require "task", require "timer"
local test, seated, n = {}, {}, 0
local channels = {1, 2, "room"} -- the text is made by who subscribes
local function text()
  n = n + 1
  local k = expect.rand(40)
  return n .. ("x"):rep(k == 0 and 20000 or k < 3 and 7000 or 0)
end
local function anyone(otherwise)
  local all = {}
  for h in pairs(seated) do all[#all + 1] = h end
  table.sort(all)
  return all[1 + expect.rand(#all + 1)] or otherwise
end
local function walk(steps, self, depth)
  for _ = 1, steps do
    local what, c, h = expect.rand(100), 1 + expect.rand(3), anyone(self)
    local channel = channels[c]
    if what < 40 then
      local t = text()
      expect.broadcast(c, t, 0)
      bcast:send(channel, 1, t)
    elseif what < 60 then
      local t = text()
      expect.broadcast(c, t, h)
      bcast:send_except(channel, h, 1, t)
    elseif what < 70 then
      local t = text()
      if ws:send(h, 1, t) then expect.message(h, "text " .. t) end
    elseif what < 78 then
      if bcast:subscribe(channel, h) then expect.member(c, h, true) end
    elseif what < 84 then
      if bcast:unsubscribe(channel, h) then expect.member(c, h, false) end
    elseif what < 88 then sleep(expect.rand(5) / 1000)
    elseif what < 90 and depth < 2 then task.spawn(function() walk(expect.rand(10), self, depth + 1) end)
    elseif what < 92 and depth < 2 then timer.after(expect.rand(5) / 1000, function() walk(expect.rand(10), self, depth + 1) end)
    elseif what < 94 then must_stop()
    elseif what < 96 then ws:buffered(h)
    elseif what < 97 and h ~= self then
      if ws:close(h, 4000, "") then expect.message(h, "close 4000 ") end
    elseif what < 98 then
      if bcast:remove(channel) then expect.nobody(c) end
      if c < 3 then bcast:create(channel) end
    elseif what < 99 then
      expect.members(c, bcast:count(channel))
    end
  end
end
function test.onStart() bcast:create(1) bcast:create(2) end
function test.onConnect(h)
  if expect.rand(2) == 0 then bcast:subscribe(1, h) expect.member(1, h, true) end
  seated[h] = true
  walk(expect.rand(5), h, 0)
  return true
end
function test.onMessage(h) walk(expect.rand(30), h, 0) return true end
function test.onDisconnect(h)
  walk(expect.rand(10), h, 0)
  seated[h] = nil
  for c = 1, 3 do expect.member(c, h, false) end
end
function test.onShutdown() walk(20, 1, 0) end
return test`

// An expectation is what each peer is to receive, if what is sent to a channel is given
// to its members at once.
type expectation struct {
	rand    *rand.Rand
	members [4]map[int]bool
	of      map[int][]string
	wrong   []string
}

func (x *expectation) module() vm.Module {
	return vm.Module{Name: "expect", Open: func(_ *vm.Instance, l *lua.LState) lua.LValue {
		return l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{
			"rand": func(l *lua.LState) int { l.Push(lua.LNumber(x.rand.IntN(l.CheckInt(1)))); return 1 },
			"broadcast": func(l *lua.LState) int {
				for id := range x.members[l.CheckInt(1)] {
					if id != l.CheckInt(3) {
						x.of[id] = append(x.of[id], "text "+l.CheckString(2))
					}
				}
				return 0
			},
			"message": func(l *lua.LState) int {
				id := l.CheckInt(1)
				x.of[id] = append(x.of[id], l.CheckString(2))
				return 0
			},
			"nobody": func(l *lua.LState) int { clear(x.members[l.CheckInt(1)]); return 0 },
			"members": func(l *lua.LState) int {
				if want := len(x.members[l.CheckInt(1)]); l.CheckInt(2) != want {
					x.wrong = append(x.wrong, fmt.Sprintf("channel %d has %d members, want %d", l.CheckInt(1), l.CheckInt(2), want))
				}
				return 0
			},
			"member": func(l *lua.LState) int {
				if all := x.members[l.CheckInt(1)]; l.CheckBool(3) {
					all[l.CheckInt(2)] = true
				} else {
					delete(all, l.CheckInt(2))
				}
				return 0
			},
		})
	}}
}

// TestPublicationWalk: that a turn's messages to a channel are given at its end can be
// told from nothing that a peer receives.
func TestPublicationWalk(t *testing.T) {
	walks := uint64(100)
	if testing.Short() {
		walks = 10
	}
	for seed := range walks {
		synctest.Test(t, func(t *testing.T) { walkPublication(t, seed) })
	}
}

func walkPublication(t *testing.T, seed uint64) {
	x := &expectation{rand: rand.New(rand.NewPCG(seed, 1)), of: map[int][]string{}}
	for i := range x.members {
		x.members[i] = map[int]bool{}
	}
	r, err := services.New([]services.Config{{
		Name: "test", RequestTarget: "/test", AutoStart: true, Instances: 1, Unordered: seed%2 == 0,
		Files: fstest.MapFS{"test.lua": {Data: []byte(walkLua)}},
	}}, []vm.Module{x.module(), task.Module(), timer.Module()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	peers, seats := map[uint64]*peer{}, map[uint64]*services.Seat{}
	random := rand.New(rand.NewPCG(seed, 2))
	anyone := func() *services.Seat {
		ids := slices.Sorted(maps.Keys(seats))
		return seats[ids[random.IntN(len(ids))]]
	}
	for range 60 {
		switch k := random.IntN(10); {
		case k < 2 || len(seats) == 0:
			id := uint64(len(peers) + 1)
			peers[id], seats[id] = mustJoin(t, r, id)
		case k == 2 && len(seats) > 2:
			s := anyone()
			s.Leave(nil)
			maps.DeleteFunc(seats, func(_ uint64, known *services.Seat) bool { return known == s })
		case k == 3:
			time.Sleep(time.Duration(random.IntN(5)) * time.Millisecond)
		default:
			anyone().Deliver(slices.Repeat([]services.Message{{Kind: 1, Data: "x"}}, 1+random.IntN(5)))
		}
	}
	time.Sleep(time.Second)
	for _, s := range seats {
		s.Leave(nil)
	}
	time.Sleep(time.Second)
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	for _, w := range x.wrong {
		t.Errorf("seed %d: %s", seed, w)
	}
	for id, p := range peers {
		got := slices.DeleteFunc(p.happened(), func(e string) bool { return e == "wake" })
		if want := x.of[int(id)]; !slices.Equal(got, want) {
			t.Errorf("seed %d, peer %d: %s", seed, id, differ(got, want))
		}
	}
}

// differ says where two lists do.
func differ(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("%d of %d is %.40q, want %.40q", i, len(got), got[i], want[i])
		}
	}
	return fmt.Sprintf("%d, want %d", len(got), len(want))
}
