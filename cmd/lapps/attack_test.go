package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A siege is an attack on lapps, what the configuration has to say to it, and
// what becomes of the attackers.
type siege struct {
	kind   string
	conns  int
	scheme string
	doc    string // the configuration
	again  bool   // the attackers come again and again
	want   string // the outcomes that are right, a regular expression
	ends   bool   // by what the server does; else when the crowd has had enough
	crowd  int    // ordinary clients; 0: two
}

var sieges = []siege{
	{kind: "slowloris-handshake", conns: 1000, scheme: "ws", ends: true, want: "status 408",
		doc: `{"timeouts": {"handshake_ms": 4000}, "services": {"echo": {}}}`},
	{kind: "slowloris-handshake", conns: 1000, scheme: "wss", ends: true, want: "status 408",
		doc: `{"timeouts": {"handshake_ms": 6000}, "services": {"echo": {}}}`},
	{kind: "slowloris-handshake", conns: 1000, scheme: "ws", ends: true, want: "status 408|status 429", // beyond the limit
		doc: `{"timeouts": {"handshake_ms": 4000}, "limits": {"connections_per_prefix": 50}, "services": {"echo": {}}}`},
	{kind: "slowloris-hello", conns: 1000, scheme: "wss", ends: true, want: "alert 49",
		doc: `{"timeouts": {"handshake_ms": 4000}, "services": {"echo": {}}}`},
	{kind: "slowloris-record", conns: 1000, scheme: "wss", ends: true, want: "close 1008",
		doc: `{"timeouts": {"ping_ms": 3000, "pong_ms": 3000}, "services": {"echo": {}}}`},
	{kind: "slowloris-frame", conns: 1000, scheme: "ws", ends: true, want: "close 1008",
		doc: `{"timeouts": {"message_ms": 3000}, "services": {"echo": {}}}`},
	{kind: "half-open", conns: 10_000, scheme: "ws", want: "stayed",
		doc: `{"timeouts": {"handshake_ms": 60000}, "services": {"echo": {}}}`},
	{kind: "half-open", conns: 1000, scheme: "wss", ends: true, want: "alert 49",
		doc: `{"timeouts": {"handshake_ms": 3000}, "services": {"echo": {}}}`},
	{kind: "half-record", conns: 200, scheme: "wss", want: "stayed",
		doc: `{"services": {"echo": {}}}`},
	{kind: "handshake-flood", conns: 64, scheme: "wss", again: true, want: "answered|stayed",
		doc: `{"services": {"echo": {}}}`},
	{kind: "oversized-header", conns: 200, scheme: "ws", again: true, want: "status 431|stayed",
		doc: `{"services": {"echo": {}}}`},
	{kind: "oversized-frame", conns: 200, scheme: "ws", again: true, want: "close 1009|stayed",
		doc: `{"services": {"echo": {}}}`},
	{kind: "oversized-message", conns: 200, scheme: "wss", again: true, want: "close 1009|stayed",
		doc: `{"services": {"echo": {}}}`},
	{kind: "dead-readers", conns: 200, scheme: "ws", ends: true, want: "cut off", crowd: 200,
		doc: `{"timeouts": {"busy_ms": 3000, "close_ms": 1000}, "services": {"echo": {}}}`},
	{kind: "dead-readers", conns: 200, scheme: "wss", ends: true, want: "cut off", crowd: 200,
		doc: `{"timeouts": {"busy_ms": 5000, "close_ms": 1000}, "services": {"echo": {}}}`},
}

// TestAttacks lays siege to lapps. Attacker and server are processes of their
// own. All the while ordinary clients echo, old ones and new ones, the attackers
// get what the manual says, and afterwards nothing is left of them.
func TestAttacks(t *testing.T) {
	program := buildAttack(t)
	for _, s := range sieges {
		t.Run(s.kind+" "+s.scheme, func(t *testing.T) {
			if testing.Short() || raceEnabled {
				s.conns = max(s.conns/10, 20)
				s.crowd /= 10
				t.Logf("%d connections, a tenth", s.conns)
			}
			s.lay(t, program)
		})
	}
}

// enough is how many echoes, and how many newcomers, show that the attack is no
// hindrance. With the race detector both sides are slow, and the attackers are
// not.
func enough() (echoes, newcomers int64) {
	if raceEnabled {
		return 20, 2
	}
	return 100, 5
}

