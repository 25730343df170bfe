package services_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"lapps/services"
	"lapps/services/modules/task"
	"lapps/services/modules/timer"
	"lapps/services/vm"
)

// dataLua does what messages and headers say.
const dataLua = `
local task, timer = require "task", require "timer"
local test = {}
local function run(code, h, ...)
  local f = assert(loadstring(code))
  setfenv(f, setmetatable({h = h, task = task, timer = timer}, {__index = _G}))
  return f(...)
end
local function tell(h, ...)
  local r = {...}
  for i = 1, select("#", ...) do r[i] = tostring(r[i]) end
  ws:send(h, 1, table.concat(r, ", "))
end
function test.onConnect(h, r)
  if r.headers["x-do"] then return run(r.headers["x-do"], h) end
end
function test.onMessage(h, op, m) tell(h, run(m, h)) return true end
function test.onDisconnect(h)
  local name = ws:data(h) and ws:data(h).name
  print("left", tostring(name))
  timer.after(1, function() print("later", ws:data(h)) end)
end
return test`

func TestData(t *testing.T) {
	modules := []vm.Module{task.Module(), timer.Module()}
	serveWith(t, services.Config{Instances: 2}, modules, dataLua, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		mustJoin(t, r, 2) // of the other instance
		_, third := mustJoin(t, r, 3)
		for _, c := range []struct{ code, want string }{
			{`return type(ws:data(h)), next(ws:data(h))`, "table, nil"},
			{`ws:data(h).name = "Ann" return rawequal(ws:data(h), ws:data(h))`, "true"},
			{`return ws:data(h).name, ws:data(3).name, rawequal(ws:data(h), ws:data(3))`, "Ann, nil, false"},
			{`return task.spawn(function() return ws:data(h).name end):wait()`, "true, Ann"},
			{`timer.after(1, function() ws:data(h).name = "Bob" end) sleep(2) return ws:data(h).name`, "Bob"},
			{`return coroutine.wrap(function() return ws:data(h).name end)()`, "Bob"},
			{`return ws:data(2)`, "nil, the connection is another instance's"},
			{`return ws:data(99)`, "nil, no such connection"},
			{`return ws:data(1.5)`, "nil, no such connection"},
			{`return ws:data("1")`, "nil, usage: ws:data(handler): handler must be a number, not a string"},
			{`return ws:data()`, "nil, usage: ws:data(handler): wrong number of arguments"},
			{`ws:data(3).name = "Cid" return true`, "true"},
		} {
			deliver(t, s, c.code)
			time.Sleep(time.Minute)
			if got := p.said(t); !slices.Equal(got, []string{"text " + c.want}) {
				t.Errorf("%s: %q, want %q", c.code, got, c.want)
			}
		}
		third.Leave(nil)
		s.Leave(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, want := range []string{`left\tCid`, `left\tBob`, `later\tnil\tno such connection`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s is not in %s", want, log)
			}
		}
	})
}

// TestDataOfRefused: what onConnect has put there is there when the peer is admitted, and
// is gone where it is not.
func TestDataOfRefused(t *testing.T) {
	modules := []vm.Module{task.Module(), timer.Module()}
	serveWith(t, services.Config{}, modules, dataLua, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		for id, c := range []struct {
			do      string
			refused bool
			want    string
		}{
			{`ws:data(h).name = "Ann"`, false, "Ann"},
			{`ws:data(h).name = "Bob" timer.after(1, function() print("of the refused", ws:data(h)) end) return false`, true, ""},
			{`ws:data(h).name = "Cid" error("no")`, true, ""},
		} {
			p := &peer{id: uint64(id + 1)}
			s, err := join(t, r, p, map[string][]string{"X-Do": {c.do}})
			if c.refused != (err != nil) {
				t.Fatalf("%s: %v", c.do, err)
			}
			if c.refused {
				continue
			}
			deliver(t, s, `return ws:data(h).name`)
			if got := p.said(t); !slices.Equal(got, []string{"text " + c.want}) {
				t.Errorf("%s: %q, want %q", c.do, got, c.want)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := `of the refused\tnil\tno such connection`; !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in %s", want, log)
		}
	})
}

// TestDataIsMemory: the tables count as the instance's memory, and are given back with
// their connections.
func TestDataIsMemory(t *testing.T) {
	const lua = `return {onMessage = function(h, op, m)
		local all = ws:data(h)
		for i = 1, 100 do all[#all + 1] = ("x"):rep(10000) .. i end
		return ws:send(h, op, #all)
	end}`
	serve(t, services.Config{Memory: 8 << 20}, lua, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		for id := range uint64(20) { // each a megabyte
			p, s := mustJoin(t, r, id+1)
			deliver(t, s, "x")
			if got := p.said(t); !slices.Equal(got, []string{"text 100"}) {
				t.Fatalf("%d: %q; log: %s", id, got, log)
			}
			s.Leave(nil)
		}
		synctest.Wait()
		p, s := mustJoin(t, r, 100)
		for range 20 {
			deliver(t, s, "x")
			if got := p.said(t); slices.Contains(got, "close 1011 the service failed") {
				if !strings.Contains(log.String(), "not enough memory") {
					t.Errorf("log: %s", log)
				}
				return
			}
		}
		t.Error("one that keeps twenty megabytes goes on")
	})
}

