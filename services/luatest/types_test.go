package luatest

import (
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/luadoc"
	"lapps/services/vm"
)

// TestTypes: what is described is what tests find, and the other way round.
func TestTypes(t *testing.T) {
	d, err := luadoc.Parse("types.lua", Types)
	if err != nil {
		t.Fatal(err)
	}
	described := func(class string) (all []string) {
		for _, c := range d.Classes {
			if c.Name == class {
				all = append(all, names(c.Funcs)...)
			}
		}
		return slices.Sorted(slices.Values(all))
	}
	for _, c := range []struct {
		name      string
		got, want []string
	}{
		{"globals", slices.Sorted(slices.Values(names(d.Funcs))), globals(t)},
		{"expectations", described("testing.expectation"), slices.Sorted(maps.Keys(matchers))},
		{"connections", described("testing.connection"), slices.Sorted(maps.Keys(methods))},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: described are %v, and there are %v", c.name, c.got, c.want)
		}
	}
}

func names(all []*luadoc.Func) (names []string) {
	for _, f := range all {
		names = append(names, f.Name)
	}
	return names
}

// globals are those that a test finds and that services do not have.
func globals(t *testing.T) (all []string) {
	t.Helper()
	files := fstest.MapFS{"x_test.lua": {Data: []byte("")}}
	p, err := vm.Load(files, "x_test.lua")
	if err != nil {
		t.Fatal(err)
	}
	one, err := begin(&Runner{Modules: func() []vm.Module { return nil }}, &File{Files: files, Name: "x_test.lua"}, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := one.collect(); err != nil {
		t.Error(err)
	}
	if err := one.do(func() error {
		one.machine.State().G.Global.ForEach(func(k, _ lua.LValue) {
			if name := k.String(); !vm.Reserved(name) && name != "nljson" {
				all = append(all, name)
			}
		})
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := one.end(); err != nil {
		t.Error(err)
	}
	return slices.Sorted(slices.Values(all))
}
