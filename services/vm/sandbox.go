package vm

import (
	"math"
	"math/rand/v2"
	"runtime/metrics"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// allowed is all that Lua finds in the global table at first, by library. It
// is a statement of policy: what is not here does not exist. Functions that
// replaced lists have others of ours behind their names.
var allowed = map[string][]string{
	"": {
		"_G", "_VERSION", "assert", "collectgarbage", "error", "getfenv", "getmetatable", "ipairs", "load",
		"loadstring", "next", "pairs", "pcall", "print", "rawequal", "rawget", "rawset", "require", "select",
		"setfenv", "setmetatable", "sleep", "tonumber", "tostring", "type", "unpack", "xpcall",
		"coroutine", "math", "os", "package", "string", "table",
	},
	"coroutine": {"create", "resume", "running", "status", "wrap", "yield"},
	"math": {
		"abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp", "huge",
		"ldexp", "log", "log10", "max", "min", "mod", "modf", "pi", "pow", "rad", "random", "randomseed", "sin", "sinh",
		"sqrt", "tan", "tanh",
	},
	"os":      {"clock", "date", "difftime", "time"},
	"package": {"loaded"},
	"string":  {"byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep", "reverse", "sub", "upper"},
	"table":   {"concat", "getn", "insert", "maxn", "pack", "remove", "sort", "unpack"},
}

// Reserved reports whether name is one of the globals of the sandbox.
func Reserved(name string) bool { return slices.Contains(allowed[""], name) }

// replaced is what gopher-lua's libraries lack, or do in a way that does not
// do here.
var replaced = map[string]map[string]lua.LGFunction{
	"": {
		"collectgarbage": collectGarbage, // would collect the whole process's
		"error":          throw,
		"load":           load,
		"loadstring":     loadString,
		"pcall":          pcall,
		"print":          printLog, // standard output is not ours
		"rawset":         rawSet,
		"require":        require,
		"select":         selectArgs,
		"sleep":          sleep,
		"tonumber":       toNumber,
		"unpack":         unpack,
		"xpcall":         xpcall,
	},
	"coroutine": {
		"create": coCreate, "resume": coResume, "running": coRunning, "status": coStatus, "wrap": coWrap, "yield": coYield,
	},
	"os":   {"date": date, "time": osTime},                           // gopher-lua's has other names of days, times for dates, and no %j
	"math": {"log": log, "random": random, "randomseed": randomSeed}, // the process's generator is not one service's to seed
	"string": {
		"byte": byteOf, "char": char, "find": find, "format": format, "gmatch": gmatch, "gsub": gsub, "lower": lower,
		"match": match, "rep": rep, "reverse": reverse, "sub": sub, "upper": upper,
	},
	"table": {
		"concat": concat, "insert": insert, "maxn": maxN, "pack": pack, "remove": remove, "sort": sortTable, "unpack": unpack,
	},
}

// guarded are global functions of gopher-lua's whose arguments we look at first.
var guarded = map[string]func(stock lua.LGFunction) lua.LGFunction{
	"ipairs":       iteration("__ipairs"),
	"pairs":        iteration("__pairs"),
	"setfenv":      setfenv,
	"setmetatable": setMetatable,
}

// openSandbox opens the libraries and removes what is not allowed.
func (in *Instance) openSandbox() {
	L := in.main
	for _, open := range []lua.LGFunction{
		lua.OpenBase, lua.OpenTable, lua.OpenString, lua.OpenMath, lua.OpenCoroutine, lua.OpenOs,
	} {
		L.Push(L.NewFunction(open))
		L.Call(0, 0)
	}
	global := L.G.Global
	in.loaded = L.CreateTable(0, len(allowed)) // NewTable has room for 32 values of each kind: 3 kB
	pkg := L.CreateTable(0, 1)
	pkg.RawSetString("loaded", in.loaded)
	global.RawSetString("package", pkg)

	in.stockCreate = stock(global.RawGetString("coroutine"), "create")
	in.stockResume = stock(global.RawGetString("coroutine"), "resume")
	L.Push(L.NewFunctionFromProto(body))
	L.Push(L.NewFunction(coBegin))
	L.Call(1, 1)
	in.body = L.Get(-1)
	L.Pop(1)
	for name, guard := range guarded {
		fn := global.RawGetString(name).(*lua.LFunction) // in place: it may have upvalues
		fn.GFunction = guard(fn.GFunction)
	}
	for lib, names := range allowed {
		t := global
		if lib != "" {
			t = global.RawGetString(lib).(*lua.LTable)
			in.loaded.RawSetString(lib, t)
		}
		L.SetFuncs(t, replaced[lib])
		prune(t, names)
	}
	in.loaded.RawSetString("_G", global)
	global.RawGetString("math").(*lua.LTable).RawSetString("huge", lua.LNumber(math.Inf(1))) // gopher-lua's is the largest number
	if in.config.Clock != nil {
		in.openClock(global.RawGetString("os").(*lua.LTable))
	}

	// gopher-lua's metatable of strings is the string table itself.
	mt := L.CreateTable(0, 2)
	mt.RawSetString("__index", global.RawGetString("string"))
	shown := L.CreateTable(0, 1) // by getmetatable: who takes __index away would break every s:sub() of the instance
	shown.RawSetString("__index", global.RawGetString("string"))
	mt.RawSetString("__metatable", shown)
	L.SetMetatable(lua.LString(""), mt)
}

// stock returns a function of gopher-lua's.
func stock(lib lua.LValue, name string) lua.LGFunction {
	return lib.(*lua.LTable).RawGetString(name).(*lua.LFunction).GFunction
}

// prune removes from t all that is not among names.
func prune(t *lua.LTable, names []string) {
	keep := make(map[lua.LValue]bool, len(names))
	for _, n := range names {
		keep[lua.LString(n)] = true
	}
	var others []lua.LValue
	t.ForEach(func(k, _ lua.LValue) {
		if !keep[k] {
			others = append(others, k)
		}
	})
	for _, k := range others {
		t.RawSet(k, lua.LNil)
	}
}

func mustCompile(name, source string) *lua.FunctionProto {
	proto, err := compile(name, source)
	if err != nil {
		panic(err)
	}
	return proto
}

// maxLine is how many bytes of a line print logs.
const maxLine = 64 << 10

// printLog logs a line at level info.
func printLog(L *lua.LState) int {
	var b strings.Builder
	for i := 1; i <= L.GetTop() && b.Len() <= maxLine; i++ {
		if i > 1 {
			b.WriteByte('\t')
		}
		text := L.ToStringMeta(L.Get(i)).String()
		b.WriteString(text[:min(len(text), maxLine+1)])
		fail(L, Of(L).spend(1+min(len(text), maxLine)/bytesPerStep))
	}
	if b.Len() > maxLine {
		line := strings.ToValidUTF8(b.String()[:maxLine], "") + "..."
		b.Reset()
		b.WriteString(line)
	}
	Of(L).log.Info(b.String())
	return 0
}

// collectGarbage only answers "count", for the whole process, in KiB. What
// else Lua 5.1 has does nothing: there is one collector, and it is Go's.
func collectGarbage(L *lua.LState) int {
	switch opt := L.OptString(1, "collect"); opt {
	case "count":
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		L.Push(lua.LNumber(float64(sample[0].Value.Uint64()) / 1024))
	case "collect", "stop", "restart", "step", "setpause", "setstepmul":
		L.Push(lua.LNumber(0))
	default:
		L.ArgError(1, "invalid option '"+opt+"'")
	}
	return 1
}

// setMetatable takes tables only, as Lua 5.1 does. gopher-lua would change the
// metatable of all numbers, or of a module's userdata.
func setMetatable(stock lua.LGFunction) lua.LGFunction {
	return func(L *lua.LState) int {
		L.CheckTable(1)
		return stock(L)
	}
}

// setfenv leaves the environment of the thread alone: threads are used again
// for other calls.
func setfenv(stock lua.LGFunction) lua.LGFunction {
	return func(L *lua.LState) int {
		if n, ok := L.Get(1).(lua.LNumber); ok && !(n >= 1) {
			L.ArgError(1, "level must be at least 1")
		}
		return stock(L)
	}
}

// bytesPerStep is how many bytes are copied in about the time of an instruction.
const bytesPerStep = 128

// random is math.random, from the instance's own generator.
func random(L *lua.LState) int {
	r := Of(L).random
	low, high := 1, 0
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(r.Float64()))
		return 1
	case 1:
		high = L.CheckInt(1)
	default:
		low, high = L.CheckInt(1), L.CheckInt(2)
	}
	if low > high {
		L.ArgError(L.GetTop(), "interval is empty")
	}
	L.Push(lua.LNumber(low + int(r.Uint64N(uint64(high)-uint64(low)+1))))
	return 1
}

func randomSeed(L *lua.LState) int {
	Of(L).random = rand.New(rand.NewPCG(uint64(L.CheckInt64(1)), 0))
	return 0
}

// rawSet is the global rawset, which returns the table.
func rawSet(L *lua.LState) int {
	t := L.CheckTable(1)
	L.RawSet(t, L.CheckAny(2), L.CheckAny(3))
	L.Push(t)
	return 1
}
