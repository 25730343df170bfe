package io

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"

	"lapps/services/grants"
	"lapps/services/modules/task"
	"lapps/services/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const prelude = `
task = require "task"
io = require "io"
function all(...) local t = {} for i = 1, select("#", ...) do t[i] = tostring((select(i, ...))) end return table.concat(t, "|") end
function write(name, text) local f = assert(io.open(name, "w")) f:write(text) f:close() end
function slurp(name) local f = assert(io.open(name)) local s = f:read("*a") f:close() return s end
`

// granted grants a directory of its own to write, with a file and a pipe.
func granted(t *testing.T) *grants.Grants {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in.txt"), []byte("one\ntwo\r\n\n 12 -0.5e1 x\nlast"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAPPS_IO_TEST", "value")
	g, err := grants.New(grants.Config{Base: dir, Files: []grants.Directory{{Path: dir, Write: true}}, Environment: []string{"LAPPS_IO_TEST", "LAPPS_NOT_SET"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// start makes an instance of source, which has run.
func start(t *testing.T, g *grants.Grants, source string) (in *vm.Instance, result string) {
	t.Helper()
	p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte(prelude + source)}}, "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	in, err = vm.New(vm.Config{Program: p, Modules: []vm.Module{Module(g), task.Module()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Do(context.Background(), func(in *vm.Instance) error {
		v, err := in.Main()
		if result = v.String(); err != nil {
			result = err.Error()
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	return in, result
}

// eval is start and the end of it.
func eval(t *testing.T, g *grants.Grants, source string) string {
	t.Helper()
	in, result := start(t, g, source)
	if err := in.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	return result
}

func TestFiles(t *testing.T) {
	g := granted(t)
	for _, c := range []struct{ name, source, want string }{
		{"lines", `local t = {} for l in io.lines("in.txt") do t[#t + 1] = l end return all(#t, unpack(t))`, "5|one|two\r|| 12 -0.5e1 x|last"},
		{"lines of a file", `local f, t = io.open("in.txt"), {} for l in f:lines() do t[#t + 1] = l end return all(#t, io.type(f), f:read(), f:close())`, "5|file|nil|true"},
		{"formats", `return all(io.open("in.txt"):read("*l", 2, "*l", "*l", "*l", "*n"))`, "one|tw|o\r|| 12 -0.5e1 x|nil"},
		{"numbers", `local f = io.open("in.txt") f:read("*l", "*l") return all(f:read("*n", "*n", "*n"))`, "12|-5|nil"},
		{"all", `local f = io.open("in.txt") f:seek("set", 21) return all(f:read("*a"), f:read("*a"), f:read("*l"), f:read(1), f:read(0))`, "x\nlast||nil|nil|nil"},
		{"without asterisk", `return all(io.open("in.txt"):read("l", "l", "l", "n"))`, "one|two\r||12"},
		{"nothing", `return all(io.open("in.txt"):read(0))`, ""},
		{"seek", `local f = io.open("in.txt") local l = f:read() return all(l, f:seek(), f:seek("set", 1), f:read(2), f:seek("cur", 1), f:read(1), f:seek("end"), f:seek("end", -4), f:read("*a"))`, "one|4|1|ne|4|t|27|23|last"},
		{"seek before", `return all(io.open("in.txt"):seek("set", -1))`, "nil|in.txt: invalid argument|22"},

		{"write", `local f = io.open("w", "w") return all(f:write("a", 1, 2.5, "\0"), f:close(), slurp("w"))`, "true|true|a12.5\x00"},
		{"write truncates", `write("t", "long") write("t", "s") return slurp("t")`, "s"},
		{"append", `write("a", "1") local f = io.open("a", "a") f:write("2") f:close() f = io.open("a", "a+") f:write("3") f:seek("set") return all(f:read("*a"))`, "123"},
		{"read, then write", `write("rw", "abcdef") local f = io.open("rw", "r+") f:read(2) f:write("XY") return all(f:read("*a"), slurp("rw"))`, "ef|abXYef"},
		{"write what is for reading", `return all(io.open("in.txt"):write("x"))`, "nil|in.txt: bad file descriptor|9"},
		{"read what is for writing", `return all(io.open("wo", "wb"):read())`, "nil|wo: bad file descriptor|9"},
		{"flush", `local f = io.open("f", "w") f:write("x") return all(f:flush(), slurp("f"))`, "true|x"},

		{"remove", `write("r", "") return all(os.remove("r"), os.remove("r"))`, "true|nil|r: no such file or directory|2"},
		{"rename", `write("from", "x") return all(os.rename("from", "to"), slurp("to"), io.open("from"))`, "true|x|nil|from: no such file or directory|2"},
		{"getenv", `return all(os.getenv("LAPPS_IO_TEST"), os.getenv("LAPPS_NOT_SET"))`, "value|nil"},
		{"os stays", `return all(type(os.time()), os.execute, os.exit, io.popen)`, "number|nil|nil|nil"},

		{"none", `return all(io.open("none"))`, "nil|none: no such file or directory|2"},
		{"lines of none", `return all(pcall(io.lines, "none"))`, "false|none: no such file or directory"},
		{"a pipe", `return all(io.open("pipe"))`, "nil|pipe: not a regular file"},
		{"a pipe, to write", `return all(io.open("pipe", "w"))`, "nil|pipe: not a regular file"},
		{"a directory", `return all(io.open("."))`, "nil|.: not a regular file"},
		{"mode", `io.open("in.txt", "rw")`, "main.lua:7: bad argument #2 to open (mode must be r, w, a, r+, w+ or a+, and a b may follow)"},
		{"format", `io.open("in.txt"):read("*x")`, "main.lua:7: bad argument #2 to read (invalid format)"},
		{"too much", `io.open("in.txt"):read(67108865)`, "main.lua:7: bad argument #2 to read (must be between 0 and 67108864 bytes)"},
		{"whence", `io.open("in.txt"):seek("top")`, "main.lua:7: bad argument #2 to seek (must be set, cur or end)"},
		{"no file", `local f = io.open("in.txt") f.read({})`, "main.lua:7: bad argument #1 to read (file expected, got table)"},

		{"closed", `local f = io.open("in.txt") f:close() f:read()`, "main.lua:7: attempt to use a closed file"},
		{"closed twice", `local f = io.open("in.txt") f:close() return all(io.type(f), io.type(1), tostring(f), pcall(io.close, f))`, "closed file|nil|file (closed)|false|attempt to use a closed file"},
		{"tostring", `local f = io.open("in.txt") return all(f, io.type(f), getmetatable(f))`, "file (in.txt)|file|false"},
		{"lines closes", `for i = 1, 300 do for l in io.lines("in.txt") do end end return "ok"`, "ok"},
		{"too many", `kept = {} for i = 1, 257 do kept[i] = io.open("in.txt") end`, "main.lua:7: too many open files: an instance has at most 256; close those that are not needed"},
		{"two at once", `write("two", "") local f, ts = io.open("two", "a"), {}
			for i = 1, 20 do ts[i] = task.spawn(function() for j = 1, 20 do f:write(("x"):rep(i), "\n") end end) end
			assert(task.all(ts)) local n = 0 for l in io.lines("two") do n = n + 1 assert(l:match("^x+$")) end return n`, "400"},

		{"outside", `io.open("../x")`, `main.lua:7: files: to read "../x" is not granted: the service's "grants.files" has no path that holds it`},
		{"outside, to write", `io.open("/x", "a")`, `main.lua:7: files: to write "/x" is not granted: the service's "grants.files" has no path with access "write" that holds it`},
		{"remove outside", `os.remove("/x")`, `main.lua:7: files: to write "/x" is not granted: the service's "grants.files" has no path with access "write" that holds it`},
		{"another variable", `os.getenv("HOME")`, `main.lua:7: environment: to read "HOME" is not granted: the service's "grants.environment" does not name it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := eval(t, g, c.source); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestNothingGranted: all is there, and what it is called for is an error that names
// the grant.
func TestNothingGranted(t *testing.T) {
	const noRead, noWrite = `the service's "grants.files" has no path that holds it`, `the service's "grants.files" has no path with access "write" that holds it`
	for source, want := range map[string]string{
		`return all(type(io.open), type(os.getenv), type(os.time))`: "function|function|function",
		`io.open("data/x.txt")`:                `main.lua:7: files: to read "data/x.txt" is not granted: ` + noRead,
		`io.open("data/x.txt", "w")`:           `main.lua:7: files: to write "data/x.txt" is not granted: ` + noWrite,
		`io.lines("data/x.txt")`:               `main.lua:7: files: to read "data/x.txt" is not granted: ` + noRead,
		`os.remove("data/x.txt")`:              `main.lua:7: files: to write "data/x.txt" is not granted: ` + noWrite,
		`os.rename("a", "b")`:                  `main.lua:7: files: to write "a" is not granted: ` + noWrite,
		`return all(pcall(os.getenv, "HOME"))`: `false|environment: to read "HOME" is not granted: the service's "grants.environment" does not name it`,
	} {
		if got := eval(t, nil, source); got != want {
			t.Errorf("%s:\n got %s\nwant %s", source, got, want)
		}
	}
}

