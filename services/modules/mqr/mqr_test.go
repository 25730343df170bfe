package mqr

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"

	"lapps/services/modules/task"
	"lapps/services/nljson"
	"lapps/services/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// prelude is before each script, in its first line.
const prelude = `mqr, task, log = require "mqr", require "task", {} ` +
	`function show(v) if type(v) ~= "table" then return tostring(v) end local t = {} for i = 1, table.maxn(v) do t[i] = type(v[i]) .. " " .. tostring(v[i]) end return table.concat(t, ", ") end ` +
	`function is(got, want) if show(got) ~= show(want) then error("got " .. show(got) .. "; want " .. show(want), 2) end end ` +
	`function raises(fn, want) local ok, err = pcall(fn) if ok or err ~= want then error("raised " .. tostring(err) .. "; want " .. want, 2) end end ` +
	`function say(s) log[#log + 1] = s end ` +
	`function settle() sleep(0.001) end ` +
	`function said() local s = table.concat(log, " ") log = {} return s end `

// start makes an instance whose main file is source; nothing of it has run. It has the
// modules mqr and task, and took(s): the time since the last call is so, to a tenth;
// settle lets others do what they can, in a virtual time.
func start(t testing.TB, qs *Queues, name, source string, limits func(*vm.Config)) *vm.Instance {
	t.Helper()
	p, err := vm.Load(fstest.MapFS{name: {Data: []byte(prelude + source)}}, name)
	if err != nil {
		t.Fatal(err)
	}
	var in *vm.Instance
	c := vm.Config{Program: p, Modules: []vm.Module{task.Module(), qs.Module()}, Globals: func(in *vm.Instance, L *lua.LState) {
		L.SetGlobal("nljson", nljson.New(L, nil).Table())
		last := in.Now()
		L.SetGlobal("took", L.NewFunction(func(L *lua.LState) int {
			now := in.Now()
			if got, want := math.Floor(now.Sub(last).Seconds()*10)/10, float64(L.CheckNumber(1)); got != want {
				L.RaiseError("it took %v s, not %v", got, want)
			}
			last = now
			return 0
		}))
	}}
	if limits != nil {
		limits(&c)
	}
	if in, err = vm.New(c); err != nil {
		t.Fatal(err)
	}
	return in
}

// runMain runs the main file.
func runMain(t testing.TB, in *vm.Instance) (result string) {
	t.Helper()
	do(t, in, func(in *vm.Instance) error {
		v, err := in.Main()
		if result = v.String(); err != nil {
			result = err.Error()
		}
		return nil
	})
	return result
}

func do(t testing.TB, in *vm.Instance, f func(in *vm.Instance) error) {
	t.Helper()
	if err := in.Do(context.Background(), f); err != nil {
		t.Error(err)
	}
}

func stop(t testing.TB, in *vm.Instance) {
	t.Helper()
	if err := in.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// failing is a line of a script that is to raise an error: which, follows -->.
var failing = regexp.MustCompile(`(?m)^(.*) --> (".*")$`)

// TestScripts runs the files in testdata, each in an instance of its own, with a
// virtual time.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".lua"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := failing.ReplaceAllString(string(text), "raises(function() $1 end, $2)")
				in := start(t, New(Limits{Messages: 1000, Bytes: 100_000}), name, source, nil)
				if got := runMain(t, in); got != "nil" {
					t.Error(got)
				}
				stop(t, in)
			})
		})
	}
}

// TestBetweenInstances: nothing is lost, nothing comes twice, and what one instance
// has posted is received in that order.
func TestBetweenInstances(t *testing.T) {
	const producers, consumers, each = 3, 2, 2000
	for _, limits := range []Limits{{}, {Messages: 1}, {Messages: 7}, {Bytes: 200}} {
		t.Run(fmt.Sprintf("%+v", limits), func(t *testing.T) {
			qs := New(limits)
			var all []*vm.Instance
			results := make(chan string, producers+consumers)
			run := func(source string) {
				in := start(t, qs, "main.lua", source, nil)
				all = append(all, in)
				go func() { results <- runMain(t, in) }()
			}
			for p := range producers {
				run(fmt.Sprintf(`local q = mqr.create("q") for i = 1, %d do
					local m = i
					if i %% 3 == 0 then m = {p = %d, i = i} elseif i %% 3 == 1 then m = nljson.freeze(nljson.object {p = %d, i = i}) else m = "%d " .. i end
					is(q:post(m), true) end`, each, p, p, p))
			}
			for range consumers {
				run(fmt.Sprintf(`local q, last, n = mqr.create("q"), {}, 0
					while true do
						local m = q:recv()
						if m == "end" then return n end
						local p, i
						if type(m) == "string" then p, i = m:match("(%%d+) (%%d+)") else p, i = m.p, m.i end
						p, i = tonumber(p), tonumber(i)
						if i <= (last[p] or 0) then error("producer " .. p .. ": " .. i .. " behind " .. last[p]) end
						last[p], n = i, n + 1
					end`))
			}
			for range producers {
				if r := <-results; r != "nil" {
					t.Error(r)
				}
			}
			end := start(t, qs, "main.lua", fmt.Sprintf(`local q = mqr.create("q") for i = 1, %d do q:post("end") end`, consumers), nil)
			all = append(all, end)
			runMain(t, end)
			received := 0
			for range consumers {
				n := 0
				r := <-results
				if _, err := fmt.Sscan(r, &n); err != nil {
					t.Error(r)
				}
				received += n
			}
			if received != producers*each {
				t.Errorf("%d messages were received, of %d", received, producers*each)
			}
			for _, in := range all {
				stop(t, in)
			}
			if held := qs.held.Load(); held != 0 {
				t.Errorf("%d bytes are held", held)
			}
		})
	}
}
