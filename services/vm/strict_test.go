package vm

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestStrict is about assignments to globals that are not there, behind the main
// chunk.
func TestStrict(t *testing.T) {
	const main = `known = 1; later = nil
		function set() known = 2; fresh = 3; fresh = 4 end
		function hidden() rawset(_G, "raw", 1); return require("helper") .. raw end
		function own() local env = setmetatable({}, {__index = _G}); setfenv(1, env); mine = 1; return env.mine end`
	files := map[string]string{"main.lua": main, "helper.lua": `of_helper = 5; return "h" .. of_helper`}
	for _, c := range []struct {
		strict   Strict
		err, log string
		warnings int
		fresh    string
	}{
		{StrictOff, "", "", 0, "4"},
		{StrictWarn, "", `msg="assignment to an undeclared global" service="" instance="" name=fresh at=main.lua:2:`, 1, "4"},
		{StrictFail, "main.lua:2: assignment to the undeclared global 'fresh'", "", 0, "nil"},
	} {
		var log bytes.Buffer
		in := start(t, "", Config{Program: program(t, files), Strict: c.strict, Log: slog.New(slog.NewTextHandler(&log, nil))})
		_, err := eval(t, in, `set()`)
		if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%d: %v, want %q", c.strict, err, c.err)
		}
		want(t, in, `return tostring(fresh) .. known`, c.fresh+"2")
		want(t, in, `return hidden() .. own()`, "h511")
		if text := log.String(); !strings.Contains(text, c.log) || strings.Count(text, "undeclared") != c.warnings {
			t.Errorf("%d: log %s", c.strict, text)
		}
	}
	// What the service has set up stays.
	in := start(t, `setmetatable(_G, {__newindex = function(t, k, v) rawset(t, k, v .. "!") end})`, Config{Strict: StrictFail})
	want(t, in, `x = "a" return x`, "a!")
}
