package vm

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// A cancellable is a Waiter that calls the global run.
type cancellable struct {
	target
	ctx context.Context
}

func (w *cancellable) Context() context.Context { return w.ctx }

// TestManyEnd has 5,000 handlers that wait, each in one of several shapes, end by
// an error of their own, because their waits are cancelled, or by Stop: all of them do,
// and nothing is left of them.
func TestManyEnd(t *testing.T) {
	const handlers = 5000
	shapes := []string{
		`sleep(60)`, `return sleep(60)`, `pcall(sleep, 60)`, `xpcall(function() sleep(60) end, print)`,
		`local _ = setmetatable({}, {__index = function() sleep(60) return 1 end}).x`,
		`for _ in function(_, i) sleep(60) end do end`,
		`local t = {2, 1}; local slept; table.sort(t, function(a, b) if not slept then slept = true; sleep(60) end return a < b end)`,
		`string.gsub("a", "a", function() sleep(60) end)`,
		`coroutine.wrap(function() sleep(60) end)()`,
		`pcall(function() coroutine.wrap(function() pcall(sleep, 60) end)() end)`,
		`pcall(error); sleep(60); pcall(error)`,
	}
	source := "f = {}\n"
	for _, s := range shapes {
		source += "f[#f + 1] = function() local function g() " + s + " end g() end\n"
	}
	source += `function run(i, fails) f[i % #f + 1]() if fails then error("e" .. i, 0) end return i end`
	for _, how := range []string{"error", "cancel", "stop"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := started(t, source, Config{})
				ctx, cancel := context.WithCancel(in.Context())
				defer cancel()
				ended, wrong := 0, 0
				for i := range handlers {
					w := &cancellable{ctx: ctx}
					w.gate = new(Gate)
					w.handle = func(in *Instance, _ Event) {
						v, err := in.Call(in.State().GetGlobal("run"), number(i), lua.LBool(how == "error"))
						ended++
						switch {
						case how == "error" && (err == nil || Thrown(err) != lua.LString("e"+number(i).String())),
							how != "error" && err == nil && v != number(i),
							how == "stop" && err != nil: // sleeps end as the instance halts
							wrong++
						}
					}
					if err := in.Post(Event{Target: w}); err != nil {
						t.Error(err)
					}
				}
				synctest.Wait()
				switch how {
				case "cancel":
					cancel()
				case "stop":
					late, done := context.WithTimeout(context.Background(), 5*time.Second)
					defer done()
					if err := in.Stop(late); err != nil {
						t.Errorf("stop: %v", err)
					}
				default:
					time.Sleep(2 * time.Minute)
				}
				synctest.Wait()
				if ended != handlers || wrong > 0 {
					t.Errorf("%d of %d have ended, %d not as they should", ended, handlers, wrong)
				}
				if s := in.Stats(); s.Queued != 0 || s.Blocked != 0 {
					t.Errorf("%+v", s)
				}
				if how != "stop" {
					want(t, in, `return run(0, false) == 0`, "true")
					stop(t, in)
				}
			})
		})
	}
}

// TestHeldShrinks has a gate that always has an event waiting behind one that is
// blocked: what is kept for it does not grow with how many there were.
func TestHeldShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := started(t, "", Config{})
		const events = 20_000
		handled, most := 0, 0
		var tg *target
		post := func() {
			if err := in.Post(Event{Target: tg}); err != nil {
				t.Error(err)
			}
		}
		tg = &target{gate: new(Gate), handle: func(in *Instance, _ Event) {
			if handled++; handled+2 < events {
				post() // before the wait: it is held for this gate
			}
			in.Wait(func(context.Context) { time.Sleep(time.Millisecond) })
			most = max(most, cap(in.running.held))
		}}
		for range 3 {
			post()
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		stop(t, in)
		if handled < events-2 || most > 64 {
			t.Errorf("%d events handled, and room for %d kept, where 3 wait at most", handled, most)
		}
	})
}
