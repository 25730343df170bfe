package vm

import (
	"context"
	"runtime"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// benchmarkCall measures Call alone, with the baton held.
func benchmarkCall(b *testing.B, source string, args ...lua.LValue) {
	in := start(b, source, Config{Globals: echoGlobals})
	do(b, in, func(in *Instance) {
		f := in.main.G.Global.RawGetString("f")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := in.Call(f, args...); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// echoGlobals installs a ws:send that does nothing.
func echoGlobals(_ *Instance, L *lua.LState) {
	L.SetGlobal("ws", L.SetFuncs(L.NewTable(), map[string]lua.LGFunction{
		"send": func(L *lua.LState) int { L.Push(lua.LTrue); return 1 },
	}))
}

const echo = `function f(handler, opcode, message) return ws:send(handler, opcode, message) end`

var echoArgs = []lua.LValue{lua.LNumber(12345), lua.LNumber(1), lua.LString("hello")}

func BenchmarkCallEmpty(b *testing.B) { benchmarkCall(b, `function f() end`) }
func BenchmarkCallEcho(b *testing.B)  { benchmarkCall(b, echo, echoArgs...) }
func BenchmarkCallPcall(b *testing.B) {
	benchmarkCall(b, `local g = function() end; function f() pcall(g) end`)
}
func BenchmarkCallCoroutine(b *testing.B) {
	benchmarkCall(b, `local co = coroutine.wrap(function() while true do coroutine.yield() end end); function f() co() end`)
}
func BenchmarkCallNewCoroutine(b *testing.B) {
	benchmarkCall(b, `local g = function() end; function f() coroutine.wrap(g)() end`)
}

// The hook's price: the same loop with and without a context.
func BenchmarkHook(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(map[bool]string{false: "without", true: "with"}[with], func(b *testing.B) {
			in := start(b, `function f() local n = 0; for i = 1, 1000 do n = n + i end return n end`, Config{})
			do(b, in, func(in *Instance) {
				th := in.thread()
				if !with {
					th.RemoveContext()
				}
				f := in.main.G.Global.RawGetString("f")
				for b.Loop() {
					th.Push(f)
					if err := th.PCall(0, 1, nil); err != nil {
						b.Fatal(err)
					}
					th.SetTop(0)
				}
			})
		})
	}
}

// benchmarkOffer measures an echo from Offer to the end of Handle, in batches.
func benchmarkOffer(b *testing.B, batch int, config Config) {
	config.Globals = echoGlobals
	in := start(b, echo, config)
	var f lua.LValue
	do(b, in, func(in *Instance) { f = in.main.G.Global.RawGetString("f") })
	done := make(chan struct{}, 1)
	tg := &target{gate: new(Gate)}
	n := 0
	tg.handle = func(in *Instance, e Event) {
		if _, err := in.Call(f, echoArgs[0], echoArgs[1], lua.LString(e.Data)); err != nil {
			b.Error(err)
		}
		if n++; n%batch == 0 {
			done <- struct{}{}
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := in.Offer(Event{Target: tg, Data: "hello"}); err != nil {
			b.Fatal(err)
		}
		if (i+1)%batch == 0 {
			<-done
		}
	}
	b.StopTimer()
}

func BenchmarkOffer1(b *testing.B)   { benchmarkOffer(b, 1, Config{}) }
func BenchmarkOffer16(b *testing.B)  { benchmarkOffer(b, 16, Config{}) }
func BenchmarkOffer100(b *testing.B) { benchmarkOffer(b, 100, Config{}) }

// budgets are those that lapps has by default.
var budgets = Config{CallTime: 2 * time.Second, Memory: 256 << 20}

func BenchmarkOffer1Budgets(b *testing.B)  { benchmarkOffer(b, 1, budgets) }
func BenchmarkOffer16Budgets(b *testing.B) { benchmarkOffer(b, 16, budgets) }

// BenchmarkOfferAlone is Offer without anyone to handle the events meanwhile.
func BenchmarkOfferAlone(b *testing.B) {
	const burst = 10000
	in := start(b, "", Config{})
	tg := &target{handle: func(*Instance, Event) {}}
	b.ReportAllocs()
	for n := 0; n < b.N; n += burst {
		b.StopTimer()
		began, end := make(chan struct{}), make(chan struct{})
		post(b, in, &target{handle: func(*Instance, Event) { close(began); <-end }})
		<-began
		b.StartTimer()
		for range min(burst, b.N-n) {
			if err := in.Offer(Event{Target: tg}); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		close(end)
		do(b, in, func(*Instance) {})
		b.StartTimer()
	}
}

// BenchmarkBlock is a call that waits for nothing.
func BenchmarkBlock(b *testing.B) {
	nothing := Module{Name: "nothing", Open: func(_ *Instance, L *lua.LState) lua.LValue {
		return L.NewFunction(func(L *lua.LState) int { Block(L, func(context.Context) {}); return 0 })
	}}
	in := start(b, `local nothing = require("nothing"); function f() nothing() end`, Config{Modules: []Module{nothing}})
	do(b, in, func(in *Instance) {
		f := in.main.G.Global.RawGetString("f")
		b.ReportAllocs()
		for b.Loop() {
			if _, err := in.Call(f); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkThread(b *testing.B) {
	in := start(b, "", Config{})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		do(b, in, func(in *Instance) {
			for b.Loop() {
				in.thread()
			}
		})
	})
	b.Run("pooled", func(b *testing.B) {
		b.ReportAllocs()
		do(b, in, func(in *Instance) {
			for b.Loop() {
				in.recycle(in.thread())
			}
		})
	})
}

// BenchmarkState reports the memory of an instance and of a thread.
func BenchmarkState(b *testing.B) {
	p := program(b, map[string]string{"main.lua": echo})
	var ins []*Instance
	before := heap()
	for range b.N {
		in, err := New(Config{Program: p})
		if err != nil {
			b.Fatal(err)
		}
		ins = append(ins, in)
	}
	b.ReportMetric(float64(heap()-before)/float64(b.N), "heap-B/state")
	before = heap()
	var threads []*lua.LState
	for range b.N {
		threads = append(threads, ins[0].thread())
	}
	b.ReportMetric(float64(heap()-before)/float64(b.N), "heap-B/thread")
	runtime.KeepAlive(threads)
	for _, in := range ins {
		stop(b, in)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
