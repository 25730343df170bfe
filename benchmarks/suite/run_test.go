package suite

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// quick are settings for a run whose figures nobody looks at.
var quick = Settings{Rounds: 2, Duration: 300 * time.Millisecond, Warmup: 10 * time.Millisecond, Threads: 1, Timeout: 10 * time.Second}

// small is a suite of small loads on the servers of this repository, and on
// some that cannot take part or fail.
func small(t *testing.T) *Suite {
	t.Helper()
	scenarios, err := readScenarios("small", []byte(`[
		{"name": "4x2", "title": "t", "group": "g", "kind": "echo", "conns": 4, "depth": 2},
		{"name": "open", "title": "t", "group": "g", "kind": "open", "conns": 4, "rate_of": 0.1, "of": "4x2"},
		{"name": "idle", "title": "t", "group": "g", "kind": "idle", "steps": [2, 4], "echo": true, "servers": ["gnetecho"]},
		{"name": "wss", "title": "t", "group": "g", "kind": "echo", "tls": true, "curve": "x25519", "conns": 2, "depth": 1, "compare_to": "lapps"},
		{"name": "lapps", "title": "t", "group": "g", "kind": "lapps", "conns": 2, "depth": 4},
		{"name": "mixed", "title": "t", "group": "g", "kind": "mixed", "conns": 4, "depth": 1, "slow_readers": 2, "servers": ["lapps"]},
		{"name": "connect", "title": "t", "group": "g", "kind": "connect", "tls": true, "conns": 2},
		{"name": "broadcast", "title": "t", "group": "g", "kind": "broadcast", "conns": 10, "depth": 4, "compare_to": "lapps"}]`))
	if err != nil {
		t.Fatal(err)
	}
	servers, err := readList("servers.json", serversJSON, func(s *Server) string { return s.Name }, (*Server).check)
	if err != nil {
		t.Fatal(err)
	}
	servers = servers[:2]
	servers = append(servers,
		Server{Name: "refused", Label: "r", Build: "lapps", Command: "{lapps} run -c {config}", Lapps: &Lapps{Execution: "sideways"}},
		Server{Name: "missing", Label: "m", Command: "x", Needs: []string{"no-such-program"}, Hint: "write it"},
		Server{Name: "ends", Label: "e", Command: write(t, "ends", "#!/bin/sh\necho no room >&2\nexit 1\n")},
		Server{Name: "deaf", Label: "d", Build: "gnetecho", Command: "{gnetecho} -addr {addr} -loops 1", Paths: map[string]string{"broadcast": "/", "echo": "/"}},
	)
	return &Suite{root: root(t), scenarios: scenarios, servers: servers, targets: []Target{
		{What: "a", Scenario: "4x2", Server: "lapps", Figure: "cpu_us", Must: []Bound{{Most: 1000, Times: "gnetecho"}}, Goal: []Bound{{Most: 1, Times: "missing"}}},
	}}
}

func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a server's memory to settle")
	}
	var out, log strings.Builder
	set := quick
	set.Timeout = time.Second // a broadcast that is none is found by that
	r, err := small(t).Run(t.Context(), set, &out, &log)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), log.String())
	}
	if r.Machine.Cores < 1 || r.Machine.Memory <= 0 || r.Machine.Kernel == "" || r.Commit == "" || r.Unfinished {
		t.Errorf("got %+v of %s", r.Machine, r.Commit)
	}
	checkServers(t, r)
	checkEntries(t, r)
	checkRate(t, r)
	if len(r.Targets) != 2 || !r.Targets[0].Met || r.Targets[1].Unmeasured != "missing: no-such-program is not here; write it" {
		t.Errorf("targets: got %+v", r.Targets)
	}
	for _, want := range []string{"ends failed: ", "refused skipped: it refuses", "a       must  ≤ 1000 × gnetecho"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("expected %q in\n%s", want, out.String())
		}
	}
	turns := regexp.MustCompile(`(?m)^\[\d+/\d+, .* left\]  4x2  round (\d) of 2  (\w+): .*\n`).FindAllStringSubmatch(log.String(), -1)
	var order []string
	for _, m := range turns {
		order = append(order, m[1]+" "+m[2])
	}
	if got := strings.Join(order, ", "); got != "1 gnetecho, 1 lapps, 1 refused, 1 ends, 1 deaf, 2 gnetecho, 2 lapps, 2 deaf" {
		t.Errorf("turns: %s\n%s", got, log.String())
	}
}

func checkServers(t *testing.T, r *Results) {
	t.Helper()
	skipped := map[string]string{"missing": `^no-such-program is not here; write it$`, "refused": `^it refuses its configuration: lapps\.json:\d+: services\.\w+\.execution: `}
	for _, s := range r.Servers {
		if ok, _ := regexp.MatchString(skipped[s.Name], s.Skipped); !ok || (s.Skipped != "") != (skipped[s.Name] != "") {
			t.Errorf("%s: skipped: %q", s.Name, s.Skipped)
		}
		if s.Ours != (s.Name == "lapps" || s.Name == "refused") {
			t.Errorf("%s: ours: %v", s.Name, s.Ours)
		}
	}
	if v := r.Servers[0].Version; !strings.HasPrefix(v, "v2.") {
		t.Errorf("gnetecho: got version %q", v)
	}
}