// TestDataInStandalone: a program has no connections, and those of others are others'.
func TestDataInStandalone(t *testing.T) {
	world(t, []services.Config{
		service("test", evalLua, services.Config{AutoStart: true}),
		service("prog", `return {run = function() nap:sleep(1) print("data", ws:data(1)) print("data", ws:data(2)) end}`,
			services.Config{Standalone: true, AutoStart: true, Preload: []string{"nap"}}),
	}, func(t *testing.T, r *services.Registry, log *logbook) {
		seat(t, r, "test", &peer{id: 1})
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, want := range []string{`data\tnil\tthe connection is another instance's`, `data\tnil\tno such connection`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s is not in %s", want, log)
			}
		}
	})
}

// everywhereLua is a module that reaches connections 1 to 3 in every way.
const everywhereLua = `
return function(who)
  for h = 1, 3 do
    assert(ws:send(h, 1, who))
    assert(ws:send(h, {cid = 9, message = {who}}))
    assert(ws:buffered(h) == 4711)
    assert(ws:info(h).connected_at)
    assert(bcast:subscribe(who, h))
    assert(bcast:channels(h)[1] == who)
  end
  assert(bcast:count(who) == 3)
  assert(bcast:send(who, 1, "to all"))
  assert(bcast:send_except(who, 2, 1, "to all but 2"))
  for h = 1, 3 do assert(bcast:unsubscribe(who, h)) end
  assert(bcast:count(who) == 0)
end`

// TestEverywhere: ws and bcast work wherever Lua runs, for the connections of any
// instance and service.
func TestEverywhere(t *testing.T) {
	const raw = `
local everywhere, task, timer, raw = require "everywhere", require "task", require "timer", {}
function raw.onMessage(h, op, m)
  if m == "a callback" then everywhere(m)
  elseif m == "a task" then assert(task.spawn(everywhere, m):wait())
  elseif m == "a timer" then timer.after(1, everywhere, m)
  elseif m == "a coroutine" then coroutine.wrap(everywhere)(m)
  else assert(ws:close(tonumber(m), 4000, "by another")) end
  return true
end
function raw.onDisconnect(h) if h == 4 then everywhere("onDisconnect") end end
return raw`
	const said = `
local everywhere, said = require "everywhere", {methods = {}}
function said.methods.go(h, params) everywhere(params[1]) end
function said.onMessage() return true end
return said`
	const prog = `
local everywhere, task, timer, prog = require "everywhere", require "task", require "timer", {}
function prog.run()
  nap:sleep(1)
  everywhere("a program")
  assert(task.spawn(everywhere, "a program's task"):wait())
  timer.after(1, everywhere, "a program's timer")
  while not must_stop() do nap:sleep(1) end
end
return prog`
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		config := func(name, lua string, c services.Config) services.Config {
			c.Name, c.RequestTarget, c.AutoStart, c.Instances = name, "/"+name, true, max(c.Instances, 1)
			c.Files = fstest.MapFS{name + ".lua": {Data: []byte(lua)}, "everywhere.lua": {Data: []byte(everywhereLua)}}
			return c
		}
		r, err := services.New([]services.Config{
			config("raw", raw, services.Config{Instances: 2}),
			config("said", said, services.Config{Dialect: services.LAppS}),
			config("prog", prog, services.Config{Standalone: true, Preload: []string{"nap"}}),
		}, append([]vm.Module{task.Module(), timer.Module()}, modules...), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		peers := []*peer{{id: 1}, {id: 2}, {id: 3}, {id: 4}}
		first := seat(t, r, "raw", peers[0])
		seat(t, r, "raw", peers[1]) // of the other instance
		last := seat(t, r, "said", peers[2])
		fourth := seat(t, r, "raw", peers[3])
		check := func(origins ...string) {
			t.Helper()
			time.Sleep(10 * time.Second)
			for _, p := range peers[:3] {
				var want []string
				for _, who := range origins {
					want = append(want, "text "+who, fmt.Sprintf(`{"cid": 9, "message": [%q]}`, who), "text to all")
					if p.id != 2 {
						want = append(want, "text to all but 2")
					}
				}
				got := slices.DeleteFunc(p.said(t), func(e string) bool { return strings.HasPrefix(e, `{"cid": 0`) })
				if !slices.Equal(got, want) {
					t.Errorf("from %q peer %d received %q, want %q", origins, p.id, got, want)
				}
			}
		}
		check("a program", "a program's task", "a program's timer")
		for _, who := range []string{"a callback", "a task", "a timer", "a coroutine"} {
			deliver(t, first, who)
			check(who)
		}
		deliverBinary(t, last, encoded(t, request("go", "a method")))
		check("a method")
		fourth.Leave(nil)
		check("onDisconnect")
		for _, id := range []string{"2", "3", "1"} {
			deliver(t, first, id)
			synctest.Wait()
		}
		for _, p := range peers[:3] {
			if got, want := p.said(t), []string{"close 4000 by another"}; !slices.Equal(got, want) {
				t.Errorf("peer %d: %q, want %q", p.id, got, want)
			}
		}
		if strings.Contains(log.String(), "level=ERROR") {
			t.Error(log.String())
		}
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
