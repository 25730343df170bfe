package utf8

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"

	"lapps/services/vm"
	"lapps/services/vm/vmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestScripts(t *testing.T) {
	vmtest.Scripts(t, vm.Config{Modules: []vm.Module{Module()}})
}

// surrogate reports whether a code point is no character of Unicode's.
func surrogate(code rune) bool { return code >= 0xD800 && code <= 0xDFFF }

// TestAllCodes has all code points there and back.
func TestAllCodes(t *testing.T) {
	for code := rune(0); code <= utf8.MaxRune; code++ {
		text := string(encode(nil, code))
		if want := string(code); text != want && !surrogate(code) {
			t.Errorf("%X is %x, want %x", code, text, want)
		}
		if got, size := decode(text + "x"); got != code || size != len(text) {
			t.Errorf("%x is %X of %d bytes, want %X", text, got, size, code)
		}
		for i := range len(text) {
			if _, size := decode(text[:i]); size != 0 {
				t.Errorf("%x is a character", text[:i])
			}
		}
	}
}

// TestAllBytes has all beginnings of two bytes, with some behind them, decoded as Go does.
func TestAllBytes(t *testing.T) {
	for first := range 256 {
		for second := range 256 {
			for _, rest := range []string{"", "\x80", "\x80\x80", "\xBF\xBF", "\x80\x80\x80", "x", "\x80x", "\xC0\x80"} {
				text := string([]byte{byte(first), byte(second)}) + rest
				code, size := decode(text)
				want, wantSize := utf8.DecodeRuneInString(text)
				if want == utf8.RuneError && wantSize == 1 {
					want, wantSize = 0, 0
				}
				if (code != want || size != wantSize) && !surrogate(code) {
					t.Errorf("%x is %X of %d bytes, want %X of %d", text, code, size, want, wantSize)
				}
			}
		}
	}
}

// show is Lua, of 5.1 and 5.3, that shows what an expression gives.
const show = `
local utf8 = utf8 or require "utf8"
local function text(v)
  if type(v) ~= "string" then return tostring(v) end
  return '"' .. v:gsub(".", function(c) return ("%02x"):format(c:byte()) end) .. '"'
end
function codes(s)
  local out = {}
  for p, c in utf8.codes(s) do out[#out + 1] = p .. ":" .. c end
  return table.concat(out, " ")
end
function show(f)
  local function results(ok, ...)
    if not ok then
      local e = tostring((...)):gsub("^[%w.<>]+:%d+: ", ""):gsub("'", ""):gsub("no value", "nil")
      return "error: " .. e:gsub("to %S+", "to it")
    end
    local out = {}
    for i = 1, select("#", ...) do out[i] = text((select(i, ...))) end
    return table.concat(out, " ")
  end
  return results(pcall(f))
end
`

// random are expressions, always the same.
func random(n int) (lines []string) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{
		"a", "z", "\x00", "é", "€", "😀", "\U0010FFFF", "\uFFFD", "\xED\xA0\x80", "\xED\xBF\xBF", "\x80", "\xBF\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98",
		"\xC0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF",
	}
	text := func() string {
		var b strings.Builder
		b.WriteByte('"')
		for range r.IntN(6) {
			p := pieces[r.IntN(8)]
			if r.IntN(6) == 0 {
				p = pieces[r.IntN(len(pieces))]
			}
			for i := range len(p) {
				fmt.Fprintf(&b, `\%03d`, p[i])
			}
		}
		return b.String() + `"`
	}
	number := func() string {
		switch r.IntN(20) {
		case 0:
			return "nil"
		case 1:
			return "1.5"
		case 2:
			return "2^62"
		case 3:
			return "-2^63"
		}
		return fmt.Sprint(r.IntN(24) - 9)
	}
	for range n {
		var line string
		switch r.IntN(6) {
		case 0:
			line = fmt.Sprintf("utf8.char(%d, %d)", r.IntN(0x110200), r.IntN(0x900))
		case 1:
			line = fmt.Sprintf("utf8.codepoint(%s, %s, %s)", text(), number(), number())
		case 2:
			line = fmt.Sprintf("utf8.len(%s, %s, %s)", text(), number(), number())
		case 3:
			line = fmt.Sprintf("utf8.offset(%s, %s, %s)", text(), number(), number())
		case 4:
			line = fmt.Sprintf("codes(%s)", text())
		default:
			line = fmt.Sprintf("%s:gsub(utf8.charpattern, '<%%0>')", "("+text()+")")
		}
		lines = append(lines, "show(function() return "+line+" end)")
	}
	return lines
}

