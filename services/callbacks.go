package services

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// The callbacks of a service's table. Those of standalone services first.
var (
	programs  = []string{"init", "run", "onError"}
	reactions = []string{"onStart", "onConnect", "onMessage", "onDrain", "onDisconnect", "onShutdown", "onError"}
)

// checkCallbacks reports every callback that is missing or no function.
func (in *instance) checkCallbacks() error {
	names := reactions
	if in.service.Standalone {
		names = programs
	}
	var wrong []string
	for _, name := range names {
		fn, err := in.vm.Index(in.table(), name)
		if err != nil {
			return err
		}
		if fn != lua.LNil && fn.Type() != lua.LTFunction {
			wrong = append(wrong, fmt.Sprintf("%s must be a function, not a %s", name, fn.Type()))
		}
	}
	missing, err := in.missing()
	if err != nil {
		return err
	}
	if missing != "" {
		wrong = append(wrong, missing)
	}
	if in.service.Dialect == LAppS && !in.service.Standalone {
		methods, err := in.wrongMethods()
		if err != nil {
			return err
		}
		wrong = append(wrong, methods...)
	}
	if wrong != nil {
		return fmt.Errorf("%s.lua: %s", in.service.Name, strings.Join(wrong, "; "))
	}
	return nil
}

// missing says what a service cannot do without, and does.
func (in *instance) missing() (string, error) {
	needed, text := "onMessage", "the function onMessage is missing"
	switch {
	case in.service.Standalone:
		needed, text = "run", "the function run is missing"
	case in.service.Dialect == LAppS:
		if methods, err := in.vm.Index(in.table(), "methods"); err != nil || methods != lua.LNil {
			return "", err
		}
		text = "there must be a table methods, or the function onMessage, or both"
	}
	if fn, err := in.vm.Index(in.table(), needed); err != nil || fn != lua.LNil {
		return "", err
	}
	return text, nil
}

// wrongMethods reports what is wrong with the service's methods. Where there is
// an onMessage, too, it is only logged: the name may be LAppS's application's own.
func (in *instance) wrongMethods() ([]string, error) {
	methods, err := in.vm.Index(in.table(), "methods")
	if err != nil {
		return nil, err
	}
	wrong := checkMethods(methods)
	if onMessage, err := in.vm.Index(in.table(), "onMessage"); err != nil || onMessage == lua.LNil || wrong == nil {
		return wrong, err
	}
	in.log.Warn("some of methods is not taken for methods of the LAppS protocol", "why", strings.Join(wrong, "; "))
	return nil, nil
}

// checkMethods reports what is wrong with a table of methods.
func checkMethods(v lua.LValue) (wrong []string) {
	table, ok := v.(*lua.LTable)
	switch {
	case v == lua.LNil:
		return nil
	case !ok:
		return []string{fmt.Sprintf("methods must be a table, not a %s", v.Type())}
	}
	table.ForEach(func(name, fn lua.LValue) {
		text, isString := name.(lua.LString)
		switch {
		case !isString:
			wrong = append(wrong, fmt.Sprintf("methods: a method's name must be a string, not %s", name))
		case text == "" || text[0] == '_' || strings.Contains(string(text), "."):
			wrong = append(wrong, fmt.Sprintf("methods: %q is no name for a method: it must not be empty, begin with _ or have a dot", string(text)))
		case fn.Type() != lua.LTFunction:
			wrong = append(wrong, fmt.Sprintf("methods.%s must be a function, not a %s", text, fn.Type()))
		}
	})
	return wrong
}
