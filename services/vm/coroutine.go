package vm

import lua "github.com/yuin/gopher-lua"

// Coroutines are gopher-lua's, with these differences: they have the
// instance's hook as their context, not one derived from it; a coroutine
// that is not suspended, because it has resumed another, or waits in Block
// while other events are handled, cannot be resumed; and an error leaves the
// current thread what it was.
//
// LState.Parent is who resumed a thread: nil when it is suspended, dead or no
// coroutine. Lua never sees a thread of the free list.

// body is what a coroutine runs: its function, called by one in Lua, and not
// in tail position. gopher-lua needs a frame to come back to: without it a
// coroutine of a Go function never ends, and one that ends with
// "return coroutine.yield()" cannot be resumed. It begins with coBegin.
var body = mustCompile("coroutine", `
	local begin = ...
	local function pass(...) return ... end
	return function(f)
		return function(...) begin() return pass(f(...)) end
	end`)

// coBegin has the thread of a coroutine panic as others do: to resume it for the first
// time undoes what was set before.
func coBegin(L *lua.LState) int {
	L.Panic = panicBare
	return 0
}

// coCreate makes a coroutine.
func coCreate(L *lua.LState) int {
	fn := L.CheckFunction(1)
	in := Of(L)
	L.SetTop(0)
	L.Push(in.body)
	L.Push(fn)
	L.Call(1, 1)
	L.RemoveContext()
	defer L.SetContext(in.hook)
	n := in.stockCreate(L)
	L.ToThread(-1).SetContext(in.hook)
	return n
}

func coResume(L *lua.LState) int {
	co := L.CheckThread(1)
	in := Of(L)
	e := in.running
	var why string
	switch {
	case co.Dead:
		why = "cannot resume dead coroutine"
	case co.Parent != nil:
		why = "cannot resume non-suspended coroutine"
	case e.depth >= maxDepth:
		why = "stack overflow (coroutines within coroutines)"
	}
	if why != "" {
		L.Push(lua.LFalse)
		L.Push(lua.LString(why))
		return 2
	}
	current, depth := L.G.CurrentThread, e.depth
	defer func() { L.G.CurrentThread, e.depth = current, depth }()
	e.depth = depth + 1
	return in.stockResume(L)
}

func coWrap(L *lua.LState) int {
	coCreate(L)
	L.Push(L.NewClosure(coWrapped, L.Get(-1)))
	return 1
}

func coWrapped(L *lua.LState) int {
	L.Insert(L.Get(lua.UpvalueIndex(1)), 1)
	n := coResume(L)
	if L.Get(-n) == lua.LFalse {
		L.Error(L.Get(-n+1), 0)
	}
	return n - 1
}

// yieldLevels is how many calls there may be below a yield: each is looked at, and to
// come to the last takes as many steps.
const yieldLevels = 200

// coYield is gopher-lua's, but refuses to yield from within a Go function that
// called Lua (table.sort, string.gsub): the rest of that would be lost.
func coYield(L *lua.LState) int {
	for level := 1; ; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			break
		}
		if level > yieldLevels {
			L.RaiseError("attempt to yield from within more than %d calls", yieldLevels)
		}
		if fn, err := L.GetInfo("f", frame, lua.LNil); err == nil && fn.(*lua.LFunction).IsG {
			L.RaiseError("attempt to yield across a Go function")
		}
	}
	if L.Parent == nil {
		L.RaiseError("attempt to yield from outside a coroutine, or across pcall")
	}
	return -1
}

func coRunning(L *lua.LState) int {
	if co := L.G.CurrentThread; co.Parent != nil {
		L.Push(co)
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

func coStatus(L *lua.LState) int {
	co := L.CheckThread(1)
	status := "suspended"
	switch {
	case co.Dead:
		status = "dead"
	case co == L.G.CurrentThread:
		status = "running"
	case co.Parent != nil:
		status = "normal"
	}
	L.Push(lua.LString(status))
	return 1
}
