package main

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	lua "github.com/yuin/gopher-lua"

	"lapps/config"
	"lapps/services"
	"lapps/services/grants"
	"lapps/services/luadoc"
	"lapps/services/vm"
)

// undescribed are modules that have no description yet.
var undescribed = []string{}

// elsewhere is what objects has for a class of which nothing can be made without a peer: the
// module's own tests use all that is described.
const elsewhere = "-"

// objects are expressions that make a value of each class with functions of its own.
var objects = map[string]string{
	"cws.connection":      elsewhere,
	"cws.object":          elsewhere,
	"io.file":             `io.open("x.txt", "w")`,
	"mqr.queue":           `require("mqr").create("census")`,
	"mutex.mutex":         `require("mutex").new()`,
	"semaphore.semaphore": `require("semaphore").new(1)`,
	"task.task":           `require("task").spawn(function() end)`,
	"timer.timer":         `require("timer").after(3600, function() end)`,
}

// standard is what Lua 5.1 has, which needs no description.
var standard = map[string]string{
	"": `_G _VERSION assert collectgarbage coroutine error getfenv getmetatable io ipairs load loadstring math next os
		package pairs pcall print rawequal rawget rawset require select setfenv setmetatable string table tonumber tostring
		type unpack xpcall`,
	"coroutine": "create resume running status wrap yield",
	"math": `abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max min mod modf pi pow
		rad random randomseed sin sinh sqrt tan tanh`,
	"os":      "clock date difftime getenv remove rename time",
	"package": "loaded",
	"string":  "byte char find format gmatch gsub len lower match rep reverse sub upper",
	"table":   "concat getn insert maxn remove sort",
}

// A census is what Lua really finds.
type census struct {
	t   *testing.T
	all []description
	l   *lua.LState
}

