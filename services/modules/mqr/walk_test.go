package mqr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

// walkLua is what all instances of a walk share: random patience, and tasks that are
// cancelled at random and begun anew until the instance has to stop.
const walkLua = `
local q, stop = mqr.create("q"), false
math.randomseed(seed)
local function patience() return ({nil, 0, 0.003, 0.5})[math.random(4)] end
local function halted(why) stop = stop or why == "the service has to stop" return stop end
local function rest() stop = not sleep(math.random() / 100) or stop end
local function again(fn, ...)
  while not stop do
    local t = task.spawn(fn, ...)
    if cancels then stop = not sleep(math.random() / 50) or stop t:cancel() end
    local ok, why = t:wait()
    if not ok and why ~= "cancelled while waiting" then error(why, 0) end
  end
end
local tasks = {}
`

const producerLua = walkLua + `
local next = {}
local function produce(k)
  while not stop do
    next[k] = (next[k] or 0) + 1
    local id = seed .. "/" .. k .. " " .. next[k]
    local m = id .. " " .. ("x"):rep(math.random(0, 30))
    if math.random(3) == 1 then m = nljson.freeze(nljson.object {id = id}) elseif math.random(2) == 1 then m = {id = id} end
    local ok, why = q:post(m, patience())
    if ok then posted(id) elseif halted(why) then return end
    if math.random(5) == 1 then rest() end
  end
end
for k = 1, 3 do tasks[k] = task.spawn(again, produce, k) end
for k = 1, 3 do is({tasks[k]:wait()}, {true}) end
`

const consumerLua = walkLua + `
local function consume(k)
  while not stop do
    local m, why
    if math.random(3) == 1 then m = q:try_recv() else m, why = q:recv(patience()) end
    if m then
      received(k, type(m) == "string" and m:match("^%S+ %d+") or m.id)
    elseif halted(why) then return end
    if math.random(5) == 1 then rest() end
  end
end
for k = 1, parallel do tasks[k] = task.spawn(again, consume, k) end
for k = 1, parallel do is({tasks[k]:wait()}, {true}) end
`

// A walk is what some producers and consumers do to one queue for a while.
type walk struct {
	limits               Limits
	producers, consumers int
	parallel             int  // tasks of a consumer
	cancels              bool // tasks are
}

// TestWalk: whatever is posted is received, once, or still there at the end; what one
// task has posted one task receives in that order, unless what it is given may come back
// because another one was cancelled.
func TestWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		w := walk{
			limits:    Limits{Messages: []int{1, 2, 7, 100}[r.IntN(4)], Bytes: []int64{200, 500, 10_000}[r.IntN(3)]},
			producers: 1 + r.IntN(3), consumers: 1 + r.IntN(3), parallel: 1 + r.IntN(3), cancels: r.IntN(2) == 0,
		}
		t.Run(fmt.Sprintf("%+v", w), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { w.run(t) })
		})
	}
}

func (w walk) run(t *testing.T) {
	qs := New(w.limits)
	var all []*vm.Instance
	var posted, received []map[string]int // by instance
	ended := make(chan string)
	begin := func(source string, p, rec map[string]int) {
		seed := len(all) + 1
		last := make(map[string]int) // by consumer's and producer's task
		in := start(t, qs, "main.lua", fmt.Sprintf("seed, parallel, cancels = %d, %d, %v ", seed, w.parallel, w.cancels)+source, func(c *vm.Config) {
			globals := c.Globals
			c.Globals = func(in *vm.Instance, L *lua.LState) {
				globals(in, L)
				L.SetGlobal("posted", L.NewFunction(func(L *lua.LState) int { p[L.CheckString(1)]++; return 0 }))
				L.SetGlobal("received", L.NewFunction(func(L *lua.LState) int {
					id := L.CheckString(2)
					rec[id]++
					task, number, _ := strings.Cut(id, " ")
					n := 0
					fmt.Sscan(number, &n)
					flow := L.CheckString(1) + " from " + task
					if n <= last[flow] && (!w.cancels || w.consumers*w.parallel == 1) {
						t.Errorf("%s: %d behind %d", flow, n, last[flow])
					}
					last[flow] = n
					return 0
				}))
			}
		})
		all = append(all, in)
		posted, received = append(posted, p), append(received, rec)
		go func() { ended <- runMain(t, in) }()
	}
	for range w.producers {
		begin(producerLua, map[string]int{}, nil)
	}
	for range w.consumers {
		begin(consumerLua, nil, map[string]int{})
	}
	for _, in := range all { // one after the other
		time.Sleep(200 * time.Millisecond)
		in.Halt()
	}
	for range all {
		if got := <-ended; got != "nil" {
			t.Error(got)
		}
	}
	w.compare(t, qs, posted, received)
	for _, in := range all {
		stop(t, in)
	}
}

// compare has what was posted be what was received and what is left.
func (w walk) compare(t *testing.T, qs *Queues, posted, received []map[string]int) {
	q := mustQueue(t, qs, "q", settings{})
	balance, n := map[string]int{}, 0
	for i := range posted {
		for id, k := range posted[i] {
			balance[id] += k
			n++
		}
		for id, k := range received[i] {
			balance[id] -= k
		}
	}
	if q.posters.Len() != 0 || q.receivers.Len() != 0 {
		t.Errorf("%d post and %d receive", q.posters.Len(), q.receivers.Len())
	}
	if left, bytes := q.size(); left > w.limits.Messages+w.consumers*w.parallel || bytes < 0 {
		t.Errorf("%d messages of %d bytes are left", left, bytes)
	}
	id := start(t, qs, "main.lua", `local m = mqr.create("q"):try_recv() if not m then return "" end return type(m) == "string" and m:match("^%S+ %d+") or m.id`, nil)
	for got := runMain(t, id); got != ""; got = runMain(t, id) {
		balance[got]--
	}
	stop(t, id)
	for id, k := range balance {
		if k != 0 {
			t.Errorf("%s: %d", id, k)
		}
	}
	if left, bytes := q.size(); left != 0 || bytes != 0 || qs.held.Load() != 0 {
		t.Errorf("at the end %d messages of %d bytes, %d held", left, bytes, qs.held.Load())
	}
	if n < 50 {
		t.Errorf("only %d messages were posted", n)
	}
}
