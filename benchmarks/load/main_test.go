package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"lapps/benchmarks/generator"
)

// gnetecho is the server that is started, built once.
var gnetecho string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "load")
	if err != nil {
		panic(err)
	}
	gnetecho = filepath.Join(dir, "gnetecho")
	if out, err := exec.Command("go", "build", "-o", gnetecho, "../gnetecho").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build gnetecho: %v\n%s", err, out)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		os.RemoveAll(dir)
		os.Exit(status)
	}))
}

// command runs the command and decodes its JSON into result.
func command(t *testing.T, result any, args ...string) {
	t.Helper()
	var out, log bytes.Buffer
	if status := run(t.Context(), append(args, "-json"), &out, &log); status != 0 {
		t.Fatalf("status %d\n%s%s", status, out.String(), log.String())
	}
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(result); err != nil {
		t.Fatal(err)
	}
}

func TestClosedLoop(t *testing.T) {
	for _, server := range []string{" -addr {addr} -loops 2", ""} {
		var r generator.Result
		command(t, &r, "-server", gnetecho+server, "-path", "/echo", "-conns", "10", "-depth", "4", "-messages", "2000", "-duration", "1h", "-op", "text")
		if r.Mode != "closed" || r.Sent != 2000 || r.Verified != 2000 || r.Messages != 2000 || len(r.Failures) > 0 ||
			r.Server == nil || r.Server.CPUPerMessage < 0 || r.Server.RSS <= 0 || r.Latency != nil {
			t.Errorf("%q: got %+v", server, r)
		}
	}
}

func TestOpenLoop(t *testing.T) {
	var r generator.Result
	command(t, &r, "-server", gnetecho, "-quiet", "-conns", "10", "-rate", "5000", "-messages", "500", "-duration", "1h")
	l := r.Latency
	if r.Mode != "open" || r.Verified != 500 || l == nil || l.Count != 500 || l.P50 <= 0 ||
		!slices.IsSorted([]float64{l.P50, l.P90, l.P99, l.P999, l.Max}) {
		t.Errorf("got %+v, latency %+v", r, l)
	}
}

func TestIdle(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the server's memory to settle")
	}
	var r generator.IdleResult
	command(t, &r, "-server", gnetecho, "-quiet", "-steps", "20,40", "-echo")
	if r.Mode != "idle" || len(r.Steps) != 2 || r.Steps[1].Conns != 40 || r.Steps[1].RSS <= 0 || r.Verified != 40 || len(r.Failures) > 0 {
		t.Errorf("got %+v", r)
	}
}

