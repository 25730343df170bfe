package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"lapps/server"
)

// statisticsOf is what the command tells of a server.
func statisticsOf(t *testing.T, d *operatedDaemon) (s statistics) {
	t.Helper()
	status, stdout, stderr := command(t, "statistics", "--json", "-c", d.config)
	if status != exitOK {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &s); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return s
}

// TestStatistics has a server tell of an exchange by its command.
func TestStatistics(t *testing.T) {
	d := startOperated(t, `{"loops": 2, "limits": {"dry_run": ["idle_ms"]}, "services": {"echo": {"instances": 2}, "queue": {"standalone": true, "instances": 1}}}`, map[string]string{
		"echo/echo.lua":   echoLua,
		"queue/queue.lua": `local q = require("mqr").create("jobs") return {init = function() q:post("one") q:post("three") end, run = function() end}`,
	})
	c := dialCoder(t, d.url("/echo"), nil)
	for _, word := range []string{"hello", "hi"} {
		c.send(t, false, []byte(word))
		c.receive(t)
	}
	other := dialCoder(t, d.url("/echo"), nil)
	other.send(t, false, []byte(strings.Repeat("x", 1000)))
	other.receive(t)
	d.server.Exceed(server.LimitIdle)

	// What was sent is counted at the end of the turn, which may be later than it is received.
	var s statistics
	want := trafficStatistics{MessagesIn: 3, BytesIn: 1007, LargestIn: 1000, MessagesOut: 3, BytesOut: 1007, LargestOut: 1000}
	eventually(t, "the exchange is counted", func() bool {
		s = statisticsOf(t, d)
		return s.Services[0].trafficStatistics == want && s.Services[0].OutboxBytes == 0 && s.Services[0].Queued == 0
	})
	echo := s.Services[0]
	if echo.Name != "echo" || echo.State != "running" || echo.Connections != 2 || echo.Connected != 2 || len(echo.Instances) != 2 {
		t.Errorf("the service: %+v", echo)
	}
	for _, in := range echo.Instances {
		if in.State != "running" || in.Connections != 1 || in.Connected != 1 || in.MessagesIn == 0 || in.MessagesIn != in.MessagesOut {
			t.Errorf("an instance: %+v", in)
		}
	}
	if s.Version != Version || s.Connections != 2 || s.Goroutines == 0 || s.MemoryBytes == 0 || s.UptimeS <= 0 {
		t.Errorf("the server: %+v", s)
	}
	if len(s.Listeners) != 1 || s.Listeners[0] != (listenerStatistics{Address: d.Addrs()[0].String(), Connections: 2}) {
		t.Errorf("the listeners: %+v", s.Listeners)
	}
	var sum loopStatistics
	for _, l := range s.Loops {
		sum.Connections, sum.Accepted = sum.Connections+l.Connections, sum.Accepted+l.Accepted
		sum.BytesIn, sum.BytesOut, sum.Wakeups = sum.BytesIn+l.BytesIn, sum.BytesOut+l.BytesOut, sum.Wakeups+l.Wakeups
	}
	if len(s.Loops) != 2 || sum.Connections != 2 || sum.Accepted != 2 || sum.BytesIn < 1007 || sum.BytesOut < 1007 || sum.Wakeups == 0 {
		t.Errorf("the loops: %+v", s.Loops)
	}
	for _, l := range s.Limits {
		if idle := l.Name == "idle_ms"; l.DryRun != idle || (l.Exceeded == 1) != idle {
			t.Errorf("a limit: %+v", l)
		}
	}
	jobs := queueStatistics{Name: "jobs", Messages: 2, Bytes: int64(len("onethree")), Accepted: 2}
	if len(s.Queues.Fullest) != 1 || s.Queues.Fullest[0] != jobs || s.Queues.Total != 1 || s.Queues.HeldBytes < jobs.Bytes {
		t.Errorf("the queues: %+v", s.Queues)
	}
	if len(s.Limits) != len(server.AllLimits()) {
		t.Errorf("%d limits", len(s.Limits))
	}
	_, text, _ := command(t, "statistics", "-c", d.config)
	for _, want := range []string{"2 connections", "echo/1", "idle_ms  1         counted only", `"jobs"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

// TestStatisticsTable compares all that people are shown.
func TestStatisticsTable(t *testing.T) {
	s := statistics{
		Version: "1.2.3", UptimeS: 93784.5, MemoryBytes: 50 << 20, Goroutines: 31, Connections: 3, BufferedBytes: 2048,
		Accepting: acceptStatistics{Refused: 4},
		Listeners: []listenerStatistics{
			{Address: "127.0.0.1:80", Connections: 1},
			{Address: "127.0.0.1:443", Connections: 2, TLS: &tlsStatistics{Completed: 9, Resumed: 3, Failed: 1}, Proxy: &proxyStatistics{Untrusted: 1, Late: 2}},
		},
		Limits: []limitStatistics{{"connections", 0, false}, {"idle_ms", 7, false}, {"memory", 1, true}},
		Loops:  []loopStatistics{{Connections: 3, Paused: 1, Accepted: 12, BytesIn: 1 << 30, BytesOut: 1023, Wakeups: 100}},
		Services: []serviceStatistics{{
			Name: "chat", State: "running", workStatistics: workStatistics{
				Connections: 3, Connected: 12, Queued: 2, OutboxBytes: 48, Errors: 3, Panics: 1,
				trafficStatistics: trafficStatistics{MessagesIn: 5, BytesIn: 5000, LargestIn: 1024, MessagesOut: 6, BytesOut: 6 << 40, LargestOut: 1 << 20},
			},
			Failures: 4, Replaced: 5, Dropped: 6,
			Instances: []instanceStatistics{{ID: "chat/1", State: "leaving", workStatistics: workStatistics{Connections: 3}}},
		}, {Name: "echo", State: "running", Failures: 7}},
		Queues: queuesStatistics{Total: 300, Fullest: []queueStatistics{{Name: "a\nb", Messages: 1, Bytes: 10, Accepted: 11, Receivers: 2}}},
	}
	var out strings.Builder
	if err := printStatistics(&out, &s); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(out.String()) {
		fmt.Fprintln(&got, strings.TrimRight(line, " \n"))
	}
	if got.String() != statisticsTable {
		t.Errorf("got\n%s\nwant\n%s", &got, statisticsTable)
	}
}

// statisticsTable is without the spaces at the ends of lines.
const statisticsTable = `lapps 1.2.3, up 26h3m4s: 3 connections, 2.0 KiB buffered, 50.0 MiB of memory, 31 goroutines

SERVICE   STATE    CONNECTIONS  EVER  MESSAGES IN  BYTES IN  LARGEST  MESSAGES OUT  BYTES OUT  LARGEST  QUEUED  OUTBOXES  ERRORS  PANICS  FAILED RUNS  REPLACED  DROPPED
chat      running  3            12    5            4.9 KiB   1.0 KiB  6             6.0 TiB    1.0 MiB  2       48 B      3       1       4            5         6
  chat/1  leaving  3            0     0            0 B       0 B      0             0 B        0 B      0       0 B       0       0
echo      running  0            0     0            0 B       0 B      0             0 B        0 B      0       0 B       0       0       7            0         0

LISTENER       CONNECTIONS  TLS HANDSHAKES  RESUMED  FAILED  EVICTED  NOT TLS  BAD PROXY HEADERS
127.0.0.1:80   1            -               -        -       -        -        -
127.0.0.1:443  2            9               3        1       0        0        3

4 connections were refused when they were accepted, and 0 could not be accepted

LIMIT    EXCEEDED
idle_ms  7
memory   1         counted only

LOOP  CONNECTIONS  PAUSED  ACCEPTED  BYTES IN  BYTES OUT  WAKE-UPS
1     3            1       12        1.0 GiB   1023 B     100

QUEUE   MESSAGES  BYTES  EVER  WAITING TO POST  WAITING TO RECEIVE
"a\nb"  1         10 B   11    0                2
and 299 more
`