func (s *siege) lay(t *testing.T, program string) {
	doc, trust := s.doc, (*tls.Config)(nil)
	if s.scheme == "wss" {
		doc, trust = overTLS(t, s.doc)
	}
	p := startProcess(t, 1, doc, echoApp)
	url := s.scheme + "://" + p.addr + "/echo"
	people := newCrowd(t, max(s.crowd, 2), url, trust)
	before := s.rehearse(t, program, p, people)

	people.start()
	a := startAttack(t, program, s.args(s.conns, "0s", url)...)
	<-a.placed
	echoes, newcomers := people.echoes.Load(), people.newcomers.Load()
	enoughEchoes, enoughNewcomers := enough()
	amid := p.pipe.footprint(t)
	eventually(t, "ordinary clients echo, or the attack is over", func() bool {
		return people.failure() != nil || a.isOver() ||
			!s.ends && people.echoes.Load() >= echoes+enoughEchoes && people.newcomers.Load() >= newcomers+enoughNewcomers
	})
	if !s.ends {
		a.stop()
	}
	r := a.report(t)
	people.end(t)
	echoes, newcomers = people.echoes.Load()-echoes, people.newcomers.Load()-newcomers
	if echoes < enoughEchoes || newcomers < enoughNewcomers {
		t.Errorf("%d echoes and %d newcomers beside the attack, want at least %d and %d", echoes, newcomers, enoughEchoes, enoughNewcomers)
	}
	r.check(t, s.want)
	t.Logf("%.1f s, %v, %d kB sent; %d echoes and %d newcomers meanwhile", r.Seconds, r.Outcomes, r.Sent>>10, echoes, newcomers)
	t.Logf("before: %v; amid: %v, %.1f kB of heap each", before, amid, float64(amid.Heap-before.Heap)/1024/float64(s.conns))
	atRestAgain(t, p, people, before)
}

// rehearse has a small attack, and the crowd, be there before, so that all
// that is made once has been made, and returns the server's footprint then.
func (s *siege) rehearse(t *testing.T, program string, p *process, people *crowd) footprint {
	t.Helper()
	files := p.pipe.footprint(t).Files
	people.start()
	a := startAttack(t, program, s.args(20, "1s", people.url)...)
	a.report(t)
	people.end(t)
	return settled(t, p, files)
}

// args is the attacker's command line.
func (s *siege) args(conns int, length, url string) []string {
	return []string{"-kind", s.kind, "-n", fmt.Sprint(conns), fmt.Sprintf("-again=%v", s.again), "-for", length, url}
}

// settled is the footprint of p once it has no more descriptors than files.
func settled(t *testing.T, p *process, files int) (f footprint) {
	t.Helper()
	eventually(t, "the attackers have gone", func() bool {
		f = p.pipe.footprint(t)
		return f.Files <= files
	})
	return f
}

// atRestAgain waits until the server's footprint is what it was before. Those
// who echoed beside the attack still do.
func atRestAgain(t *testing.T, p *process, people *crowd, before footprint) {
	t.Helper()
	var after footprint
	defer func() { t.Logf("after:  %v", after) }()
	eventually(t, "the attack has left nothing", func() bool {
		for _, c := range people.conns {
			if err := echo(t.Context(), c, "after"); err != nil {
				t.Fatalf("afterwards: %v", err)
			}
		}
		after = p.pipe.footprint(t)
		return after.within(before)
	})
	if strings.Contains(p.log.String(), "DATA RACE") {
		t.Error(p.log)
	}
}

// An attacker is the program benchmarks/attack, running.
type attacker struct {
	cmd    *exec.Cmd
	placed chan struct{} // closed when its connections are in place
	over   chan struct{} // closed when it has ended

	out bytes.Buffer // these two are for reading once it is over
	err error
}

// buildAttack builds the attacker.
func buildAttack(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "attack")
	if out, err := exec.Command("go", "build", "-o", program, "lapps/benchmarks/attack").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// startAttack begins an attack.
func startAttack(t *testing.T, program string, args ...string) *attacker {
	t.Helper()
	a := &attacker{cmd: exec.Command(program, append([]string{"-json"}, args...)...), placed: make(chan struct{}), over: make(chan struct{})}
	a.cmd.Stdout = &a.out
	stderr, err := a.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go a.follow(bufio.NewScanner(stderr))
	t.Cleanup(func() {
		a.stop()
		<-a.over
	})
	return a
}

// follow reads what the attacker says, to its end.
func (a *attacker) follow(lines *bufio.Scanner) {
	var said []string
	for lines.Scan() {
		if strings.HasSuffix(lines.Text(), "are in place") {
			close(a.placed)
			continue
		}
		said = append(said, lines.Text())
	}
	if a.err = a.cmd.Wait(); a.err != nil {
		a.err = fmt.Errorf("%w: %s", a.err, strings.Join(said, "\n"))
	}
	close(a.over)
}

func (a *attacker) stop() { a.cmd.Process.Signal(syscall.SIGTERM) }

func (a *attacker) isOver() bool {
	select {
	case <-a.over:
		return true
	default:
		return false
	}
}

// An outcome is the report of an attack.
type outcome struct {
	Conns    int
	Seconds  float64
	Sent     int64 `json:"sent_bytes"`
	Outcomes map[string]int
	Example  string
}

// report waits for the end of the attack.
func (a *attacker) report(t *testing.T) (o outcome) {
	t.Helper()
	<-a.over
	if a.err != nil {
		t.Fatal(a.err)
	}
	if err := json.Unmarshal(a.out.Bytes(), &o); err != nil {
		t.Fatalf("%v: %s", err, a.out.Bytes())
	}
	return o
}

// check wants all outcomes to be of a kind.
func (o outcome) check(t *testing.T, want string) {
	t.Helper()
	right := regexp.MustCompile("^(" + want + ")$")
	for what := range o.Outcomes {
		if !right.MatchString(what) {
			t.Errorf("what became of the attackers: %v, want %s; %s", o.Outcomes, want, o.Example)
		}
	}
}