// TestDescribed compares what an instance finds with what is described: by name, and
// both ways.
func TestDescribed(t *testing.T) {
	all, err := luaAPI()
	if err != nil {
		t.Fatal(err)
	}
	c := &census{t: t, all: all}
	dir := t.TempDir()
	granted, err := grants.New(grants.Config{Base: dir, Files: []grants.Directory{{Path: dir, Write: true}}, Modules: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	const hook = "lapps.census"
	taken := false
	open := func(_ *vm.Instance, l *lua.LState) lua.LValue {
		taken = true
		c.l = l
		c.take()
		return lua.LNil
	}
	registry, err := services.New([]services.Config{{
		Name: "census", Files: fstest.MapFS{"census.lua": {Data: []byte("return {run = function() end}")}},
		Standalone: true, AutoStart: true, Instances: 1, Grants: granted, Preload: []string{hook},
		Libraries: globalModules(granted),
	}}, append(modules(config.Default().Limits), vm.Module{Name: hook, Open: open}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.Start(t.Context()); err != nil {
		t.Error(err)
	}
	if err := registry.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if !taken {
		t.Error("nobody has looked")
	}
}

// take compares everything. It is called by the instance.
func (c *census) take() {
	c.globals()
	c.own()
	for _, d := range c.all {
		if d.part != partTests {
			c.described(d)
		}
	}
	for _, m := range slices.Concat(alwaysModules(), described) {
		switch {
		case slices.Contains(undescribed, m.Name) != (m.Types == ""):
			c.t.Errorf("module %s: has a description: %v; the list undescribed says otherwise", m.Name, m.Types != "")
		case m.Types == "":
			c.t.Logf("module %s is not described yet", m.Name)
		case !slices.ContainsFunc(c.all, func(d description) bool { return d.Name == m.Name && d.Returned }):
			c.t.Errorf("module %s: its description must begin with ---@meta %s and return its table", m.Name, m.Name)
		}
	}
}

// globals are compared with those that are described, and Lua's.
func (c *census) globals() {
	have := members(c.l.G.Global)
	want := nameSet(standard[""])
	for _, m := range alwaysModules() {
		want[m.Name] = true // described or not: see take
	}
	for _, d := range c.all {
		if d.part != partAlways {
			continue
		}
		for _, f := range d.Funcs {
			if f.Table == "" {
				want[f.Name] = true
			}
		}
		for _, v := range d.Vars {
			want[v.Name] = true
		}
		for _, class := range d.Classes {
			if class.Global {
				want[class.Var] = true
			}
		}
	}
	c.compare("the globals", have, want)
}

// own are Lua's own tables, to which descriptions may add.
func (c *census) own() {
	for table, names := range standard {
		if table == "" {
			continue
		}
		have, want := members(c.l.G.Global.RawGetString(table)), nameSet(names)
		for _, d := range c.all {
			for _, f := range d.Funcs {
				if f.Table == table && d.part == partAlways {
					want[f.Name] = true
				}
			}
		}
		c.compare(table, have, want)
	}
}

// described compares the tables and objects of a description.
func (c *census) described(d description) {
	for _, class := range d.Classes {
		var v lua.LValue
		switch {
		case class.Global:
			v = c.l.G.Global.RawGetString(class.Var)
		case class == d.Main:
			v = c.make(fmt.Sprintf("require(%q)", d.Name))
		case len(class.Funcs) == 0:
			continue // a form of tables: there is nothing to look at
		case objects[class.Name] == elsewhere:
			continue
		case objects[class.Name] == "":
			c.t.Errorf("%s: the list objects has nothing that makes one", class.Name)
			continue
		default:
			v = c.make(objects[class.Name])
		}
		want := make(map[string]bool)
		for _, f := range class.Funcs {
			want[f.Name] = true
		}
		for _, f := range class.Fields {
			if !strings.HasPrefix(f.Name, "[") {
				want[f.Name] = true
			}
		}
		c.compare(class.Name, members(v), want)
	}
}

// make is the value of an expression.
func (c *census) make(expression string) lua.LValue {
	fn, err := c.l.LoadString("return " + expression)
	if err == nil {
		c.l.Push(fn)
		err = c.l.PCall(0, 1, nil)
	}
	if err != nil {
		c.t.Errorf("%s: %v", expression, err)
		return lua.LNil
	}
	v := c.l.Get(-1)
	c.l.Pop(1)
	return v
}

// members are the names of what a table has, or the methods of a userdata.
func members(v lua.LValue) map[string]bool {
	names := make(map[string]bool)
	if u, ok := v.(*lua.LUserData); ok {
		v = u.Metatable.(*lua.LTable).RawGetString("__index")
	}
	if table, ok := v.(*lua.LTable); ok {
		table.ForEach(func(k, _ lua.LValue) {
			if name, ok := k.(lua.LString); ok {
				names[string(name)] = true
			}
		})
	}
	return names
}

func nameSet(list string) map[string]bool {
	names := make(map[string]bool)
	for _, name := range strings.Fields(list) {
		names[name] = true
	}
	return names
}

// compare reports every difference.
func (c *census) compare(what string, have, want map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if !want[name] {
			c.t.Errorf("%s: %s is there, and not described", what, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !have[name] {
			c.t.Errorf("%s: %s is described, and not there", what, name)
		}
	}
}

// builtin are the types that editors know by themselves.
const builtin = `any boolean false fun function integer lightuserdata nil number self string table thread true unknown userdata
	file* metatable`

// TestTypesAreKnown: what descriptions name as types is described somewhere.
func TestTypesAreKnown(t *testing.T) {
	all, err := luaAPI()
	if err != nil {
		t.Fatal(err)
	}
	known := nameSet(builtin)
	for _, d := range all {
		for _, name := range typesOf(d.Doc) {
			if known[name] {
				t.Errorf("%s: the type %s is described twice", d.Name, name)
			}
			known[name] = true
		}
	}
	for _, d := range all {
		for _, m := range d.Mentions {
			if !known[m.Name] {
				t.Errorf("%s:%d: there is no type %s", d.Name, m.Line, m.Name)
			}
		}
	}
}

// typesOf are the types that a description declares.
func typesOf(d *luadoc.Doc) (names []string) {
	for _, class := range d.Classes {
		names = append(names, class.Name)
	}
	for _, a := range d.Aliases {
		names = append(names, a.Name)
	}
	return names
}
