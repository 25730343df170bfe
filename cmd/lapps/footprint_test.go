package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
)

// A footprint is what a process takes, its garbage collected.
type footprint struct {
	Heap       int64 // live, in bytes
	RSS        int64 // in bytes, what is free given back, but for Tables
	Tables     int64 // in bytes, of Go's heap: it never gives them back, 3 % of the most that it has been
	Goroutines int
	Parked     int // executors that wait for work, and are kept for it: not among Goroutines
	Files      int
}

func (f footprint) String() string {
	return fmt.Sprintf("heap %d kB, RSS %d kB and %d of tables, %d goroutines and %d parked, %d descriptors", f.Heap>>10, f.RSS>>10, f.Tables>>10, f.Goroutines, f.Parked, f.Files)
}

// maxParked is how many executors lapps keeps: eight for each instance, of which
// the tests have four at most.
const maxParked = 4 * 8

// The slack is what the footprint of a small process may grow by besides the
// tenth, and the quarter, of what it was: pools of buffers, one for each
// processor, maps and stacks that once were larger.
const (
	heapSlack = 512 << 10
	rssSlack  = 4 << 20
)

// within reports whether f is no more than before. The race detector's shadow
// of memory stays resident: with it the RSS is not looked at.
func (f footprint) within(before footprint) bool {
	return f.Heap <= before.Heap+before.Heap/10+heapSlack &&
		(raceEnabled || f.RSS <= before.RSS+before.RSS/4+rssSlack) &&
		f.Goroutines <= before.Goroutines && f.Parked <= maxParked && f.Files <= before.Files
}

// takeFootprint tells the footprint of this process.
func takeFootprint() (f footprint, err error) {
	runtime.GC() // finalizers run behind the first, what they held goes with the second
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.Heap = int64(m.HeapAlloc)
	f.Goroutines, f.Parked = goroutines()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return f, err
	}
	f.Files = len(files)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return f, err
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	number, _, _ := strings.Cut(rest, " kB")
	kB, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	f.Tables = int64(m.MSpanSys + m.MCacheSys + m.BuckHashSys + m.GCSys + m.OtherSys)
	f.RSS = kB<<10 - f.Tables
	return f, err
}

// goroutines is how many there are but for those that gnet's pool keeps for the
// next connection, some seconds long, and for parked executors.
func goroutines() (n, parked int) {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2) // a Buffer takes all
	for g := range strings.SplitSeq(all.String(), "\n\n") {
		_, top, _ := strings.Cut(g, "\n")
		switch {
		case strings.HasPrefix(top, "lapps/services/vm.(*executor).run("):
			parked++
		case !strings.Contains(g, "ants/v2.(*goWorker).run"):
			n++
		}
	}
	return n, parked
}

// answerFootprints answers each line with a footprint, until there are no
// more. It is how a test asks lapps in a process of its own.
func answerFootprints(in io.Reader, out io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		f, err := takeFootprint()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		if json.NewEncoder(out).Encode(f) != nil {
			return
		}
	}
}

// A pipe asks a process for its footprint.
type pipe struct {
	ask     io.Writer
	answers *json.Decoder
}

// newPipe has cmd, which is lapps and not started yet, be asked.
func newPipe(t testing.TB, cmd *exec.Cmd) *pipe {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return &pipe{ask: in, answers: json.NewDecoder(out)}
}

func (p *pipe) footprint(t testing.TB) (f footprint) {
	t.Helper()
	fmt.Fprintln(p.ask)
	if err := p.answers.Decode(&f); err != nil {
		t.Fatalf("no footprint: %v", err)
	}
	return f
}
