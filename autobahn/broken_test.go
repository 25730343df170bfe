package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A row says that cases have a pair of verdicts, "behavior/close". Cases are
// patterns, or a set with a name.
type row struct{ verdicts, cases string }

// sets are the names of cases that have something in common.
var sets = map[string]func(c *Case) bool{
	"@breaches": func(c *Case) bool { return c.Closing.ByServer },
	"@badtexts": func(c *Case) bool { return c.Closing.ByServer && c.Closing.Fatal },
	"@protocol": func(c *Case) bool { return c.Closing.ByServer && !c.Closing.Fatal },
	"@clean":    func(c *Case) bool { return c.Closing.Clean && !c.Informational },
	"@normal":   func(c *Case) bool { return c.Closing.Clean && !c.Informational && c.Group() != "7" },
	"@coded":    func(c *Case) bool { return c.Group() == "7" && c.Closing.Clean && !c.Informational },
}

// wanted is the verdicts by the first row that has the case; "" is for good.
func wanted(rows []row, c *Case) string {
	for _, r := range rows {
		if slices.ContainsFunc(strings.Fields(r.cases), func(p string) bool {
			if set := sets[p]; set != nil {
				return set(c)
			}
			return means(p, c.ID)
		}) {
			return r.verdicts
		}
	}
	return ""
}

// wantVerdicts runs the cases and fails the test where the verdicts are others
// than those of the rows, or not good and of no row.
func wantVerdicts(t *testing.T, url, patterns string, rows []row) *Report {
	t.Helper()
	r, err := run(t.Context(), Config{URL: url, Patterns: strings.Fields(patterns), Messages: 5, Parallel: 24})
	if err != nil {
		t.Fatal(err)
	}
	cases, _ := choose(suite(), strings.Fields(patterns))
	for i, one := range r.Results {
		got := ""
		if !one.good() {
			got = fmt.Sprintf("%s/%s", one.Behavior, one.BehaviorClose)
		}
		if w := wanted(rows, &cases[i]); got != w {
			t.Errorf("%s: got %q, want %q\n\tbehavior: %s\n\tclose: %s", one.ID, got, w, one.Why, one.WhyClose)
		}
	}
	return r
}

const (
	// quick has no timers of 10 s.
	quick = "1.1.1 1.1.2 1.1.3 1.1.4 1.1.5 1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 2.* 3.* 4.* 5.* 6.* 7.*"
	// some is for servers that let each case wait.
	some = "1.1.1 1.2.5 2.* 3.* 4.1.* 5.15 5.16 5.19 6.2.* 6.3.* 6.4.1 6.6.* 7.*"
)

func TestGoodServer(t *testing.T) {
	const most = "1.* 2.* 3.* 4.* 5.* 6.* 7.* 10.* 9.1.1 9.1.3 9.2.2 9.3.1 9.3.6 9.4.2 9.5.6 9.6.5 9.7.2 9.8.5"
	wantVerdicts(t, new(echoServer).start(t), most, nil)
}