// TestReal compares with the real Lua 5.3.
func TestReal(t *testing.T) {
	if _, err := exec.LookPath("lua5.3"); err != nil {
		if os.Getenv("LAPPS_NEED_PACKAGES") != "" {
			t.Fatal(err)
		}
		t.Skip("no lua5.3 is installed: Debian has it in a package of that name")
	}
	lines := random(5_000)
	var script bytes.Buffer
	script.WriteString(show)
	for _, l := range lines {
		fmt.Fprintf(&script, "print(%s)\n", l)
	}
	cmd := exec.Command("lua5.3", "-")
	cmd.Stdin = &script
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	for i, got := range ours(t, lines) {
		if got != want[i] {
			t.Errorf("%s\n got %s\nwant %s", lines[i], got, want[i])
		}
	}
}

// start runs source in an instance, which is stopped behind the test.
func start(t *testing.T, source string, c vm.Config) *vm.Instance {
	t.Helper()
	var err error
	if c.Program, err = vm.Load(fstest.MapFS{"main.lua": {Data: []byte(source)}}, "main.lua"); err != nil {
		t.Fatal(err)
	}
	c.Modules = []vm.Module{Module()}
	in, err := vm.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := in.Do(context.Background(), func(in *vm.Instance) error { _, err := in.Main(); return err }); err != nil {
		t.Fatal(err)
	}
	return in
}

func ours(t *testing.T, lines []string) (results []string) {
	t.Helper()
	in := start(t, `utf8 = require "utf8"`+show+"\nfunction eval(s) return loadstring('return ' .. s)() end", vm.Config{})
	if err := in.Do(context.Background(), func(in *vm.Instance) error {
		for _, l := range lines {
			v, err := in.Call(in.State().GetGlobal("eval"), lua.LString(l))
			if err != nil {
				return fmt.Errorf("%s: %w", l, err)
			}
			results = append(results, v.String())
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	return results
}

// A handler is a target whose event calls the global handler.
type handler struct{ err chan error }

func (handler) Gate() *vm.Gate { return nil }
func (handler) Room()          {}
func (h handler) Handle(in *vm.Instance, _ vm.Event) {
	_, err := in.Call(in.State().GetGlobal("handler"))
	h.err <- err
}

// TestWorkCounts has calls that go on for ever in Go, most of all, end when their time
// is over.
func TestWorkCounts(t *testing.T) {
	for _, call := range []string{
		"utf8.len(s)", "utf8.offset(s, 2^50)", "utf8.offset(s, -2^50)", "utf8.offset(c, 0, #c)", "f(c, 1)", "utf8.codepoint(s, 1, 32000)",
	} {
		t.Run(call, func(t *testing.T) {
			in := start(t, `utf8 = require "utf8" s, c = ("x"):rep(1e6), ("\128"):rep(1e6) f = utf8.codes("") function handler() while true do local a = `+call+" end end", vm.Config{CallTime: 50 * time.Millisecond})
			h := handler{make(chan error, 1)}
			if err := in.Post(vm.Event{Target: h}); err != nil {
				t.Fatal(err)
			}
			if err := <-h.err; !errors.Is(err, vm.ErrTime) {
				t.Error(err)
			}
		})
	}
}
