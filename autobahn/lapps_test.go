package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLapps plays all cases against lapps, as its users run it: a process of its
// own, with compression, with one event loop and with two, with one instance of
// the service and with four, on goroutines of its own and on the event loops, over
// wss as over ws; built with the race detector, if this test is. The
// cases of groups 12 and 13 send 50 messages each, 5 with the race detector,
// which makes compressing twenty times as slow; `make conformance` has them send
// all.
func TestLapps(t *testing.T) {
	lapps, runner := build(t, "lapps/cmd/lapps", raceEnabled), build(t, "lapps/autobahn", false)
	messages := "50"
	if raceEnabled {
		messages = "5"
	}
	for _, set := range []struct {
		loops, instances int
		execution        string
		scheme           string
	}{{1, 1, "isolated", "ws"}, {1, 4, "isolated", "ws"}, {2, 1, "isolated", "ws"}, {2, 4, "isolated", "wss"}, {2, 2, "inline", "ws"}} {
		t.Run(fmt.Sprintf("%d loops, %d instances, %s, %s", set.loops, set.instances, set.execution, set.scheme), func(t *testing.T) {
			addr, cert := startLapps(t, lapps, set.loops, set.instances, set.execution, set.scheme == "wss")
			at := []string{"-url", set.scheme + "://" + addr + "/echo"}
			if cert != "" {
				at = append(at, "-ca", cert)
			}
			// What waits may be played side by side; what computes, less so.
			index := make(map[string]indexEntry)
			conform(t, runner, index, append(at, "-cases", "1.*,2.*,3.*,4.*,5.*,6.*,7.*", "-parallel", "8")...)
			conform(t, runner, index, append(at, "-cases", "9.*,10.*,12.*,13.*", "-parallel", "2", "-messages", messages)...)
			checkVerdicts(t, index)
		})
	}
}

// conform runs the command, with ten times the suite's time limits, and adds
// what it says to index.
func conform(t *testing.T, runner string, index map[string]indexEntry, args ...string) {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), runner, append(args, "-slack", "10", "-out", dir)...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	var all map[string]map[string]indexEntry
	readJSON(t, filepath.Join(dir, "index.json"), &all)
	for id, e := range all["server"] {
		index[id] = e
		var r Result
		readJSON(t, filepath.Join(dir, e.ReportFile), &r)
		checkNotes(t, &r)
	}
}

// checkVerdicts wants 514 cases OK, and the three that always are informational.
func checkVerdicts(t *testing.T, index map[string]indexEntry) {
	t.Helper()
	behavior, closing := map[Verdict]int{}, map[Verdict]int{}
	for _, e := range index {
		behavior[e.Behavior]++
		closing[e.BehaviorClose]++
	}
	for name, got := range map[string]map[Verdict]int{"behavior": behavior, "close": closing} {
		if len(got) != 2 || got[OK] != 514 || got[Informational] != 3 {
			t.Errorf("%s: %v, want 514 OK and 3 INFORMATIONAL", name, got)
		}
	}
}

// checkNotes wants what the verdicts do not see: that the answer honours the
// offer, and that what can be compressed is.
func checkNotes(t *testing.T, r *Result) {
	t.Helper()
	group := r.ID[:strings.LastIndex(r.ID, ".")]
	small := strings.HasSuffix(r.ID, ".1") || strings.HasSuffix(r.ID, ".2")
	dense := group == "12.2" || group == "12.5" || r.ID == "12.3.3"
	for _, n := range r.Notes {
		if !strings.HasSuffix(n, "replies were not compressed") || !small && !dense {
			t.Errorf("%s: %s", r.ID, n)
		}
	}
}

// build builds a command, with the race detector or without.
func build(t *testing.T, name string, race bool) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "binary")
	cmd := exec.CommandContext(t.Context(), "go", "build", fmt.Sprintf("-race=%v", race), "-o", binary, name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// startLapps runs lapps with the configuration of reference, on a free port,
// until the end of the test, and returns its address; encrypted: with a
// certificate that lapps makes, which is in the file cert. What the race detector
// finds fails the test.
func startLapps(t *testing.T, binary string, loops, instances int, execution string, encrypted bool) (address, cert string) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "lapps.json")
	listener := map[string]any{"address": "127.0.0.1:0"}
	if encrypted {
		cert = filepath.Join(dir, "cert.pem")
		key := filepath.Join(dir, "key.pem")
		if out, err := exec.Command(binary, "cert", "--host", "127.0.0.1", "--cert", cert, "--key", key).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		listener["tls"] = map[string]any{"certificates": []any{map[string]any{"cert": cert, "key": key}}}
	}
	examples, err := filepath.Abs("../examples")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(map[string]any{
		"listeners":   []any{listener},
		"directories": map[string]any{"applications": examples},
		"loops":       loops,
		"services": map[string]any{"echo": map[string]any{
			"instances": instances, "execution": execution, "max_inbound_message_size": 32 << 20, "outbox_bytes": 64 << 20,
			"compression": map[string]any{"enabled": true},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, doc, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "run", "-c", config)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, ended := make(chan string, 1), make(chan string, 1)
	go follow(bufio.NewScanner(stderr), addr, ended)
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		log := <-ended
		if err := cmd.Wait(); err != nil || strings.Contains(log, "DATA RACE") {
			t.Errorf("lapps ended: %v\n%s", err, log)
		}
	})
	select {
	case a := <-addr:
		return a, cert
	case log := <-ended:
		ended <- log
		t.Fatalf("lapps did not start:\n%s", log)
	}
	return "", ""
}

// follow reads lapps's log, and tells its address and, at its end, all of it.
func follow(lines *bufio.Scanner, addr, ended chan<- string) {
	var log strings.Builder
	for lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if _, rest, ok := strings.Cut(lines.Text(), `"msg":"listening","address":"`); ok {
			a, _, _ := strings.Cut(rest, `"`)
			addr <- a
		}
	}
	ended <- log.String()
}
