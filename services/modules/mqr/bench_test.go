package mqr

import (
	"fmt"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

// kinds are what the benchmarks send.
var kinds = []struct{ name, source string }{
	{"string", `("x"):rep(64)`},
	{"frozen", `nljson.freeze(nljson.decode('{"cid": 5, "message": [{"text": "hello", "n": 12}]}'))`},
	{"unfrozen", `nljson.decode('{"cid": 5, "message": [{"text": "hello", "n": 12}]}')`},
	{"table", `{cid = 5, message = {{text = "hello", n = 12}}}`},
}

// perSecond reports messages for each second.
func perSecond(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s") }

// BenchmarkFromInstanceToInstance has one instance post, and another receive, both as fast
// as they can.
func BenchmarkFromInstanceToInstance(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) { betweenInstances(b, New(Limits{}).instances(b, k.source)) })
	}
}

// A pair are two instances with a function each, that gets how many messages to send or
// receive.
type pair struct {
	from, to *vm.Instance
	send     lua.LValue
	receive  lua.LValue
}

func (qs *Queues) instances(b *testing.B, message string) *pair {
	p := &pair{}
	p.from, p.send = program(b, qs, `local q, m = mqr.create("q"), `+message+` return function(n) for i = 1, n do q:post(m) end end`)
	p.to, p.receive = program(b, qs, `local q = mqr.create("q") return function(n) for i = 1, n do q:recv() end end`)
	return p
}

// program starts an instance, whose main file returns a function.
func program(b *testing.B, qs *Queues, source string) (in *vm.Instance, fn lua.LValue) {
	in = start(b, qs, "main.lua", source, nil)
	do(b, in, func(in *vm.Instance) (err error) { fn, err = in.Main(); return err })
	b.Cleanup(func() { stop(b, in) })
	return in, fn
}

func betweenInstances(b *testing.B, p *pair) {
	b.ReportAllocs()
	b.ResetTimer()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(b, p.from, func(in *vm.Instance) error { _, err := in.Call(p.send, lua.LNumber(b.N)); return err })
	}()
	do(b, p.to, func(in *vm.Instance) error { _, err := in.Call(p.receive, lua.LNumber(b.N)); return err })
	<-done
	perSecond(b)
}

// BenchmarkChannel is Go's channel, with the same capacity and a string in each message:
// from goroutine to goroutine; and from one instance to another, by bindings that do
// nothing but send and receive.
func BenchmarkChannel(b *testing.B) {
	b.Run("go", func(b *testing.B) {
		ch := make(chan any, DefaultMessages)
		message := any(lua.LString(fmt.Sprintf("%64d", 0)))
		b.ReportAllocs()
		b.ResetTimer()
		go func() {
			for range b.N {
				ch <- message
			}
		}()
		for range b.N {
			<-ch
		}
		perSecond(b)
	})
	b.Run("lua", func(b *testing.B) {
		ch := make(chan lua.LValue, DefaultMessages)
		qs := New(Limits{})
		p := &pair{}
		p.from, p.send = program(b, qs, `local m = ("x"):rep(64) return function(n) for i = 1, n do send(m) end end`)
		p.to, p.receive = program(b, qs, `return function(n) for i = 1, n do receive() end end`)
		p.from.State().SetGlobal("send", p.from.State().NewFunction(func(L *lua.LState) int { ch <- L.Get(1); return 0 }))
		p.to.State().SetGlobal("receive", p.to.State().NewFunction(func(L *lua.LState) int { L.Push(<-ch); return 1 }))
		betweenInstances(b, p)
	})
}

// BenchmarkThereAndBack has two instances wait for each other with each message: two
// wake-ups.
func BenchmarkThereAndBack(b *testing.B) {
	qs := New(Limits{})
	p := &pair{}
	p.from, p.send = program(b, qs, `local q, r = mqr.create("q"), mqr.create("r") return function(n) for i = 1, n do q:post(i) r:recv() end end`)
	p.to, p.receive = program(b, qs, `local q, r = mqr.create("q"), mqr.create("r") return function(n) for i = 1, n do r:post(q:recv()) end end`)
	betweenInstances(b, p)
}

// BenchmarkPostAndTake is the queue alone, on one goroutine.
func BenchmarkPostAndTake(b *testing.B) {
	q := mustQueue(b, New(Limits{}), "q", settings{})
	p := parcel(b, "x")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := q.post(p); err != nil {
			b.Fatal(err)
		}
		q.take()
	}
}