// TestBrokenServer has a server for each mistake, and the cases that have to
// find it, no others.
func TestBrokenServer(t *testing.T) {
	alter := func(message []byte) []byte {
		if len(message) == 0 {
			return nil
		}
		other := slices.Clone(message)
		other[0] ^= 1
		return other
	}
	for _, c := range []struct {
		name   string
		server *echoServer
		cases  string
		want   []row
	}{
		{"no check of UTF-8", &echoServer{noUTF8: true}, quick, []row{{"FAILED/FAILED", "@badtexts"}}},
		{"UTF-8 checked at the end of a message", &echoServer{lateUTF8: true}, quick, []row{{"NON-STRICT/OK", "6.4.*"}}},
		// What it takes for two frames: a ping, and then a CONT that is a breach
		// again. The pong of 5.2 is ignored, so that nothing is to be seen.
		{"fragmented control frames", &echoServer{fragmentedControl: true}, quick, []row{{"FAILED/OK", "5.1"}}},
		{"fragmented control frames, continued", &echoServer{fragmentedControl: true, strayContinuation: true}, quick,
			[]row{{"FAILED/FAILED", "5.1 5.2 5.9 5.10 5.11 5.12 5.13 5.14 5.15 5.16 5.17 5.18"}}},
		// It answers with pongs that are too long, and Close frames without reason.
		{"long control frames", &echoServer{longControl: true}, quick, []row{{"FAILED/FAILED", "2.5"}, {"FAILED/WRONG CODE", "7.3.6"}}},
		{"reserved opcodes ignored", &echoServer{reservedOpcodes: true}, quick, []row{
			{"OK/FAILED", "4.1.1 4.1.2 4.2.1 4.2.2"}, // nothing comes, as it should, but the server stays
			{"FAILED/FAILED", "4.1.3 4.1.4 4.1.5 4.2.3 4.2.4 4.2.5"},
		}},
		// 3.7 is a Close frame without a code: the answer to it is like the end
		// for a breach.
		{"reserved bits ignored", &echoServer{reservedBits: true}, quick, []row{{"FAILED/FAILED", "3.1 3.2 3.3 3.4 3.5 3.6"}}},
		{"CONT with nothing to continue", &echoServer{strayContinuation: true}, quick,
			[]row{{"FAILED/FAILED", "5.9 5.10 5.11 5.12 5.13 5.14 5.15 5.16 5.17 5.18"}}},
		{"invalid close codes echoed", &echoServer{closeCodes: true}, quick,
			[]row{{"FAILED/WRONG CODE", "7.9.*"}, {"FAILED/FAILED BY CLIENT", "7.3.2"}}},
		{"no check of close reasons", &echoServer{closeReason: true}, quick, []row{{"FAILED/WRONG CODE", "7.5.1"}}},
		{"1002 where 1007 is due", &echoServer{textCode: 1002}, quick, []row{{"OK/WRONG CODE", "@badtexts"}}}, // 7.5.1 allows it
		{"1000 where 1002 is due", &echoServer{protocolCode: 1000}, quick,
			[]row{{"OK/WRONG CODE", "@protocol"}, {"FAILED/WRONG CODE", "7.3.2 7.3.6 7.9.*"}}},
		{"1001 where the code is due", &echoServer{replyCode: 1001}, quick,
			[]row{{"", "7.3.1 7.7.2"}, {"FAILED/WRONG CODE", "@coded"}, {"OK/WRONG CODE", "@normal"}}},
		{"a code that may not be sent", &echoServer{replyCode: 1012}, "1.1.1 2.1 3.1 7.1.3 7.3.1 7.7.1 7.9.1",
			[]row{{"FAILED/UNCLEAN", "1.1.1 2.1 7.1.3 7.7.1"}}},
		{"drops TCP at a breach", &echoServer{dropAtBreach: true}, quick, nil},
		{"no answer to Close frames", &echoServer{noCloseReply: true}, some, []row{
			{"FAILED/UNCLEAN", "7.1.3 7.1.4 7.1.5"}, // for it the connection goes on
			{"OK/UNCLEAN", "@clean"},
			{"OK/FAILED BY CLIENT", "7.3.2 7.5.1 7.9.*"},
		}},
		{"never drops TCP", &echoServer{neverDrop: true}, some,
			[]row{{"OK/UNCLEAN", "@clean"}, {"OK/FAILED BY CLIENT", "@breaches 7.3.2 7.3.6 7.5.1 7.9.*"}}},
		{"answers after the Close frame", &echoServer{answerAfterClose: true}, quick, []row{{"FAILED/OK", "7.1.3 7.1.4 7.1.5"}}},
		{"closes first", &echoServer{closeFirst: true}, "1.1.1 2.1 3.1 3.2 6.6.2 9.1.1 9.7.2 10.1.1", []row{
			{"NON-STRICT/WRONG CODE", "3.2"},
			{"FAILED/FAILED", "1.1.1 6.6.2 9.1.1 9.7.2 10.1.1"},
		}},
		{"no pongs", &echoServer{noPong: true}, quick,
			[]row{{"FAILED/OK", "2.1 2.2 2.3 2.4 2.6 2.9 2.10 2.11 5.6 5.7 5.8 5.19 5.20"}}},
		{"only the last ping answered", &echoServer{lastPong: true}, "2.1 2.2 2.4 2.9 2.10", []row{{"FAILED/OK", "2.10"}}},
		{"pongs after the message", &echoServer{latePong: true}, quick, []row{{"FAILED/OK", "5.6 5.7 5.8 5.19 5.20"}}},
		// Where the runner's timer closes with 1001, that is echoed, too.
		{"echo altered", &echoServer{change: alter}, "1.1.1 1.1.2 1.2.5 2.* 3.1 3.2 5.3 5.15 7.1.1 9.1.1 9.7.2",
			[]row{{"FAILED/WRONG CODE", "1.1.2 1.2.5 7.1.1"}, {"FAILED/OK", "3.2 5.3 5.15"}}},
		{"echo truncated", &echoServer{change: func(b []byte) []byte { return b[:len(b)*3/4] }}, "1.1.1 1.1.2 2.1 3.2 5.3 9.1.1 9.7.2",
			[]row{{"FAILED/WRONG CODE", "1.1.2"}, {"FAILED/OK", "3.2 5.3 9.1.1 9.7.2"}}},
		{"frames masked", &echoServer{masked: true}, "1.1.1 2.1 2.5 3.1 5.6 6.3.1 7.1.1 7.1.2 7.9.1 9.7.2", []row{
			{"FAILED/FAILED", "@breaches"},
			{"FAILED/UNCLEAN", "@clean"},
			{"FAILED/FAILED BY CLIENT", "7.9.1"},
		}},
		{"echo in fragments", &echoServer{split: 3}, "1.* 5.* 9.1.1 9.7.2", nil}, // is as good
		{"sends pings", &echoServer{pings: true}, "1.* 2.* 5.* 9.1.1 9.7.2", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantVerdicts(t, c.server.start(t), c.cases, c.want)
		})
	}
}

