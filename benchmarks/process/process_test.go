package process

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is also the server that the tests start.
func TestMain(m *testing.M) {
	if kind := os.Getenv("PROCESS_TEST_SERVER"); kind != "" {
		os.Exit(beServer(kind))
	}
	goleak.VerifyTestMain(m)
}

func beServer(kind string) int {
	if kind == "ends" {
		fmt.Fprintln(os.Stderr, "no reason to live")
		return 3
	}
	addr := "127.0.0.1:0"
	if kind == "told" {
		addr = os.Args[len(os.Args)-1]
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if kind == "says" {
		fmt.Printf("version 1.2.3.4\nserving ws://%s/ now\n", ln.Addr())
	}
	for {
		c, err := ln.Accept()
		if err != nil {
			return 1
		}
		c.Close()
	}
}

func TestStart(t *testing.T) {
	free, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		kind, line string
		addr       netip.AddrPort
	}{
		{"says", os.Args[0], netip.AddrPort{}},
		{"told", os.Args[0] + " {addr}", free},
		{"told", os.Args[0] + " 127.0.0.1:{port}", free},
	}
	for _, tt := range tests {
		t.Run(tt.line[len(os.Args[0]):], func(t *testing.T) {
			t.Setenv("PROCESS_TEST_SERVER", tt.kind)
			var log bytes.Buffer
			p, err := Start(t.Context(), Command{Line: tt.line, Addr: tt.addr, Log: &log})
			if err != nil {
				t.Fatalf("%v\n%s", err, log.String())
			}
			if tt.addr.IsValid() && p.Addr() != tt.addr || !p.Addr().Addr().IsLoopback() || p.Addr().Port() == 0 {
				t.Errorf("listens on %v, expected %v", p.Addr(), tt.addr)
			}
			if cpu, err := CPU(p.PID()); cpu <= 0 || err != nil {
				t.Errorf("CPU: %v, %v", cpu, err)
			}
			if rss, err := RSS(p.PID()); rss < 100<<10 || err != nil {
				t.Errorf("RSS: %v, %v", rss, err)
			}
			for range 2 {
				if err := p.Stop(); err != nil {
					t.Error(err)
				}
			}
			if _, err := CPU(p.PID()); err == nil {
				t.Error("the process is still there")
			}
			if tt.kind == "says" && !strings.HasPrefix(log.String(), "version 1.2.3.4\n") {
				t.Errorf("log: %q", log.String())
			}
		})
	}
}

func TestStartErrors(t *testing.T) {
	t.Setenv("PROCESS_TEST_SERVER", "ends")
	free, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		c    Command
		want string
	}{
		{"empty", Command{Line: "  "}, "process: the command is empty: expected a program and its arguments"},
		{"no such program", Command{Line: "./none -x"}, `process: start "./none -x": fork/exec ./none: no such file or directory`},
		{"ends before it says", Command{Line: os.Args[0]}, fmt.Sprintf("process: %q ended: exit status 3", os.Args[0])},
		{"ends before it listens", Command{Line: os.Args[0], Addr: free}, fmt.Sprintf("process: %q ended: exit status 3", os.Args[0])},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Start(t.Context(), tt.c); err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// The context ends a server that is waited for.
func TestStartCancelled(t *testing.T) {
	t.Setenv("PROCESS_TEST_SERVER", "silent")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Command{Line: os.Args[0]}); err == nil {
		t.Error("expected an error")
	}
}

func TestWatcher(t *testing.T) {
	tests := []struct{ name, out, want string }{
		{"alone", "127.0.0.1:80\n", "127.0.0.1:80"},
		{"in a line", "at http://[::1]:8080/, pid 5\n", "[::1]:8080"},
		{"the first", "version 1.2.3\n0.0.0.0:1\n0.0.0.0:2\n", "0.0.0.0:1"},
		{"no address", "999.0.0.1:80\n127.0.0.1:99999\n127.0.0.1\n", "invalid AddrPort"},
		{"a line not ended", "127.0.0.1:80", "invalid AddrPort"},
		{"a line too long", strings.Repeat("x", longestLine) + "127.0.0.1:80\n", "invalid AddrPort"},
	}
	for _, tt := range tests {
		for n := 1; n <= len(tt.out); n += max(1, len(tt.out)/50) {
			w := &watcher{addr: make(chan netip.AddrPort, 1)}
			for i := 0; i < len(tt.out); i += n {
				_, _ = w.Write([]byte(tt.out[i:min(i+n, len(tt.out))]))
			}
			var got netip.AddrPort
			select {
			case got = <-w.addr:
			default:
			}
			if got.String() != tt.want {
				t.Errorf("%s, in pieces of %d: got %v, expected %s", tt.name, n, got, tt.want)
			}
		}
	}
}