// TestMuchIsRefused: what is read at a time has a bound.
func TestMuchIsRefused(t *testing.T) {
	g := granted(t)
	f, err := g.Open("large", os.O_WRONLY|os.O_CREATE)
	if err == nil {
		err = errors.Join(f.Truncate(maxAtOnce+1), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	const tooMuch = "main.lua:7: more than 67108864 bytes at a time: read it in parts"
	for source, want := range map[string]string{
		`io.open("large"):read("*a")`:               tooMuch,
		`io.open("large"):read("*l")`:               tooMuch,
		`io.open("large"):read(67000000, 67000000)`: tooMuch,
		`io.open("large"):read(67108864, "*l")`:     tooMuch,
		`local s = ("x"):rep(2^20) for i = 1, 6 do s = s .. s end io.open("w", "w"):write("y", s)`:                                  "main.lua:7: bad argument #3 to write (more than 67108864 bytes at a time)",
		`local f, n = io.open("large"), 0 while true do local s = f:read(16777216) if not s then break end n = n + #s end return n`: "67108865",
	} {
		if got := eval(t, g, source); got != want {
			t.Errorf("%s:\n got %s\nwant %s", source, got, want)
		}
	}
}

// TestBusy: however many read at the same time, few are with the system; and what waits for
// it goes when the instance is interrupted.
func TestBusy(t *testing.T) {
	in, result := start(t, granted(t), `
f, n, tasks = io.open("in.txt"), 0, {}
for i = 1, 200 do tasks[i] = task.spawn(function() local g = io.open("in.txt", "r") if g then local s = g:read("*a") n = n + #s g:close() end end) end
assert(task.all(tasks))
function again() for i = 1, 100 do task.spawn(function() f:read("*a") missed = true end) end end
return n`)
	if result != "5400" {
		t.Fatal(result)
	}
	lib := libraryOf(t, in)
	for range maxBusy { // as long as the system does not answer
		lib.busy <- struct{}{}
	}
	if err := in.Do(context.Background(), func(in *vm.Instance) error {
		_, err := in.Call(in.State().G.Global.RawGetString("again"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); in.Stats().Blocked < 100; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d wait", in.Stats().Blocked)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := in.Stop(ctx); !errors.Is(err, context.Canceled) || in.State().G.Global.RawGetString("missed") != lua.LNil {
		t.Error(err)
	}
}

// openFiles are how many files of an instance are open.
func openFiles(t *testing.T, in *vm.Instance) (n int) {
	t.Helper()
	lib := libraryOf(t, in)
	lib.mu.Lock()
	defer lib.mu.Unlock()
	return len(lib.files)
}

// libraryOf finds the library by a file that is the global f.
func libraryOf(t *testing.T, in *vm.Instance) (lib *library) {
	t.Helper()
	if err := in.Do(context.Background(), func(in *vm.Instance) error {
		lib = in.State().G.Global.RawGetString("f").(*lua.LUserData).Value.(*file).lib
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return lib
}

// TestGarbage: files that Lua has forgotten are closed.
func TestGarbage(t *testing.T) {
	in, result := start(t, granted(t), `f = io.open("in.txt") for i = 1, 100 do io.open("in.txt") end return "ok"`)
	if result != "ok" {
		t.Fatal(result)
	}
	for deadline := time.Now().Add(time.Minute); openFiles(t, in) > 2; { // a stack of the instance may hold the last
		if time.Now().After(deadline) {
			t.Fatalf("%d files are open", openFiles(t, in))
		}
		runtime.GC()
		runtime.Gosched()
	}
	if err := in.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestEnd: the files that an instance leaves open are closed when it ends, and not before.
func TestEnd(t *testing.T) {
	in, result := start(t, granted(t), `f = io.open("left", "w") return "ok"`)
	if result != "ok" {
		t.Fatal(result)
	}
	lib := libraryOf(t, in)
	in.Halt()
	if err := in.Do(context.Background(), func(in *vm.Instance) error {
		_, err := in.Call(in.State().NewFunction(func(L *lua.LState) int {
			f := L.GetGlobal("f").(*lua.LUserData)
			L.Push(L.NewFunction(write))
			L.Push(f)
			L.Push(lua.LString("at the end"))
			L.Call(2, 0)
			return 0
		}))
		return err
	}); err != nil {
		t.Error(err)
	}
	if err := in.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		lib.mu.Lock()
		left := len(lib.files)
		lib.mu.Unlock()
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d files are open", left)
		}
	}
	if f, err := lib.grants.Open("left", os.O_RDONLY); err != nil {
		t.Error(err)
	} else {
		b := make([]byte, 100)
		n, _ := f.Read(b)
		if f.Close(); !strings.HasPrefix(string(b[:n]), "at the end") {
			t.Errorf("%q", b[:n])
		}
	}
	if _, err := lib.openFile("in.txt", os.O_RDONLY); !errors.Is(err, vm.ErrCancelled) {
		t.Error("a file is opened after the end:", err)
	}
}
