package vm

import (
	"math"
	"sort"

	lua "github.com/yuin/gopher-lua"
)

// movesPerStep is how many values of a table are moved in about the time of an
// instruction.
const movesPerStep = 32

// maxArray bounds the indices that gopher-lua keeps in an array. It fills an array up
// to what is assigned, so that t[6e7] = 1 took gigabytes; with this it is 128 MiB at most.
// What lies beyond is kept as other keys are, and does not count for #t.
const maxArray = 1 << 23

func init() { lua.MaxArrayIndex = maxArray }

// concat is table.concat.
func concat(L *lua.LState) int {
	t, sep := L.CheckTable(1), ""
	if L.Get(2) != lua.LNil {
		sep = L.CheckString(2)
	}
	first, last := optInt(L, 3, 1), 0
	if L.Get(4) == lua.LNil {
		last = t.Len()
	} else {
		last = checkInt(L, 4)
	}
	size := 0
	for i := first; i <= last; i++ {
		switch v := at(t, i).(type) {
		case lua.LString:
			size += len(v)
		case lua.LNumber:
			size += 8 // or more
			fail(L, Of(L).spend(2))
		default:
			L.RaiseError("invalid value (%s) at index %d in table for 'concat'", v.Type(), i)
		}
		if i < last {
			size += len(sep)
		}
		checkText(L, size, "table.concat")
		if i%movesPerStep == 0 {
			spendBytes(L, bytesPerStep)
		}
		if i == last { // or the next would not be greater
			break
		}
	}
	makeBytes(L, size)
	out := make([]byte, 0, size)
	for i := first; i <= last; i++ {
		switch v := at(t, i).(type) {
		case lua.LString:
			out = append(out, v...)
		default:
			out = append(out, v.String()...)
			checkText(L, len(out), "table.concat")
		}
		if i == last {
			break
		}
		out = append(out, sep...)
	}
	L.Push(textOf(out))
	return 1
}

// at is t[i], without metamethods.
func at(t *lua.LTable, i int) lua.LValue {
	if v := t.RawGetInt(i); v != lua.LNil {
		return v
	}
	return t.RawGet(lua.LNumber(i)) // RawGetInt knows the array only
}

// insert is table.insert.
func insert(L *lua.LState) int {
	t := L.CheckTable(1)
	n := t.Len()
	switch L.GetTop() {
	case 2:
		put(L, t, n, n+1, L.Get(2))
	case 3:
		pos, v := checkInt(L, 2), L.Get(3)
		switch {
		case pos > n:
			put(L, t, n, pos, v)
		case pos >= 1:
			checkArray(L, n+1)
			fail(L, Of(L).spend((n-pos)/movesPerStep))
			t.Insert(pos, v)
		default:
			insertBelow(L, t, n, pos, v)
		}
	default:
		L.RaiseError("wrong number of arguments to 'insert'")
	}
	return 0
}

// checkArray raises an error for an array of n elements that would not be one.
func checkArray(L *lua.LState, n int) {
	if n >= maxArray {
		L.RaiseError("table too large: an array has at most %d elements", maxArray-1)
	}
}

// put sets t[pos], which lies behind the n elements that t has.
func put(L *lua.LState, t *lua.LTable, n, pos int, v lua.LValue) {
	if pos == n+1 {
		checkArray(L, pos)
	}
	if gap := pos - n; gap > movesPerStep && pos < maxArray {
		fail(L, Of(L).spend(gap/movesPerStep))
		fail(L, Of(L).allocate(gap*boxBytes))
	}
	t.RawSet(lua.LNumber(pos), v)
}

// insertBelow inserts at a position below 1: all n elements are moved, and what is
// between.
func insertBelow(L *lua.LState, t *lua.LTable, n, pos int, v lua.LValue) {
	if pos < math.MinInt32 {
		L.ArgError(2, "position out of bounds")
	}
	for i := n + 1; i > pos; i-- {
		if i%movesPerStep == 0 {
			fail(L, Of(L).spend(movesPerStep))
		}
		if v := at(t, i-1); v != lua.LNil || at(t, i) != lua.LNil {
			t.RawSet(lua.LNumber(i), v)
		}
	}
	t.RawSet(lua.LNumber(pos), v)
}

