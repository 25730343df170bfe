package luadoc_test

import (
	"strings"
	"testing"

	"lapps/services/luadoc"
)

const head = "---@meta m\n\n--- Does things.\n---@class m\nm = {}\n\n"

// TestMistakes: what cannot be read is an error that says where.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "m.lua:1: the file must begin with ---@meta NAME"},
		{"no introduction", "---@meta m", "m.lua:1: there is no introduction: the comment behind ---@meta"},
		{"meta later", "\n---@meta m\n\n--- Text.", "m.lua:2: ---@meta must be the first line\nm.lua:1: the file must begin with ---@meta NAME"},
		{"an unknown annotation", head + "--- F.\n---@parm a string\nfunction m.f() end", "m.lua:8: the annotation @parm is not understood"},
		{"a space before an annotation", head + "--- F.\n--- @async\nfunction m.f() end", "m.lua:8: an annotation follows the dashes without a space"},
		{"a comment of two dashes", head + "-- F.", "m.lua:7: not understood: -- F."},
		{"other Lua", head + "m.x = 1 + 1", "m.lua:7: not understood: m.x = 1 + 1"},
		{"a comment above nothing", head + "--- F.\n\n", "m.lua:7: the comment belongs to nothing: a declaration must follow in the next line"},
		{"a comment above return", head + "--- F.\nreturn m", "m.lua:8: the comment belongs to nothing: a return is not described"},
		{"behind return", head + "return m\nm.x = 1", "m.lua:8: nothing may follow the return"},
		{"return of another", head + "return n", "m.lua:7: there is no table n to return"},
		{"an annotation above nothing", head + "--- F.\n---@async\n\n", "m.lua:8: the annotation belongs to nothing: a declaration must follow in the next line"},
		{"an annotation above a variable", head + "--- X.\n---@async\nm.x = 1", "m.lua:8: the annotation is about a function, and none follows"},
		{"no text", head + "function m.f() end", "m.lua:7: function m.f has no text"},
		{"a variable without text", head + "m.x = 1", "m.lua:7: x has no text"},
		{"a variable without a type", head + "--- X.\nm.x = nil", "m.lua:8: x needs a ---@type"},
		{"a body", head + "--- F.\nfunction m.f()\nreturn\nend", "m.lua:9: function m.f has a body; it must be empty\nm.lua:10: not understood: end"},
		{"no end", head + "--- F.\nfunction m.f()", "m.lua:9: function m.f has a body; it must be empty"},
		{"a parameter that is not described", head + "--- F.\n---@param a string\nfunction m.f(a, b) end", "m.lua:9: function m.f has the parameters (a, b), and described are (a)"},
		{"one that is not there", head + "--- F.\n---@param b string\nfunction m.f(...) end", "m.lua:9: function m.f has the parameters (...), and described are (b)"},
		{"no parameter", head + "--- F.\nfunction m.f(a b) end", "m.lua:8: function m.f has the parameters (ab), and described are ()"},
		{"a parameter without a type", head + "--- F.\n---@param a\nfunction m.f(a) end",
			"m.lua:8: ---@param NAME TYPE  TEXT is expected\nm.lua:9: function m.f has the parameters (a), and described are ()"},
		{"twice", head + "--- F.\nfunction m.f() end\n\n--- F.\nfunction m.f() end", "m.lua:11: m.f is there already: another way to call it is an ---@overload"},
		{"a field twice", head + "---@class x\n---@field a string\n---@field a? string", "m.lua:9: x has a field a already"},
		{"a class twice", head + "---@class m", "m.lua:7: the type m is there already"},
		{"a table twice", head + "---@class n\nlocal m = {}", "m.lua:8: m is there already"},
		{"a table that is not returned", "---@meta m\n\n--- Does things.\n---@class m\nlocal m = {}", "m.lua:4: the local m is not returned"},
		{"a table without a class", head + "local n = {}", "m.lua:7: n needs a ---@class"},
		{"a function of no table", head + "--- F.\nfunction n.f() end", "m.lua:8: there is no table n"},
		{"a variable of no table", head + "--- X.\nn.x = 1", "m.lua:8: there is no table n"},
		{"a field of nothing", head + "---@field a string", "m.lua:7: ---@field must stand below a ---@class"},
		{"a field's visibility", head + "---@class x\n---@field private a string", "m.lua:8: ---@field NAME TYPE  TEXT is expected"},
		{"a value of nothing", head + "---| \"a\"", "m.lua:7: a value must stand below a ---@alias, ---@field, ---@param or ---@return"},
		{"a text for a name", head + "--- F.\n---@return boolean whether it did\nfunction m.f() end",
			`m.lua:8: ---@return TYPE, TYPE NAME, TYPE NAME  TEXT (two spaces) or TYPE # TEXT is expected, not "whether it did"`},
		{"a value for a name", head + "--- F.\n---@return boolean  true\nfunction m.f() end",
			`m.lua:8: ---@return TYPE, TYPE NAME, TYPE NAME  TEXT (two spaces) or TYPE # TEXT is expected, not "true"`},
		{"two results in a line", head + "--- F.\n---@return boolean, string\nfunction m.f() end", `m.lua:8: ---@return TYPE, TYPE NAME, TYPE NAME  TEXT (two spaces) or TYPE # TEXT is expected, not ", string"`},
		{"an overload without self", head + "--- F.\n---@overload fun(a: string)\nfunction m:f() end", "m.lua:9: function m:f: the first parameter of an overload must be self"},
		{"no overload", head + "--- F.\n---@overload string\nfunction m.f() end", "m.lua:8: ---@overload fun(NAME: TYPE): TYPE is expected"},
		{"a type that does not end", head + "---@class x\n---@field a table<string", `m.lua:8: ">" is expected at ""`},
		{"a type that goes on", head + "---@class x\n---@field a string+x", `m.lua:8: a space is expected behind the type, at "+x"`},
		{"no type", head + "---@class x\n---@field a string|", `m.lua:8: a type is expected at ""`},
		{"types within each other", head + "---@alias x " + strings.Repeat("(", 1000), "m.lua:7: more than 50 types within each other"},
		{"a function in a table's place", head + "--- X.\n---@class x\nfunction m.f() end", "m.lua:9: function m.f has annotations of a table"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := luadoc.Parse("m.lua", c.text)
			if err == nil {
				t.Fatalf("no error; want\n%s", c.want)
			}
			if got := err.Error(); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestTypes: types are read to their ends, and what they name is known.
func TestTypes(t *testing.T) {
	for _, c := range []struct{ typ, names string }{
		{"string", "string"},
		{"string?", "string"},
		{"string[]?", "string"},
		{"a.b.c", "a.b.c"},
		{"string|integer", "string integer"},
		{"string | nil", "string nil"},
		{`"r"|"w"|'a'`, ""},
		{"1|-2", ""},
		{"async fun(a: string): b", "string b"},
		{"(string|number)[]", "string number"},
		{"table<string, m[]>", "table string m"},
		{"{ a: string, b?: integer, [1]: x, [y]: z }", "string integer x y z"},
		{"{}", ""},
		{"[string, integer]", "string integer"},
		{"fun()", ""},
		{"fun", "fun"},
		{"fun(a: string, b?: integer, ...: any): boolean, string?", "string integer any boolean"},
		{"fun(a, ...)", ""},
		{"fun(): ok: boolean, why: string", "boolean string"},
		{"fun(f: fun(x: a): b): c|d", "a b c d"},
		{"(fun(): a)?", "a"},
		{"`T`", "T"},
		{"...any", "any"},
		{"...", ""},
	} {
		t.Run(c.typ, func(t *testing.T) {
			d, err := luadoc.Parse("m.lua", "---@meta m\n\n--- Text.\n\n---@alias x "+c.typ+"  the text")
			if err != nil {
				t.Fatal(err)
			}
			if a := d.Aliases[0]; a.Type != c.typ || a.Text != "the text" {
				t.Errorf("got %q and %q", a.Type, a.Text)
			}
			var names []string
			for _, m := range d.Mentions {
				names = append(names, m.Name)
			}
			if got := strings.Join(names, " "); got != c.names {
				t.Errorf("it names %q, want %q", got, c.names)
			}
		})
	}
}