func TestStatus(t *testing.T) {
	tests := []struct {
		name   string
		args   string
		status int
		want   string // the end of what it says
	}{
		{"nothing", "", 2, "load: no server: expected -url or -server\n"},
		{"argument", "-url ws://127.0.0.1:1/ x", 2, "load: unexpected argument \"x\": expected flags only\n"},
		{"op", "-url ws://127.0.0.1:1/ -op ping", 2, "generator: op \"ping\": expected text or binary\n"},
		{"steps", "-url ws://127.0.0.1:1/ -steps 1,x", 2, "load: -steps \"1,x\": expected numbers separated by commas, not \"x\"\n"},
		{"steps and rate", "-url ws://127.0.0.1:1/ -steps 1,2 -rate 5 -depth 1", 2,
			"load: -depth: is for mode closed, not for idle\nload: -rate: is for mode broadcast, open, not for idle\n"},
		{"echo", "-url ws://127.0.0.1:1/ -echo", 2, "load: -echo: is for mode idle, not for closed\n"},
		{"mode", "-url ws://127.0.0.1:1/ -mode fast", 2, "load: -mode \"fast\": expected closed, open, idle, connect or broadcast\n"},
		{"open without rate", "-url ws://127.0.0.1:1/ -mode open", 2, "load: -mode open: expected a -rate\n"},
		{"idle without steps", "-url ws://127.0.0.1:1/ -mode idle", 2, "load: -mode idle: expected -steps\n"},
		{"dialect", "-url ws://127.0.0.1:1/ -dialect json", 2, "generator: dialect \"json\": expected raw or lapps\n"},
		{"burst", "-url ws://127.0.0.1:1/ -burst 16", 2, "load: -burst: is for mode broadcast, not for closed\n"},
		{"trust without TLS", "-url ws://127.0.0.1:1/ -insecure", 1, "load: -insecure, -ca, -curve: are for wss, expected a server that speaks it\n"},
		{"curve", "-url wss://127.0.0.1:1/ -curve p256", 1, "load: -curve \"p256\": expected x25519 or x25519mlkem768\n"},
		{"no such ca", "-url wss://127.0.0.1:1/ -ca none.pem", 1, "load: -ca: open none.pem: no such file or directory\n"},
		{"ca of another kind", "-url wss://127.0.0.1:1/ -ca main.go", 1, "load: -ca main.go: expected certificates in PEM\n"},
		{"path", "-server x -path echo", 2, "load: -path \"echo\": expected a target that begins with /\n"},
		{"two paths", "-url ws://127.0.0.1:1/ -path /echo", 2, "load: -path, -wss: the target is in -url already\n"},
		{"two processes", "-server x -pid 5", 2, "load: -pid: expected either it or -server\n"},
		{"remote", "-url ws://192.0.2.1:1/", 1, "loading another machine has to be asked for (-remote)\n"},
		{"size", "-url ws://127.0.0.1:1/ -size 1", 1, "generator: size: expected 16 to 16777216 bytes, not 1\n"},
		{"nobody there", "-url ws://127.0.0.1:1/", 1, "generator: open connection 1 of 80 to 127.0.0.1:1: connect: connection refused\n"},
		{"wss", "-quiet -wss -insecure -timeout 500ms -server " + gnetecho, 1, "TLS: timed out\n"},
		{"no such server", "-server ./none", 1, "no such file or directory\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, log bytes.Buffer
			status := run(t.Context(), strings.Fields(tt.args), &out, &log)
			if status != tt.status || !strings.HasSuffix(log.String(), tt.want) || out.Len() > 0 {
				t.Errorf("status %d, %q, %q", status, out.String(), log.String())
			}
		})
	}
}

func TestResultTable(t *testing.T) {
	var out strings.Builder
	err := resultTable(&out, &generator.Result{
		Mode: "open", Conns: 2, Rate: 1000, Size: 64, Op: "text", Threads: 1, Sent: 30, Verified: 28, Unanswered: 2,
		Seconds: 2, Messages: 20, PerSecond: 10,
		Server:    &generator.Usage{CPUPerMessage: 1.5, Cores: 0.25, RSS: 2048},
		Generator: generator.Usage{CPUPerMessage: 2.25, Cores: 0.5, RSS: 1024},
		Latency:   &generator.Latency{Count: 20, P50: 1, P90: 2, P99: 3, P999: 4, Max: 5, Late: 1, MaxLate: 1500, Blocked: 3},
		Failures:  []generator.Failure{{Kind: generator.Stall, Count: 2, Example: "connection 0: message 3"}},
	})
	want := `load        open loop, 1000 messages/s over 2 connections, 64 bytes, text
measured    20 messages in 2.00 s (30 sent and 28 verified in all)
throughput  10 messages/s
server      1.500 µs of CPU per message, 0.25 cores, 2 kB resident
generator   2.250 µs of CPU per message, 0.50 cores, 1 kB resident
latency     p50 1  p90 2  p99 3  p99.9 4  max 5 µs, of 20 messages, from when each was due
sending     1 late (5.00 %), the latest by 1500 µs; 3 held up by a full socket
            THE GENERATOR COULD NOT KEEP UP: these latencies are its own as much as the server's
unanswered  2 messages
FAILED      2 × stall; connection 0: message 3
`
	if err != nil || out.String() != want {
		t.Errorf("%v, got\n%s\nexpected\n%s", err, out.String(), want)
	}
}

