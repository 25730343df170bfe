package vm

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

var update = flag.Bool("update", false, "write the golden files, with the real lua5.1")

// corpora are files of Lua expressions in testdata.
var corpora = []string{"patterns", "library"}

// TestCorpus compares what our functions give with what Lua 5.1 does, as it is written
// down in the golden files.
func TestCorpus(t *testing.T) {
	for _, name := range corpora {
		t.Run(name, func(t *testing.T) {
			lines, golden := corpus(t, name)
			compare(t, lines, ours(t, lines), golden)
		})
	}
}

// TestCorpusReal does so with the real Lua 5.1, and random expressions.
func TestCorpusReal(t *testing.T) {
	if _, err := exec.LookPath("lua5.1"); err != nil {
		if os.Getenv("LAPPS_NEED_PACKAGES") != "" {
			t.Fatal(err)
		}
		t.Skip("no lua5.1 is installed: Debian has it in a package of that name")
	}
	for _, name := range corpora {
		t.Run(name, func(t *testing.T) {
			lines, golden := corpus(t, name)
			compare(t, lines, golden, real(t, lines))
		})
	}
	t.Run("random", func(t *testing.T) {
		lines := randomPatterns(20000)
		compare(t, lines, ours(t, lines), real(t, lines))
	})
}

// TestCorpusStock has gopher-lua's own functions, of which some differ from Lua 5.1:
// our behaviour is Lua's, and how far it is from what a service would have without
// it is logged. They must not be better.
func TestCorpusStock(t *testing.T) {
	for _, name := range corpora {
		t.Run(name, func(t *testing.T) {
			lines, golden := corpus(t, name)
			same := 0
			for i, got := range stockResults(t, lines) {
				if got == golden[i] {
					same++
				} else {
					t.Logf("%s: gopher-lua's gives %s, Lua 5.1 %s", lines[i], got, golden[i])
				}
			}
			if same < len(lines)/2 {
				t.Errorf("only %d of %d are the same", same, len(lines))
			}
		})
	}
}

// corpus reads a corpus, and what Lua 5.1 makes of it.
func corpus(t *testing.T, name string) (lines, golden []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(real(t, lines), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(golden) != len(lines) {
		t.Fatalf("%s has %d lines, want %d: go test -update, where lua5.1 is", path, len(golden), len(lines))
	}
	return lines, golden
}

func compare(t *testing.T, lines, got, want []string) {
	t.Helper()
	for i := range lines {
		if got[i] != want[i] {
			t.Errorf("%s\n got %s\nwant %s", lines[i], got[i], want[i])
		}
	}
}

func showScript(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/show.lua")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func ours(t *testing.T, lines []string) (results []string) {
	t.Helper()
	in := started(t, showScript(t), Config{})
	defer stop(t, in)
	do(t, in, func(in *Instance) {
		for _, line := range lines {
			v, err := in.Call(in.main.GetGlobal("show"), lua.LString(line))
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			results = append(results, v.String())
		}
	})
	return results
}

func stockResults(t *testing.T, lines []string) (results []string) {
	t.Helper()
	L := lua.NewState()
	defer L.Close()
	if err := L.DoString(showScript(t)); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if err := L.CallByParam(lua.P{Fn: L.GetGlobal("show"), NRet: 1, Protect: true}, lua.LString(line)); err != nil {
			results = append(results, "panic: "+err.Error())
			continue
		}
		results = append(results, L.Get(-1).String())
		L.Pop(1)
	}
	return results
}

// real has the real Lua 5.1 show the lines.
func real(t *testing.T, lines []string) []string {
	t.Helper()
	var script bytes.Buffer
	script.WriteString(showScript(t) + "\n")
	for _, line := range lines {
		fmt.Fprintf(&script, "print((show(%s)))\n", luaQuote(line))
	}
	cmd := exec.Command("lua5.1", "-")
	cmd.Stdin = &script
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// luaQuote is a literal of Lua's for s.
func luaQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		fmt.Fprintf(&b, "\\%03d", s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// randomPatterns makes expressions that match random patterns against random
// subjects, always the same ones.
func randomPatterns(n int) (lines []string) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	for range n {
		var p strings.Builder
		if r.IntN(5) == 0 {
			p.WriteByte('^')
		}
		open := 0
		for range 1 + r.IntN(6) {
			switch r.IntN(14) {
			case 0:
				p.WriteByte('(')
				open++
			case 1:
				if open > 0 {
					p.WriteByte(')')
					open--
				}
			case 2:
				p.WriteString(pick("%b()", "%bab", "%f[%w]", "%f[^a]", "()", "%1", "%2"))
			case 3:
				p.WriteString(pick("[", "]", "%", "-", "*", "?", ")", "$", "^"))
			default:
				p.WriteString(pick("a", "b", "c", ".", "%a", "%d", "%s", "%W", "[ab]", "[^a]", "[a-c]", "[%d-]", "[]a]", "%."))
				p.WriteString(pick("", "", "", "*", "+", "-", "?"))
			}
		}
		for range open {
			if r.IntN(10) > 0 {
				p.WriteByte(')')
			}
		}
		if r.IntN(5) == 0 {
			p.WriteByte('$')
		}
		var s strings.Builder
		for range r.IntN(12) {
			s.WriteString(pick("a", "b", "c", "1", " ", "(", ")", ".", "-", "ab"))
		}
		subject, source := luaQuote(s.String()), luaQuote(p.String())
		switch r.IntN(4) {
		case 0:
			lines = append(lines, fmt.Sprintf("string.find(%s, %s, %d)", subject, source, r.IntN(8)-3))
		case 1:
			lines = append(lines, fmt.Sprintf("string.match(%s, %s)", subject, source))
		case 2:
			lines = append(lines, fmt.Sprintf("string.gsub(%s, %s, %s)", subject, source, luaQuote(pick("<%0>", "%1", "x", "", "%2%1"))))
		default:
			lines = append(lines, fmt.Sprintf("all(string.gmatch(%s, %s))", subject, source))
		}
	}
	return lines
}
