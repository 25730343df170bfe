package services

import (
	"context"
	"crypto/x509"
	"math/big"
	"net/http"
	"slices"
	"testing"
	"testing/fstest"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
	"lapps/services/luadoc"
	"lapps/services/vm"
)

// TestTypesOfCallbacks: the callbacks and tables that are described are those that there are.
func TestTypesOfCallbacks(t *testing.T) {
	d, err := luadoc.Parse("service.lua", serviceTypes)
	if err != nil {
		t.Fatal(err)
	}
	fields := func(names ...string) (all []string) {
		for _, c := range d.Classes {
			if slices.Contains(names, c.Name) {
				for _, f := range c.Fields {
					all = append(all, f.Name)
				}
			}
		}
		slices.Sort(all)
		return all
	}
	for _, c := range []struct {
		name      string
		got, want []string
	}{
		{"raw", fields("service.connected", "service.raw"), reactions},
		{"LAppS", fields("service.connected", "service.lapps"), append([]string{"methods"}, reactions...)},
		{"standalone", fields("service.standalone"), programs},
		{"request", fields("service.request"), keys(requestTable(lua.NewState(), Request{
			Request: &wire.Request{Header: http.Header{}}, Subprotocol: "x", Certificate: &x509.Certificate{SerialNumber: new(big.Int)},
		}))},
		{"certificate", fields("service.certificate"), keys(certificateTable(lua.NewState(), &x509.Certificate{SerialNumber: new(big.Int)}))},
		{"error", fields("service.error"), keys(errorOf(t, &vm.Error{Value: lua.LTrue}))},
	} {
		want := slices.Sorted(slices.Values(c.want))
		if !slices.Equal(c.got, want) {
			t.Errorf("%s: described are %v, and there are %v", c.name, c.got, want)
		}
	}
}

// errorOf is an error as onError sees it.
func errorOf(t *testing.T, e *vm.Error) (table *lua.LTable) {
	t.Helper()
	p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte("")}}, "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	machine, err := vm.New(vm.Config{Program: p})
	if err != nil {
		t.Fatal(err)
	}
	in := &instance{vm: machine}
	if err := machine.Do(context.Background(), func(*vm.Instance) error {
		table = in.errorTable("onMessage", e)
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := machine.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	return table
}

// keys are those of a table.
func keys(table *lua.LTable) (all []string) {
	table.ForEach(func(k, _ lua.LValue) { all = append(all, k.String()) })
	return all
}
