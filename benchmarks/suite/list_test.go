package suite

import (
	"strings"
	"testing"
)

// The files of the repository have no mistake, and what they name is there.
func TestLoad(t *testing.T) {
	s, err := Load(root(t))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, srv := range s.servers {
		known[srv.Name] = true
	}
	for _, c := range s.scenarios {
		if !known[c.CompareTo] && c.CompareTo != "gorilla" && c.CompareTo != "bun" && c.CompareTo != "gws" {
			t.Errorf("%s: compare_to: no server is called %q", c.Name, c.CompareTo)
		}
	}
	for _, target := range s.targets {
		if target.Test == nil && !known[target.Server] {
			t.Errorf("%s: no server is called %q", target.What, target.Server)
		}
	}
}

func TestMistakes(t *testing.T) {
	scenarios := func(text string) error { _, err := readScenarios("s.json", []byte(text)); return err }
	servers := func(text string) error {
		_, err := readList("p.json", []byte(text), func(s *Server) string { return s.Name }, (*Server).check)
		return err
	}
	targets := func(text string) error {
		list, err := readScenarios("s.json", []byte(`[{"name": "80x1", "title": "t", "group": "g", "kind": "echo", "conns": 80, "depth": 1}]`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = readTargets("t.json", []byte(text), list)
		return err
	}
	tests := []struct {
		name string
		read func(string) error
		text string
		want []string // the lines of the error
	}{
		{"no list", scenarios, `{}`, []string{`s.json:1: expected a list: [{…}, …]`}},
		{"no end", scenarios, "[\n", []string{`s.json:2: expected , or the end of the list`}},
		{"no comma", servers, "[{\"name\": \"a\", \"label\": \"a\", \"command\": \"a\"}\n\n{}]", []string{
			`p.json:3: expected comma after array element`}},
		{"a key of another's", scenarios, "[\n  {\"name\": \"a\", \"sise\": 64}]", []string{`s.json:2: unknown field "sise"`}},
		{"a wrong type", scenarios, "[\n  {\"name\": \"a\", \"conns\": \"80\"}]", []string{`s.json:2: conns: expected int, not a string`}},
		{"nothing", scenarios, "[{}]", []string{
			`s.json:1: : name: expected one`, `s.json:1: : title: expected one`, `s.json:1: : group: expected one`,
			`s.json:1: : kind: expected one of broadcast, connect, echo, idle, lapps, mixed, open, not ""`}},
		{"what a kind needs and has not", scenarios, "[\n\n{\"name\": \"a\", \"title\": \"t\", \"group\": \"g\", \"kind\": \"idle\", \"depth\": 1}]", []string{
			`s.json:3: a: depth: a scenario of kind idle has none`, `s.json:3: a: steps: a scenario of kind idle needs it`}},
		{"bad values", scenarios, `[{"name": "a", "title": "t", "group": "g", "kind": "echo", "conns": 1, "depth": 1, "op": "ping", "curve": "p256", "warmup_s": -1}]`, []string{
			`s.json:1: a: curve: expected x25519 or x25519mlkem768, not "p256"`, `s.json:1: a: curve: expected it with tls only`,
			`s.json:1: a: op: expected text or binary, not "ping"`, `s.json:1: a: warmup_s: expected seconds, or none, not -1`}},
		{"a rate of what comes later", scenarios, `[
			{"name": "a", "title": "t", "group": "g", "kind": "open", "conns": 1, "rate_of": 1.5, "of": "b"},
			{"name": "b", "title": "t", "group": "g", "kind": "echo", "conns": 1, "depth": 1}]`, []string{
			`s.json:2: a: rate_of: expected a share of the saturation from 0 to 1, not 1.5`,
			`s.json: a: of: expected an earlier scenario of kind echo with the same tls, not "b"`}},
		{"twice", servers, "[{\"name\": \"a\", \"label\": \"a\", \"command\": \"a\"},\n{\"name\": \"a\", \"label\": \"a\", \"command\": \"a\"}]", []string{
			`p.json:2: a: there is one of this name already (line 1)`}},
		{"a server", servers, "[\n{\"name\": \"a,b\", \"build\": \"make\", \"broadcast\": true, \"paths\": {\"echo\": \"echo\"}}]", []string{
			`p.json:2: a,b: name: expected one without a comma`, `p.json:2: a,b: label: expected one`,
			`p.json:2: a,b: build: expected gnetecho, lapps or peers, not "make"`, `p.json:2: a,b: command: expected it, tls or env`,
			`p.json:2: a,b: paths: expected one for broadcast`, `p.json:2: a,b: paths: echo: expected a target that begins with /, not "echo"`}},
		{"a target", targets, "[\n{\"what\": \"a\", \"scenario\": \"1x1\", \"server\": \"b\", \"figure\": \"cpu_us\", \"must\": [{\"most\": 0, \"times\": \"c\", \"above\": \"d\"}]},\n" +
			`{"what": "b", "scenario": "80x1", "server": "b", "figure": "p99_us"}]`, []string{
			`t.json:2: a: scenario: there is none of the name "1x1"`, `t.json:2: a: most: expected more than 0, not 0`,
			`t.json:2: a: times: expected either it or above`,
			`t.json:3: b: must: expected a bound, or a goal`, `t.json:3: b: figure: expected one of scenario 80x1, not "p99_us"`}},
		{"a target by a test", targets, `[{"what": "a", "server": "b", "test": {"package": "./server"}}]`, []string{
			`t.json:1: a: test: expected either it or a server's figure in a scenario`, `t.json:1: a: test: expected package, name and must`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.read(tt.text)
			if err == nil || err.Error() != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%v\nexpected\n%s", err, strings.Join(tt.want, "\n"))
			}
		})
	}
}