// What is a message elsewhere is called what it is.
func TestOtherTables(t *testing.T) {
	usage := generator.Usage{CPUPerMessage: 1.5, Cores: 0.25, RSS: 2048}
	latency := &generator.Latency{Count: 20, P50: 1, P90: 2, P99: 3, P999: 4, Max: 5}
	tests := []struct {
		name   string
		result generator.Result
		want   string
	}{
		{"connect", generator.Result{
			Mode: "connect", Conns: 8, TLS: "TLS 1.3, X25519", Sent: 31, Verified: 30, Unanswered: 1, Seconds: 2, Messages: 20, PerSecond: 10,
			Server: &usage, Generator: usage, Latency: latency, Failures: []generator.Failure{{Kind: generator.Opening, Count: 1, Example: "why"}},
		}, `load        connections opened and closed, 8 at a time
over        TLS 1.3, X25519
measured    20 handshakes in 2.00 s (31 sent and 30 verified in all)
throughput  10 handshakes/s
server      1.500 µs of CPU per handshake, 0.25 cores, 2 kB resident
generator   1.500 µs of CPU per handshake, 0.25 cores, 2 kB resident
latency     p50 1  p90 2  p99 3  p99.9 4  max 5 µs, of 20 handshakes, from the beginning of a connection
unanswered  1 handshakes
FAILED      1 × opening; why
`},
		{"broadcast", generator.Result{
			Mode: "broadcast", Conns: 8, Depth: 4, Size: 64, Op: "text", Sent: 30, Verified: 30, Seconds: 2, Messages: 20, PerSecond: 10,
			Generator: usage, Latency: latency,
		}, `load        broadcast to 8 connections, bursts of 4, 64 bytes, text
measured    20 deliveries in 2.00 s (30 sent and 30 verified in all)
throughput  10 deliveries/s
generator   1.500 µs of CPU per delivery, 0.25 cores, 2 kB resident
latency     p50 1  p90 2  p99 3  p99.9 4  max 5 µs, of 20 deliveries, from when each burst was sent
`},
		{"broadcast at a rate", generator.Result{
			Mode: "broadcast", Conns: 8, Depth: 1, Rate: 50, Size: 64, Op: "binary", Sent: 30, Verified: 30, Seconds: 2, Messages: 20, PerSecond: 10,
			Generator: usage, Latency: latency,
		}, `load        broadcast to 8 connections, bursts of 1, 64 bytes, binary, 50 bursts/s
measured    20 deliveries in 2.00 s (30 sent and 30 verified in all)
throughput  10 deliveries/s
generator   1.500 µs of CPU per delivery, 0.25 cores, 2 kB resident
latency     p50 1  p90 2  p99 3  p99.9 4  max 5 µs, of 20 deliveries, from when each burst was due
sending     0 late (0.00 %), the latest by 0 µs; 0 held up by a full socket
`},
		{"slow readers", generator.Result{
			Mode: "closed", Conns: 8, Depth: 1, Size: 64, Op: "binary", Dialect: "lapps", Sent: 30, Verified: 30, Seconds: 2, Messages: 20, PerSecond: 10,
			Generator: usage, Slow: &generator.SlowReaders{Conns: 3, Sent: 12, Ended: 1},
		}, `load          closed loop, 8 connections, 1 in flight on each, 64 bytes, requests of the LAppS protocol
measured      20 messages in 2.00 s (30 sent and 30 verified in all)
throughput    10 messages/s
generator     1.500 µs of CPU per message, 0.25 cores, 2 kB resident
slow readers  3, which sent 12 messages; the server has ended 1 of them
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if err := resultTable(&out, &tt.result); err != nil || out.String() != tt.want {
				t.Errorf("%v, got\n%s\nexpected\n%s", err, out.String(), tt.want)
			}
		})
	}
}

func TestIdleTable(t *testing.T) {
	var out strings.Builder
	err := idleTable(&out, &generator.IdleResult{
		Mode: "idle", Echo: true, Empty: 10240, Slope: 1536, Verified: 20,
		Steps: []generator.IdleStep{{Conns: 10, RSS: 20480, Settled: true}, {Conns: 20, RSS: 30720}},
	})
	want := `load   idle connections that have echoed once
0      10 kB
10     20 kB
20     30 kB  (still moving)
slope  1.50 kB per connection
`
	if err != nil || out.String() != want {
		t.Errorf("%v, got\n%s\nexpected\n%s", err, out.String(), want)
	}
}