func TestFreeAddr(t *testing.T) {
	addr, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	if !addr.Addr().IsLoopback() || addr.Port() < firstPort || addr.Port() > lastPort {
		t.Errorf("got %v", addr)
	}
}

// ticks is the slow twin of cpuClock: utime and stime in /proc/PID/stat, in
// ticks of 10 ms.
func ticks(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(text, []byte(") ")) // the name may hold anything
	f := strings.Fields(string(after))
	var total int
	for _, s := range f[11:13] {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return time.Duration(total) * 10 * time.Millisecond
}

func TestCPU(t *testing.T) {
	pid := os.Getpid()
	for before := ticks(t); ticks(t)-before < 200*time.Millisecond; {
		// Each reading costs some of what is read.
	}
	low := ticks(t)
	got, err := cpuClock(pid)
	high := ticks(t)
	if err != nil || got < low-20*time.Millisecond || got > high+20*time.Millisecond {
		t.Errorf("got %v, %v; the ticks say %v to %v", got, err, low, high)
	}
	for pid, want := range map[int]string{
		maxPID: "process: CPU clock of process 4194304: invalid argument",
		0:      "process: CPU clock of process 0: expected a number from 1 to 4194304",
	} {
		if _, err := CPU(pid); err == nil || err.Error() != want {
			t.Errorf("got %v, expected %s", err, want)
		}
	}
}

func TestRSS(t *testing.T) {
	got, err := RSS(os.Getpid())
	if err != nil || got < 1<<20 {
		t.Fatalf("got %d, %v", got, err)
	}
	twin, err := sizeLine("/proc/self/status", "VmRSS:")
	if err != nil || twin < got/2 || twin > got*2 {
		t.Errorf("got %d, status says %d, %v", got, twin, err)
	}
	if _, err := RSS(1 << 29); err == nil || err.Error() != "process: memory: open /proc/536870912/status: no such file or directory" {
		t.Errorf("no such process: %v", err)
	}
}

func TestParseSize(t *testing.T) {
	tests := []struct {
		name, text string
		want       int64
		err        string
	}{
		{"rollup", "55f3-7ffc ---p 00000000 00:00 0 [rollup]\nRss:                1752 kB\nPss: 381 kB\n", 1752 << 10, ""},
		{"another label", "Pss: 1 kB\n", 0, `no line starts with "Rss:"`},
		{"empty", "", 0, `no line starts with "Rss:"`},
		{"another unit", "Rss: 1 MB\n", 0, `line "Rss: 1 MB": expected a number of kB`},
		{"no number", "Rss: x kB\n", 0, `line "Rss: x kB": strconv.ParseInt: parsing "x": invalid syntax`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseSize([]byte(tt.text), "Rss:")
			if got != tt.want || err != nil && err.Error() != tt.err || err == nil && tt.err != "" {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
}

// A process that the server started is measured with it.
func TestChildren(t *testing.T) {
	t.Setenv("PROCESS_TEST_SERVER", "says")
	p, err := Start(t.Context(), Command{Line: os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	found := false
	for _, child := range children(os.Getpid()) {
		found = found || child == p.PID()
	}
	if !found {
		t.Skip("this kernel does not list children")
	}
	own, err := SelfRSS()
	if err != nil {
		t.Fatal(err)
	}
	if both, err := RSS(os.Getpid()); err != nil || both < own+100<<10 {
		t.Errorf("got %d, %v; the process alone has %d", both, err, own)
	}
	both, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	after, err := SelfCPU()
	if err != nil {
		t.Fatal(err)
	}
	child, err := CPU(p.PID())
	if err != nil || both > after+child {
		t.Errorf("together %v; alone %v and %v afterwards, %v", both, after, child, err)
	}
}