// remove is table.remove.
func remove(L *lua.LState) int {
	t := L.CheckTable(1)
	n := t.Len()
	pos := optInt(L, 2, n)
	if pos < 1 || pos > n {
		return 0
	}
	fail(L, Of(L).spend((n-pos)/movesPerStep))
	v := t.RawGetInt(pos)
	if pos == n {
		t.RawSetInt(pos, lua.LNil) // Remove would leave it behind the end, held for good
	}
	t.Remove(pos)
	L.Push(v)
	return 1
}

// maxN is table.maxn.
func maxN(L *lua.LState) int {
	t := L.CheckTable(1)
	in := Of(L)
	most, looked := lua.LNumber(0), 0
	t.ForEach(func(k, _ lua.LValue) {
		if n, ok := k.(lua.LNumber); ok && n > most {
			most = n
		}
		if looked++; looked%movesPerStep == 0 {
			fail(L, in.spend(1))
		}
	})
	L.Push(most)
	return 1
}

// pack is table.pack, as Lua 5.2 has it: the arguments, and n is how many they are.
func pack(L *lua.LState) int {
	n := L.GetTop()
	fail(L, Of(L).spend(1+n/8))
	fail(L, Of(L).allocate(tableBytes+entryBytes+n*boxBytes))
	t := L.CreateTable(n, 1)
	for i := 1; i <= n; i++ {
		t.RawSetInt(i, L.Get(i))
	}
	t.RawSetString("n", lua.LNumber(n))
	L.Push(t)
	return 1
}

// unpack is the global unpack, and table.unpack.
func unpack(L *lua.LState) int {
	t := L.CheckTable(1)
	first := optInt(L, 2, 1)
	last := 0
	if L.Get(3) == lua.LNil {
		last = t.Len()
	} else {
		last = checkInt(L, 3)
	}
	if first > last {
		return 0
	}
	n := uint64(last) - uint64(first) + 1
	if n == 0 || n > maxResults {
		L.RaiseError("too many results to unpack")
	}
	fail(L, Of(L).spend(int(n)/8))
	for i := range int(n) {
		L.Push(at(t, first+i))
	}
	return int(n)
}

// sortTable is table.sort. It sorts a copy, so that a comparator that fails, waits, or
// changes the table does no harm; it is put back when it is in order.
func sortTable(L *lua.LState) int {
	t := L.CheckTable(1)
	s := sorting{L: L, in: Of(L)}
	if L.Get(2) != lua.LNil {
		s.less = L.CheckFunction(2)
	}
	n := t.Len()
	fail(L, s.in.spend(n/movesPerStep))
	fail(L, s.in.allocate(n*boxBytes))
	s.values = make([]lua.LValue, n)
	for i := range n {
		s.values[i] = t.RawGetInt(i + 1)
	}
	sort.Sort(&s)
	for i, v := range s.values {
		t.RawSetInt(i+1, v)
	}
	return 0
}

// A sorting is a sort.Interface. However its comparisons lie, sort.Sort makes no more
// of them than is needed for n values, and touches no others.
type sorting struct {
	L      *lua.LState
	in     *Instance
	less   *lua.LFunction // nil: values are compared as < does
	values []lua.LValue
	count  int
}

func (s *sorting) Len() int      { return len(s.values) }
func (s *sorting) Swap(i, j int) { s.values[i], s.values[j] = s.values[j], s.values[i] }

func (s *sorting) Less(i, j int) bool {
	a, b := s.values[i], s.values[j]
	if s.less != nil {
		s.L.Push(s.less)
		s.L.Push(a)
		s.L.Push(b)
		s.L.Call(2, 1)
		before := lua.LVAsBool(s.L.Get(-1))
		s.L.Pop(1)
		return before
	}
	if s.count++; s.count%4 == 0 {
		fail(s.L, s.in.spend(1))
	}
	if x, ok := a.(lua.LNumber); ok {
		if y, ok := b.(lua.LNumber); ok {
			return x < y
		}
	}
	if x, ok := a.(lua.LString); ok {
		if y, ok := b.(lua.LString); ok {
			if n := min(len(x), len(y)); n >= bytesPerStep {
				fail(s.L, s.in.spend(n/bytesPerStep))
			}
			return x < y
		}
	}
	return s.L.LessThan(a, b)
}
