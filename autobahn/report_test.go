package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// fullReport has a result for every case, each with as many frames as are
// recorded at most.
func fullReport() *Report {
	r := &Report{Agent: "Some Server/1.0", URL: "ws://127.0.0.1:1/secret?path", Note: "<b>2 cores</b>", Date: time.Unix(0, 0)}
	for _, c := range suite() {
		o := outcome{closedByMe: !c.Closing.ByServer, clean: true, gotClose: true, hasCode: true, code: 1000}
		one := newResult(&c, &o)
		var l wirelog
		for i := range 200 {
			l.sent(frameOf(opBin, rep("\xfe", 70)), rep("\xfe", 70+i).bytes())
		}
		one.Frames = l.written()
		r.Results = append(r.Results, one)
	}
	return r
}

func TestWriteReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	r := fullReport()
	if err := writeReport(dir, r); err != nil {
		t.Fatal(err)
	}
	checkIndex(t, dir, r)
	checkPage(t, filepath.Join(dir, "index.html"), r)
}

// checkIndex: index.json has the suite's shape, and the files it names are
// there.
func checkIndex(t *testing.T, dir string, r *Report) {
	t.Helper()
	var index map[string]map[string]map[string]any
	readJSON(t, filepath.Join(dir, "index.json"), &index)
	cases := index[r.Agent]
	if len(index) != 1 || len(cases) != 517 {
		t.Fatalf("%d agents, %d cases", len(index), len(cases))
	}
	got := fmt.Sprint(cases["7.1.6"])
	if want := "map[behavior:INFORMATIONAL behaviorClose:INFORMATIONAL duration:0 remoteCloseCode:1000 reportfile:some_server_1_0_case_7_1_6.json]"; got != want {
		t.Errorf("index has %s, want %s", got, want)
	}
	var one map[string]any
	for id, entry := range cases {
		readJSON(t, filepath.Join(dir, entry["reportfile"].(string)), &one)
		if one["id"] != id || one["behavior"] != entry["behavior"] {
			t.Errorf("%s: the file has %v, %v", id, one["id"], one["behavior"])
		}
	}
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// checkPage: the page has every case, needs nothing else, is not too big and
// does not tell the path.
func checkPage(t *testing.T, path string, r *Report) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, one := range r.Results {
		anchor := "case-" + one.ID + `"`
		if !strings.Contains(page, `href="#`+anchor) || !strings.Contains(page, `id="`+anchor) {
			t.Errorf("%s: not in the page", one.ID)
		}
	}
	if found := regexp.MustCompile(`(?i)https?://|src=|<script|<link|@import|url\(`).FindString(page); found != "" {
		t.Errorf("the page has %s", found)
	}
	if strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "secret") || strings.Contains(page, "<b>2 cores") {
		t.Error("the page has what it should not")
	}
	if len(page) > 2<<20 {
		t.Errorf("the page has %d octets", len(page))
	}
}

// TestEmptyValues: what did not come is null or an empty list.
func TestEmptyValues(t *testing.T) {
	b, err := json.Marshal(newResult(oneCase(t, "2.5"), new(outcome)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"received":[]`, `"remoteCloseCode":null`, `"remoteCloseReason":null`} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestSummary(t *testing.T) {
	r := &Report{Took: 1500 * time.Millisecond, Results: []*Result{
		{ID: "1.1.1", Behavior: OK, BehaviorClose: OK},
		{ID: "4.1.1", Description: "reserved opcode, empty", Behavior: OK, BehaviorClose: Failed, Why: "good", WhyClose: "the server stayed"},
		{ID: "6.3.1", Description: "a surrogate", Behavior: Failed, BehaviorClose: Failed, Why: "it stayed", WhyClose: "it stayed"},
		{ID: "7.1.6", Behavior: Informational, BehaviorClose: Informational},
		{ID: "12.1.1", Behavior: Unimplemented, BehaviorClose: OK},
		{ID: "12.1.2", Behavior: Unimplemented, BehaviorClose: OK},
		{ID: "13.1.1", Behavior: OK, BehaviorClose: OK, Notes: []string{"something"}},
		{ID: "13.1.2", Behavior: OK, BehaviorClose: OK, Notes: []string{"something"}},
	}}
	var b strings.Builder
	writeSummary(&b, r)
	const want = `8 cases in 1.5 s

                   behavior    close
OK                        4        5
INFORMATIONAL             1        1
UNIMPLEMENTED             2        0
FAILED                    1        2

4.1.1 reserved opcode, empty: behavior OK, close FAILED
    close: the server stayed

6.3.1 a surrogate: behavior FAILED, close FAILED
    behavior: it stayed

UNIMPLEMENTED, close OK: the server does not accept permessage-deflate
    in 12.1.1 12.1.2

note: something
    in 13.1.1 13.1.2
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
