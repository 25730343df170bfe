package vmtest

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"lapps/services/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A record is a reporter that keeps what it is told.
type record struct{ told []string }

func (r *record) Errorf(format string, args ...any) {
	r.told = append(r.told, fmt.Sprintf(format, args...))
}
func (r *record) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func TestScript(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"good", "same(1 + 1, 2)\nsame(0/0, -(0/0))\nerror('no\\n') --> \"no\"", ""},
		{"not the same", "\nsame('1', 1)", `x.lua:2: got "1", want 1`},
		{"not the same numbers", "same(2^53, 2^53 - 1)", `x.lua:1: got 9.007199254740992e+15, want 9.007199254740991e+15`},
		{"no error", "\nlocal x = 1 --> \"bad\"", "x.lua:2: no error, want x.lua:2: bad"},
		{"another error", "error('worse') --> \"bad\"", "x.lua:1: \n got x.lua:1: worse\nwant x.lua:1: bad"},
		{"an error elsewhere", "local function f()\nerror('bad')\nend\nf() --> \"bad\"", "x.lua:4: \n got x.lua:2: bad\nwant x.lua:4: bad"},
		{"two in one line", "local x = '--> ' error('a\\\"b') --> \"a\\\"b\"", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r record
			script(&r, "x.lua", c.text, vm.Config{})
			got := strings.Join(r.told, "; ")
			if got, _, _ = strings.Cut(got, "\nstack traceback"); strings.TrimSpace(got) != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestExpect(t *testing.T) {
	for text, want := range map[string]string{
		"x()\ny() --> bad":      `2: want CODE --> "message"`,
		"--> \"bad\"":           `1: want CODE --> "message"`,
		"y() --> \"bad\\q\"":    `1: "bad\q": invalid syntax`,
		"y() --> \"bad\" again": `1: want CODE --> "message"`,
	} {
		if _, err := expect(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
