package vm

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestEscapes has strings say what LuaJIT has them say.
func TestEscapes(t *testing.T) {
	for source, want := range map[string]string{
		`return "\x41\x42c\x7a"`:                         "ABcz",
		`return '\x00\xff\xFe"\x22'`:                     "\x00\xff\xfe\"\"",
		`return "\x411"`:                                 "A1",
		`return "\\x41\\z"`:                              `\x41\z`,
		`return "\"\x41"`:                                `"A`,
		"return \"a\\\nb\\x41\"":                         "a\nbA",
		"return \"a\\z   b\"":                            "ab",
		"return \"a\\z \t\n\n  b\\z\n\"":                 "ab",
		`return "\z"`:                                    "",
		`return [[\x41]]`:                                `\x41`,
		`return [==[ ]] "\x41 ]==] .. "\x41"`:            ` ]] "\x41 A`,
		"-- \"\\x4\nreturn '\\x41'":                      "A",
		"--[[ \" \\x4 \n ]] return '\\x41'":              "A",
		"--[=[ ]] \" \\x4 \n ]=] return '\\x41'":         "A",
		"local t = {'a', \"\\x41\"} return t[1] .. t[2]": "aA",
		"return #'\\x00\\x00' .. ''":                     "2",
		"return '' -- \\x4":                              "",
	} {
		in := start(t, "function f() "+source+"\nend", Config{})
		do(t, in, func(in *Instance) {
			if v, err := in.Call(in.State().GetGlobal("f")); err != nil || v != lua.LString(want) {
				t.Errorf("%s: %q, %v, want %q", source, v, err, want)
			}
		})
	}
	for source, want := range map[string]string{
		"local a = 1\nreturn '\\x4g'":      `x.lua:2: \x must be followed by two hexadecimal digits`,
		`return "\x4`:                      `x.lua:1: \x must be followed by two hexadecimal digits`,
		"return 'a\\z\n\n' ..\n\n)":        "x.lua:5: syntax error near ')'",
		"return '\\x41":                    "x.lua:1: unterminated string",
		"return '\\x41' --[[":              "x.lua:1:",
		"return 'a\\z  \n  b\\x41\nreturn": "x.lua:",
		`return "\x41\`:                    "x.lua:1: unterminated string",
	} {
		if _, err := compile("x.lua", source); err == nil || !strings.Contains(err.Message, want) {
			t.Errorf("%q: %v, want %q", source, err, want)
		}
	}
}

// FuzzEscapes: what has none stays as it is, whatever is around it, and nothing crashes.
func FuzzEscapes(f *testing.F) {
	for _, s := range []string{`"\x41\z  "`, `[==[\x`, `--[[\z`, "'\\x4", "'\\z\n", `[=`, "--[", `"\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		plain, _, err := plainEscapes(s)
		if err != nil {
			return
		}
		if again, _, err := plainEscapes(plain); err != nil || again != plain {
			t.Errorf("%q becomes %q, and that %q, %v", s, plain, again, err)
		}
		if strings.Count(plain, "\n") > strings.Count(s, "\n") {
			t.Errorf("%q becomes %q: more lines", s, plain)
		}
	})
}
