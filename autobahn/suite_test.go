package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSuiteCounts(t *testing.T) {
	want := map[string]int{"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1, "12": 90, "13": 126}
	got := make(map[string]int)
	cases := suite()
	for i := range cases {
		got[cases[i].Group()]++
	}
	for group := range subjects {
		if got[group] != want[group] {
			t.Errorf("group %s: %d cases, want %d", group, got[group], want[group])
		}
	}
	if len(cases) != 517 {
		t.Errorf("%d cases, want 517", len(cases))
	}
}

// TestSuiteOrder: IDs are in the order of their numbers, and so unique.
func TestSuiteOrder(t *testing.T) {
	numbers := func(id string) (all []int) {
		for s := range strings.SplitSeq(id, ".") {
			n, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(id, err)
			}
			all = append(all, n)
		}
		return all
	}
	if !slices.IsSortedFunc(suite(), func(a, b Case) int {
		return cmp.Or(slices.Compare(numbers(a.ID), numbers(b.ID)), -1) // equal is out of order
	}) {
		t.Error("the cases are out of order")
	}
}

// TestSuiteComplete: every case says all it has to.
func TestSuiteComplete(t *testing.T) {
	for _, c := range suite() {
		switch {
		case c.What == "", c.Timer.After == 0, c.Closing.Codes == nil:
			t.Errorf("%s: no description, timer or closing", c.ID)
		case (c.Steps == nil) == (c.Trips == nil), (c.Expected == nil) != (c.Steps == nil):
			t.Errorf("%s: expected steps and what comes back, or trips", c.ID)
		}
		if informational := c.Group() == "7" && (c.ID == "7.1.6" || means("7.13.*", c.ID)); c.Informational != informational {
			t.Errorf("%s: informational is %v", c.ID, c.Informational)
		}
		if (c.Offer != "") != (c.Group() == "12" || c.Group() == "13") {
			t.Errorf("%s: offers %q", c.ID, c.Offer)
		}
	}
}

// TestSuiteTexts holds the marks of the table, and all other expectations of
// group 6, against unicode/utf8.
func TestSuiteTexts(t *testing.T) {
	for _, c := range texts() {
		message := joined(c.Steps)
		if !c.Closing.ByServer != utf8.ValidString(message) {
			t.Errorf("%s: sends %q and expects %s", c.ID, message, c.expectation())
		}
	}
	for _, c := range textTable() {
		message := joined(c.Steps)
		if !c.Closing.ByServer != utf8.ValidString(message) {
			t.Errorf("%s: sends %q and expects %s", c.ID, message, c.expectation())
		}
	}
}

func joined(steps []Step) string {
	var all []byte
	for _, s := range steps {
		for _, f := range s.Frames {
			all = append(all, f.Payload.bytes()...)
		}
	}
	return string(all)
}

// TestSuiteFragments: the frames of a fragmented message have its type, length
// and end, and their number is the suite's.
func TestSuiteFragments(t *testing.T) {
	want := map[string]int{"9.3.1": 65537, "9.3.8": 5, "9.3.9": 1, "9.4.2": 16385, "9.4.4": 1025, "10.1.1": 51}
	for _, c := range slices.Concat(fragmented(), autoFragmented()) {
		frames := c.Steps[0].Frames
		size, item := 0, c.Expected[0].Items[0]
		for i, f := range frames {
			size += f.Payload.Len()
			if f.More != (i < len(frames)-1) || f.Op != opCont && i > 0 {
				t.Errorf("%s: frame %d of %d is %v, more %v", c.ID, i, len(frames), f.Op, f.More)
			}
		}
		if frames[0].Op != item.Op || size != item.Payload.Len() {
			t.Errorf("%s: sends %v of %d octets and expects %v", c.ID, frames[0].Op, size, item)
		}
		if n := want[c.ID]; n != 0 && n != len(frames) {
			t.Errorf("%s: %d frames, want %d", c.ID, len(frames), n)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		patterns string
		want     int
		err      string
	}{
		{"", 517, ""},
		{"*", 517, ""},
		{"1.*", 16, ""},
		{"1.* 1.1.* 1.1.1", 16, ""},
		{"7.9.*", 9, ""},
		{"6.4.1", 1, ""},
		{"6.4.1 6.4.3", 2, ""},
		{"1.1", 0, `no case is meant by "1.1"; expected something like *, 1.*, 7.9.* or 6.4.1`},
		{"1.* 8.*", 0, `no case is meant by "8.*"; expected something like *, 1.*, 7.9.* or 6.4.1`},
		{"1*", 0, `no case is meant by "1*"; expected something like *, 1.*, 7.9.* or 6.4.1`},
	} {
		cases, err := choose(suite(), strings.Fields(c.patterns))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if len(cases) != c.want || got != c.err {
			t.Errorf("%q: %d cases and %q, want %d and %q", c.patterns, len(cases), got, c.want, c.err)
		}
	}
}
