package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var tookSeconds = regexp.MustCompile(`\d+\.\d+s`)

// withoutTimes is what lapps test writes, whatever time it took.
func withoutTimes(s string) string { return tookSeconds.ReplaceAllString(s, "#s") }

// TestExamplesTests runs the tests of the examples.
func TestExamplesTests(t *testing.T) {
	status, stdout, stderr := command(t, "test", filepath.Join("..", "..", "examples"))
	want := `ok  	../../examples/broadcast_blob	#s
ok  	../../examples/chat	#s
ok  	../../examples/counter	#s
ok  	../../examples/echo	#s
ok  	../../examples/echo_lapps	#s
ok  	../../examples/exchange	#s
ok  	../../examples/mqr_receiver	#s
ok  	../../examples/mqr_sender	#s
ok  	../../examples/ticker	#s
ok  	../../examples/time_broadcast	#s
`
	if withoutTimes(stdout) != want || stderr != "" || status != exitOK {
		t.Errorf("status %d\n%s%s\nwant\n%s", status, stdout, stderr, want)
	}
}

func TestTestCommand(t *testing.T) {
	dir := writeApps(t, map[string]string{
		"good/good.lua":         `return {onMessage = function(h, op, m) return ws:send(h, op, utf8.char(utf8.codepoint(m, 1, -1))) end}`,
		"good/good_test.lua":    `it("echoes", function() local c = connect("/good") c:send("ü") c:expect("ü") end)`,
		"good/sub/sub_test.lua": `it("requires", function() expect(require("lib.one")).to_be(1) expect(bit.band(6, 3)).to_be(2) expect(utf8.char(252)).to_be("ü") expect(io.open).to_be_a("function") end)`,
		"good/lib/one.lua":      `return 1`,
		"bad/bad.lua":           `return {onMessage = function() end}`,
		"bad/bad_test.lua":      "it('fails', function()\n  expect(1).to_be(2)\nend)\nit('passes', function() end)\n",
		"odd_test/odd_test.lua": `return {onMessage = function() end}`, // a service
		"empty/empty.lua":       `return {onMessage = function() end}`,
		"all_test.lua":          `it("sees all", function() expect(connect("/good").status).to_be(101) expect(connect("/bad").status).to_be(101) end)`,
	})
	t.Chdir(dir)
	for _, c := range []struct {
		name   string
		args   []string
		status int
		stdout string
	}{
		{"all", []string{"apps"}, exitFailed, `ok  	apps	#s
--- FAIL: apps/bad/bad_test.lua: fails (#s)
    apps/bad/bad_test.lua:2: expected 1 to be 2
FAIL	apps/bad	#s
ok  	apps/good	#s
FAIL
`},
		{"one service", []string{"apps/good"}, exitOK, "ok  \tapps/good\t#s\n"},
		{"run", []string{"-v", "-run", "passes", "apps/bad"}, exitOK, `=== RUN   apps/bad/bad_test.lua: passes
--- PASS: apps/bad/bad_test.lua: passes (#s)
ok  	apps/bad	#s
`},
		{"several", []string{"apps/good", "apps/bad", "-run=passes"}, exitOK, "ok  \tapps/good\t#s\t[no tests to run]\nok  \tapps/bad\t#s\n"},
		{"no tests", []string{"apps/empty"}, exitUsage, ""},
		{"no directory", []string{"apps/nowhere"}, exitUsage, ""},
		{"no argument", nil, exitUsage, ""},
		{"no pattern", []string{"-run", "(", "apps"}, exitUsage, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := command(t, append([]string{"test"}, c.args...)...)
			if status != c.status || withoutTimes(stdout) != c.stdout || (stderr != "") != (status == exitUsage) {
				t.Errorf("status %d, want %d\ngot\n%s%s\nwant\n%s", status, c.status, stdout, stderr, c.stdout)
			}
		})
	}
}

// TestCheckPassesTestsOver has lapps check, and the service, not see a test that
// cannot be compiled.
func TestCheckPassesTestsOver(t *testing.T) {
	dir := writeApps(t, map[string]string{
		"good/good.lua":      `return {onMessage = function() end}`,
		"good/good_test.lua": `it("is cut off", function(`,
	})
	path := writeConfig(t, dir, `{"services": {"good": {}}}`)
	if status, _, stderr := command(t, "check", "-c", path); status != exitOK {
		t.Errorf("status %d: %s", status, stderr)
	}
	if status, stdout, _ := command(t, "test", "-c", path, filepath.Join(dir, "apps")); status != exitFailed {
		t.Errorf("status %d: %s", status, stdout)
	}
}

// TestTestConfig has a configuration beside the services be theirs.
func TestTestConfig(t *testing.T) {
	dir := writeApps(t, map[string]string{
		"said/said.lua":      `return {methods = {say = function(_, p) return p[1] end}}`,
		"said/said_test.lua": `it("speaks LAppS", function() expect(connect("/other"):request("say", "x")).to_be("x") end)`,
	})
	apps := filepath.Join(dir, "apps")
	text := `{"directories": {"applications": "."}, "services": {"said": {"protocol": "LAppS", "request_target": "/other"}}}`
	if err := os.WriteFile(filepath.Join(apps, "lapps.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{apps, filepath.Join(apps, "said")} {
		if status, stdout, stderr := command(t, "test", where); status != exitOK {
			t.Errorf("%s: status %d\n%s%s", where, status, stdout, stderr)
		}
	}
}