// checkEntries checks who has figures where, and which.
func checkEntries(t *testing.T, r *Results) {
	t.Helper()
	want := map[string]string{
		"4x2": "gnetecho lapps -refused -ends deaf", "open": "gnetecho lapps -ends deaf", "idle": "gnetecho", "wss": "lapps",
		"lapps": "lapps", "mixed": "lapps", "connect": "lapps", "broadcast": "lapps -deaf",
	}
	for _, s := range r.Scenarios {
		var got []string
		for _, e := range s.Entries {
			if e.Figures == nil {
				e.Server = "-" + e.Server
			}
			got = append(got, e.Server)
			for _, f := range s.Judged {
				if e.Figures != nil && (len(e.Rounds[f]) != 2 || e.Figures[f].Min > e.Figures[f].Median || e.Figures[f].Median > e.Figures[f].Max) {
					t.Errorf("%s, %s, %s: got %v of %v", s.Name, e.Server, f, e.Figures[f], e.Rounds[f])
				}
			}
		}
		if text := strings.Join(got, " "); text != want[s.Name] {
			t.Errorf("%s: got %s, expected %s", s.Name, text, want[s.Name])
		}
	}
	if e := r.scenario("4x2").entry("ends"); !strings.HasSuffix(e.Failed, "exit status 1; it said: no room") {
		t.Errorf("ends: got %q", e.Failed)
	}
	if e := r.scenario("wss").entry("lapps"); e.Ratios["cpu_us"] != (Spread{1, 1, 1}) || e.TLS != "TLS 1.3, X25519" {
		t.Errorf("got ratio %v of lapps to itself, over %s", e.Ratios, e.TLS)
	}
}

// checkRate checks that the open loop ran at its share of each server's own
// saturation, and not at all where there was none.
func checkRate(t *testing.T, r *Results) {
	t.Helper()
	for _, e := range r.scenario("open").Entries {
		of := r.scenario("4x2").entry(e.Server)
		if e.Server == "ends" {
			if e.Failed != "no rate to run at: ends failed in 4x2" {
				t.Errorf("ends: got %q", e.Failed)
			}
			continue
		}
		if got, want := e.Figures["rate_per_s"], 0.1*of.Figures["per_s"].Median; got != (Spread{want, want, want}) {
			t.Errorf("%s: got rate %v, expected %v", e.Server, got, want)
		}
	}
}

func TestRunCannot(t *testing.T) {
	var out strings.Builder
	s := small(t)
	if _, err := s.Run(t.Context(), Settings{Rounds: 0, Duration: -1, Threads: 1, Timeout: 1}, &out, nil); err == nil || err.Error() !=
		"suite: rounds: expected at least 1, not 0\nsuite: duration: expected more than 0, not -1ns" {
		t.Errorf("got %v", err)
	}
	s.servers = s.servers[3:4]
	if _, err := s.Run(t.Context(), quick, &out, nil); err == nil || err.Error() != "suite: none of the servers can be started here" {
		t.Errorf("got %v", err)
	}
}

// A run that is interrupted has the results of the scenarios before.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	s := small(t)
	s.servers = s.servers[:1]
	var out strings.Builder
	log := writerFunc(func(p []byte) {
		if strings.Contains(string(p), "  open  round 1") {
			cancel(errors.New("enough"))
		}
	})
	r, err := s.Run(ctx, quick, &out, log)
	if err == nil || err.Error() != "suite: enough" || r == nil || !r.Unfinished || len(r.Scenarios) != 1 || len(r.Targets) != 0 {
		t.Errorf("got %v and %+v", err, r)
	}
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

func TestSelect(t *testing.T) {
	tests := []struct {
		scenarios, servers string
		want               string // of scenarios, servers and targets, or the error
	}{
		{"", "", "4x2 open idle wss lapps mixed connect broadcast; gnetecho lapps refused missing ends deaf; a"},
		{"^open$", "", "4x2 open; gnetecho lapps refused missing ends deaf; a"},
		{"idle|wss", "lapps,gnetecho", "idle wss; gnetecho lapps; "},
		{"(", "", "suite: scenarios \"(\": error parsing regexp: missing closing ): `(`"},
		{"80x1", "", `suite: scenarios "80x1": none has such a name`},
		{"", "lapps,bun", `suite: servers "lapps,bun": there is none of the name "bun"`},
	}
	for _, tt := range tests {
		s := small(t)
		var scenarios, servers, targets []string
		err := s.Select(tt.scenarios, tt.servers)
		for _, c := range s.scenarios {
			scenarios = append(scenarios, c.Name)
		}
		for _, srv := range s.servers {
			servers = append(servers, srv.Name)
		}
		for _, target := range s.targets {
			targets = append(targets, target.What)
		}
		got := strings.Join([]string{strings.Join(scenarios, " "), strings.Join(servers, " "), strings.Join(targets, " ")}, "; ")
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q, %q: got %s, expected %s", tt.scenarios, tt.servers, got, tt.want)
		}
	}
}

// What is left is what was expected, times how much longer turns take than
// that.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Suite{
			scenarios: []Scenario{{Name: "a", Kind: "echo", Conns: 10000, Loops: 1}},
			servers:   []Server{{Name: "a", Command: "x"}, {Name: "b", Command: "x"}},
		}
		k := newClock(s, Settings{Rounds: 5, Duration: 8 * time.Second, Warmup: time.Second})
		if got, want := k.budget(), "suite: 10 turns, about 100s, until 00:01"; os.Getenv("TZ") == "UTC" && got != want {
			t.Errorf("got %q, expected %q", got, want)
		}
		time.Sleep(20 * time.Second)
		if k.pass(&s.scenarios[0], 0); k.String() != "[1/10, 3m left]" {
			t.Errorf("got %s", k)
		}
		for round := range 9 {
			k.pass(&s.scenarios[0], round+1)
		}
		if k.String() != "[10/10, 0s left]" {
			t.Errorf("got %s", k)
		}
	})
}