func TestBrokenCompression(t *testing.T) {
	const noContext = "permessage-deflate; client_no_context_takeover"
	for _, c := range []struct {
		name    string
		deflate deflating
		split   int
		cases   string
		want    []row
		notes   string // of the first case that has any
	}{
		{"good", deflating{answer: noContext + "; client_max_window_bits=12; server_max_window_bits=12; server_no_context_takeover", bits: 12},
			0, "12.1.* 12.3.10 12.5.17 13.2.* 13.4.*", nil, ""},
		{"good, smallest window", deflating{answer: noContext + "; client_max_window_bits=8; server_max_window_bits=9", bits: 9}, 0, "12.1.6 13.3.4", nil, ""},
		{"good, context takeover", deflating{answer: "permessage-deflate", bits: 15, keepContext: true}, 0, "12.1.* 12.4.12", nil, ""},
		{"none", deflating{}, 0, "12.1.1 13.7.18", []row{{"UNIMPLEMENTED/OK", "*"}}, ""},
		{"replies not compressed", deflating{answer: noContext, bits: 15, plain: true}, 0, "12.1.1 12.1.12", nil, "5 of 5 replies were not compressed"},
		// Messages that are shorter than the window that was agreed tell nothing.
		{"greater window than agreed", deflating{answer: "permessage-deflate; server_max_window_bits=9", bits: 15}, 0, "12.1.*",
			[]row{{"", "12.1.1 12.1.2 12.1.3"}, {"FAILED/OK", "12.1.*"}}, ""},
		{"greater window than asked for", deflating{answer: "permessage-deflate; server_max_window_bits=12", bits: 12}, 0, "13.3.1 13.3.10", nil,
			"the response does not honour the offer: asked for server_max_window_bits=9, the response means 12"},
		{"context kept though agreed not to", deflating{answer: "permessage-deflate; server_no_context_takeover", bits: 15, keepContext: true}, 0,
			"12.1.*", []row{{"FAILED/OK", "12.1.*"}}, ""},
		{"context kept though asked not to", deflating{answer: "permessage-deflate", bits: 15, keepContext: true}, 0, "13.2.1", nil,
			"the response does not honour the offer: asked for server_no_context_takeover, the response leaves it out"},
		// The second of them comes when the runner has closed: it drops TCP.
		{"RSV1 on continuations", deflating{answer: noContext, bits: 15, rsvAlways: true}, 20, "12.1.2", []row{{"FAILED/UNCLEAN", "*"}}, ""},
		{"unknown parameter", deflating{answer: "permessage-deflate; window=9"}, 0, "12.1.1", []row{{"FAILED/FAILED", "*"}}, ""},
		{"other extension", deflating{answer: "x-webkit-deflate-frame"}, 0, "12.1.1", []row{{"FAILED/FAILED", "*"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := &echoServer{split: c.split}
			if c.deflate.answer != "" {
				server.deflate = &c.deflate
			}
			r := wantVerdicts(t, server.start(t), c.cases, c.want)
			got := ""
			for _, one := range r.Results {
				if len(one.Notes) > 0 && got == "" {
					got = one.Notes[0]
				}
			}
			if got != c.notes {
				t.Errorf("noted %q, want %q", got, c.notes)
			}
		})
	}
}
