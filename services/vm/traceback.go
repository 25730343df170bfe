package vm

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const (
	// tracebackEnds is how many frames a traceback tells of from its top, and from its
	// bottom.
	tracebackEnds = 10

	// maxWord is how long the name of a function may be in an error, in bytes: scripts
	// name what they like.
	maxWord = 80
)

// traceback is th's, as Lua writes it. A registry overflow in a tail call
// (local function f(...) return f(1, ...) end) leaves a frame that has not begun, and
// gopher-lua panics when it looks for its line.
func traceback(th *lua.LState) (trace string, failed any) {
	defer func() { failed = recover() }()
	levels := levelsOf(th)
	var b strings.Builder
	b.WriteString("stack traceback:")
	for i, level := range levels {
		if i < tracebackEnds || i >= len(levels)-tracebackEnds {
			writeFrame(&b, th, level, i == len(levels)-1)
		} else if i == tracebackEnds {
			b.WriteString("\n\t...")
		}
	}
	b.WriteString("\n\t[G]: ?")
	return b.String(), nil
}

// levelsOf are the levels that th has frames at: each tail call counts as one that has
// none.
func levelsOf(th *lua.LState) []int {
	var levels []int
	for level := 0; ; {
		frame, ok := th.GetStack(level)
		if !ok {
			return levels
		}
		levels = append(levels, level)
		level += 1 + tailCalls(frame)
	}
}

// writeFrame tells of the frame at a level. Each call is on a thread of its own, so that
// the first of a thread has no name: nothing of Lua has called it.
func writeFrame(b *strings.Builder, th *lua.LState, level int, first bool) {
	frame, _ := th.GetStack(level)
	fn, _ := th.GetInfo("fn", frame, lua.LNil)
	f := fn.(*lua.LFunction)
	name := "function '" + frame.Name + "'"
	switch {
	case !f.IsG && f.Proto.LineDefined == 0:
		name = "main chunk"
	case !f.IsG && (first || frame.Name == "?" || strings.HasPrefix(frame.Name, "<") || len(frame.Name) > maxWord):
		name = fmt.Sprintf("function <%s:%d>", f.Proto.SourceName, f.Proto.LineDefined)
	case f.IsG && (first || strings.HasPrefix(frame.Name, "(") || len(frame.Name) > maxWord):
		name = "?"
	}
	fmt.Fprintf(b, "\n\t%s in %s", th.Where(level), name)
	if tailCalls(frame) > 0 {
		b.WriteString("\n\t(...tail calls...)")
	}
}

// tailCalls is how many functions have ended with a call whose frame this is now.
func tailCalls(frame *lua.Debug) int { return fieldOf(frame, "TailCall") }

// fieldOf is a number that gopher-lua keeps of a frame to itself.
func fieldOf(frame *lua.Debug, name string) int {
	return int(reflect.ValueOf(frame).Elem().FieldByName("frame").Elem().FieldByName(name).Int())
}

// called is what th was about to call, and what the source calls it: "?" where that is
// no name.
func called(th *lua.LState) (name string, v lua.LValue, ok bool) {
	frame, ok := th.GetStack(0)
	if !ok {
		return "", nil, false
	}
	fn, _ := th.GetInfo("f", frame, lua.LNil)
	f, isFunction := fn.(*lua.LFunction)
	if !isFunction || f.IsG {
		return "", nil, false
	}
	pc := fieldOf(frame, "Pc") - 1
	code := f.Proto.Code[pc]
	register := int(code>>18) & 0xff
	if int(code>>26) == lua.OP_TFORLOOP {
		return "for iterator", th.Get(register + 1), true
	}
	calls := f.Proto.DbgCalls
	i, found := slices.BinarySearchFunc(calls, pc, func(c lua.DbgCall, pc int) int { return c.Pc - pc })
	if !found {
		return "", nil, false
	}
	if name = calls[i].Name; len(name) > maxWord {
		name = "?"
	}
	return name, th.Get(register + 1), true
}
