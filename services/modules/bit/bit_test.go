package bit

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"

	"lapps/services/vm"
	"lapps/services/vm/vmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var config = vm.Config{Modules: []vm.Module{Module()}}

func TestScripts(t *testing.T) { vmtest.Scripts(t, config) }

// evaluate evaluates expressions, which may be many, and returns the results as text.
func evaluate(t *testing.T, expressions []string) (results []string) {
	t.Helper()
	c := config
	var err error
	if c.Program, err = vm.Load(fstest.MapFS{"main.lua": {Data: []byte(
		`bit = require "bit" return function(s) return loadstring("return " .. s)() end`)}}, "main.lua"); err != nil {
		t.Fatal(err)
	}
	in, err := vm.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Do(context.Background(), func(in *vm.Instance) error {
		eval, err := in.Main()
		if err != nil {
			return err
		}
		for some := range slices.Chunk(expressions, 100) {
			v, err := in.Call(eval, lua.LString("table.concat({"+strings.Join(some, ", ")+`}, "\n")`))
			if err != nil {
				return fmt.Errorf("%s: %w", some, err)
			}
			results = append(results, strings.Split(v.String(), "\n")...)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := in.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	return results
}

// random is a number of the kinds that there are: small, large, negative, halves, and up
// to most.
func random(r *rand.Rand, most float64) float64 {
	f := float64(r.Uint64()>>11) * math.Pow(2, float64(r.IntN(90)-50)) // a whole number or not
	f = math.Mod(f, most)
	if r.IntN(3) == 0 {
		f = math.Floor(f) + 0.5
	}
	switch r.IntN(4) {
	case 0:
		f = float64(r.Uint32())
	case 1:
		f = -f
	}
	return f
}

// An expression is a call, with what it is made of.
type expression struct {
	name string
	args []float64
}

func (e expression) String() string {
	var args []string
	for _, a := range e.args {
		args = append(args, strconv.FormatFloat(a, 'f', -1, 64))
	}
	return "bit." + e.name + "(" + strings.Join(args, ", ") + ")"
}

// randomCalls are n calls with arguments up to most, always the same.
func randomCalls(n int, most float64) (all []expression) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"tobit", "tohex", "bnot", "bswap", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror"}
	for range n {
		e := expression{name: names[r.IntN(len(names))], args: []float64{random(r, most)}}
		switch e.name {
		case "tohex":
			e.args = append(e.args, float64(r.IntN(17)-8))
		case "band", "bor", "bxor":
			for range r.IntN(4) {
				e.args = append(e.args, random(r, most))
			}
		case "lshift", "rshift", "arshift", "rol", "ror":
			e.args = append(e.args, random(r, 1000))
		}
		all = append(all, e)
	}
	return all
}

func texts(calls []expression) (all []string) {
	for _, c := range calls {
		all = append(all, c.String())
	}
	return all
}

// TestTwin compares with the slow twin.
func TestTwin(t *testing.T) {
	for _, most := range []float64{1 << 33, 1 << 51, 1e25} {
		calls := randomCalls(3_000, most)
		for i, got := range evaluate(t, texts(calls)) {
			if want := slow(calls[i]); got != want {
				t.Errorf("%s = %s, want %s", calls[i], got, want)
			}
		}
	}
}

// TestReal compares with LuaJIT, in the range in which its arguments are defined.
func TestReal(t *testing.T) {
	if _, err := exec.LookPath("luajit"); err != nil {
		if os.Getenv("LAPPS_NEED_PACKAGES") != "" {
			t.Fatal(err)
		}
		t.Skip("no luajit is installed: Debian has it in a package of that name")
	}
	lines := texts(randomCalls(5_000, 1<<51))
	var script bytes.Buffer
	for _, l := range lines {
		fmt.Fprintf(&script, "print(%s)\n", l)
	}
	cmd := exec.Command("luajit", "-")
	cmd.Stdin = &script
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	for i, got := range evaluate(t, lines) {
		if got != want[i] {
			t.Errorf("%s = %s, LuaJIT has %s", lines[i], got, want[i])
		}
	}
}

// The slow twin: bits one by one, the lowest first.

type word32 [32]bool

// slowBits are the lowest bits of f, rounded.
func slowBits(f float64) (w word32) {
	n, _ := new(big.Float).SetFloat64(math.Abs(f)).Int(nil) // towards 0
	rest := math.Abs(f) - math.Floor(math.Abs(f))
	if rest > 0.5 || rest == 0.5 && n.Bit(0) == 1 {
		n.Add(n, big.NewInt(1))
	}
	if f < 0 {
		n.Neg(n)
	}
	n.Mod(n, big.NewInt(1<<32)) // Euclid's: it is not negative
	for i := range w {
		w[i] = n.Bit(i) == 1
	}
	return w
}

// number is w as a signed number.
func (w word32) number() string {
	n := 0
	for i, set := range w {
		if set {
			n += 1 << i
		}
	}
	if w[31] {
		n -= 1 << 32
	}
	return strconv.Itoa(n)
}

// moved is w with the bit at i being that at from(i), or fill where there is none.
func (w word32) moved(from func(i int) int, fill bool) (m word32) {
	for i := range m {
		if j := from(i); j >= 0 && j < 32 {
			m[i] = w[j]
		} else {
			m[i] = fill
		}
	}
	return m
}

// slow is the result of a call, as text.
func slow(e expression) string {
	w := slowBits(e.args[0])
	n := 0
	if len(e.args) > 1 {
		n = int(math.Mod(math.RoundToEven(e.args[1]), 32)+32) % 32
	}
	switch e.name {
	case "tobit":
		return w.number()
	case "bnot":
		for i := range w {
			w[i] = !w[i]
		}
		return w.number()
	case "bswap":
		return w.moved(func(i int) int { return 24 - i/8*8 + i%8 }, false).number()
	case "lshift":
		return w.moved(func(i int) int { return i - n }, false).number()
	case "rshift":
		return w.moved(func(i int) int { return i + n }, false).number()
	case "arshift":
		return w.moved(func(i int) int { return i + n }, w[31]).number()
	case "rol":
		return w.moved(func(i int) int { return (i - n + 32) % 32 }, false).number()
	case "ror":
		return w.moved(func(i int) int { return (i + n) % 32 }, false).number()
	case "tohex":
		return slowHex(w, int(e.args[1]))
	}
	for _, a := range e.args[1:] {
		v := slowBits(a)
		for i := range w {
			switch e.name {
			case "band":
				w[i] = w[i] && v[i]
			case "bor":
				w[i] = w[i] || v[i]
			default:
				w[i] = w[i] != v[i]
			}
		}
	}
	return w.number()
}

func slowHex(w word32, n int) (text string) {
	format := "%x"
	if n < 0 {
		n, format = -n, "%X"
	}
	for i := range n {
		digit := 0
		for j := range 4 {
			if w[4*i+j] {
				digit += 1 << j
			}
		}
		text = fmt.Sprintf(format, digit) + text
	}
	return text
}

func BenchmarkBand(b *testing.B) {
	L := lua.NewState()
	defer L.Close()
	fn := L.NewFunction(functions["band"])
	for b.Loop() {
		L.Push(fn)
		L.Push(lua.LNumber(0xff))
		L.Push(lua.LNumber(-1))
		L.Call(2, 1)
		L.Pop(1)
	}
}
