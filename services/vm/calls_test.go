package vm

import (
	"reflect"
	"testing"
)

func TestCalls(t *testing.T) {
	p := program(t, map[string]string{
		"main.lua": `#!/usr/bin/lua
local a = require "sql"
local f = function(x)
  if x then return {k = io.open("data/" .. x, "w")} end
  for l in io.lines("in.txt") do print(os.getenv("HOME"), a:b(require("http"))) end
end
local open = io.open
pcall(io.open, "x")
require(os.getenv("MODULE")) io["open"]("y", "a")
function f2() return require("a")("b") end
x.require "no"  x.io.open("no")  io.close(f)`,
		"lib/deep.lua": `return require "deeper"`,
		"broken.lua":   `require "x" = =`,
		"data.txt":     `require "no"`,
	})
	want := []Call{
		{"lib/deep.lua", 1, "require", []string{"deeper"}},
		{"main.lua", 2, "require", []string{"sql"}},
		{"main.lua", 4, "io.open", nil},
		{"main.lua", 5, "io.lines", []string{"in.txt"}},
		{"main.lua", 5, "os.getenv", []string{"HOME"}},
		{"main.lua", 5, "require", []string{"http"}},
		{"main.lua", 7, "io.open", nil},
		{"main.lua", 8, "io.open", nil},
		{"main.lua", 9, "require", nil},
		{"main.lua", 9, "os.getenv", []string{"MODULE"}},
		{"main.lua", 9, "io.open", []string{"y", "a"}},
		{"main.lua", 10, "require", []string{"a"}},
	}
	got := p.Calls("require", "io.open", "io.lines", "os.getenv")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}
