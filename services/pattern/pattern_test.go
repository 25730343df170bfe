package pattern

import (
	"errors"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, c := range []struct {
		subject, pattern string
		from, start, end int // start -1: no match
	}{
		{"hello", "l+", 0, 2, 4},
		{"hello", "l+", 3, 3, 4},
		{"hello", "^l", 2, 2, 3},
		{"hello", "^l", 1, -1, 0},
		{"hello", "x", 0, -1, 0},
		{"hello", "", 5, 5, 5},
		{"hello", "o$", 0, 4, 5},
		{"a\x00b", "\x00b", 0, 1, 3},
		{"f(a(b))", "%b()", 0, 1, 7},
		{"THE fox", "%f[%l]%l+", 0, 4, 7},
		{"abcabc", "(abc)%1", 0, 0, 6},
	} {
		m := Matcher{Allowance: 1000}
		start, end, ok, err := m.Find(Compile(c.pattern, true), c.subject, c.from)
		if err != nil || ok != (c.start >= 0) || ok && (start != c.start || end != c.end) {
			t.Errorf("%q in %q from %d: %d-%d %v %v; want %d-%d", c.pattern, c.subject, c.from, start, end, ok, err, c.start, c.end)
		}
	}
}

// TestSteps has steps counted, the owner asked, and an end put to it.
func TestSteps(t *testing.T) {
	subject := strings.Repeat("a", 1000)
	p := Compile(strings.Repeat("a*", 10)+"b", true)
	spent := 0
	m := Matcher{Allowance: 100_000, Spend: func(n int) error { spent += n; return nil }}
	if _, _, _, err := m.Find(p, subject, 0); err == nil || err.Error() != TooComplex {
		t.Errorf("%v", err)
	}
	if spent < 100_000 || spent > 102_000 || m.Allowance > 0 {
		t.Errorf("%d steps were told of, %d are left", spent, m.Allowance)
	}
	stop := errors.New("stop")
	m = Matcher{Allowance: 100_000, Spend: func(n int) error { spent += n; return stop }}
	spent = 0
	if _, _, ok, err := m.Find(p, subject, 0); err != stop || ok || spent > 6000 {
		t.Errorf("%v %v after %d steps", ok, err, spent)
	}
	m = Matcher{Allowance: 10_000, Spend: func(n int) error { spent += n; return nil }}
	spent = 0
	for range 10 {
		if _, _, _, err := m.Find(Compile("^a-b", true), subject[:100], 0); err != nil {
			t.Fatal(err)
		}
	}
	if spent+m.Allowance != 10_000 || spent < 1000 {
		t.Errorf("%d steps, %d are left", spent, m.Allowance)
	}
}

// FuzzMatch looks for patterns that are matched where they do not match, that take
// too long or make the matcher panic.
func FuzzMatch(f *testing.F) {
	for _, s := range []string{"a*b", "^(a-)%1$", "[%w_]+", "%b()%f[%a]", "((a)(b?))+", "[^]a-c]", "%", "[", "(", "%2"} {
		f.Add("aab(c)_1", s)
	}
	f.Fuzz(func(t *testing.T, subject, source string) {
		for _, anchors := range []bool{true, false} {
			p := Compile(source, anchors)
			m := Matcher{Allowance: 100_000}
			start, end, ok, err := m.Find(p, subject, 0)
			if err != nil || !ok {
				continue
			}
			if start < 0 || end < start || end > len(subject) {
				t.Fatalf("%q in %q: %d-%d", source, subject, start, end)
			}
			for i := range p.Captures() {
				if p.Unfinished(i) {
					continue
				}
				if _, place, isPlace := m.Capture(subject, i); isPlace && (place < start || place > end) {
					t.Fatalf("%q in %q: capture %d is at %d, outside of %d-%d", source, subject, i, place, start, end)
				}
			}
			m.Allowance = 100_000
			if at, last, ok, err := m.Find(p, subject, start); !ok || err != nil || at != start || last != end {
				t.Fatalf("%q in %q: found at %d-%d, but from there at %d-%d, %v: %v", source, subject, start, end, at, last, ok, err)
			}
			if i := strings.Index(subject, source); Plain(source) && i != start {
				t.Fatalf("%q in %q: at %d, want %d", source, subject, start, i)
			}
		}
	})
}
