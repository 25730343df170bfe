package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"lapps/benchmarks/generator"
)

// A table is lines of a label and what it says. Errors of writing are kept
// for the end.
type table struct {
	w *tabwriter.Writer
}

func newTable(w io.Writer) table {
	return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
}

func (t table) line(label, format string, args ...any) {
	fmt.Fprintf(t.w, "%s\t%s\n", label, fmt.Sprintf(format, args...))
}

// echoTable prints what Echo measured.
func echoTable(w io.Writer, r *generator.Result) error {
	t := newTable(w)
	if r.Mode == "open" {
		t.line("load", "open loop, %g messages/s over %d connections, %d bytes, %s", r.Rate, r.Conns, r.Size, r.Op)
	} else {
		t.line("load", "closed loop, %d connections, %d in flight on each, %d bytes, %s", r.Conns, r.Depth, r.Size, r.Op)
	}
	t.line("measured", "%d messages in %.2f s (%d sent and %d verified in all)", r.Messages, r.Seconds, r.Sent, r.Verified)
	t.line("throughput", "%.0f messages/s", r.PerSecond)
	if r.Server != nil {
		t.usage("server", *r.Server)
	}
	t.usage("generator", r.Generator)
	if l := r.Latency; l != nil {
		t.line("latency", "p50 %.0f  p90 %.0f  p99 %.0f  p99.9 %.0f  max %.0f µs, of %d messages, from when each was due",
			l.P50, l.P90, l.P99, l.P999, l.Max, l.Count)
		t.line("sending", "%d late (%.2f %%), the latest by %.0f µs; %d held up by a full socket",
			l.Late, 100*l.LateShare(), l.MaxLate, l.Blocked)
		if l.LateShare() > 0.01 {
			t.line("", "THE GENERATOR COULD NOT KEEP UP: these latencies are its own as much as the server's")
		}
	}
	if r.Unanswered > 0 {
		t.line("unanswered", "%d messages", r.Unanswered)
	}
	t.failures(r.Failures)
	return t.w.Flush()
}

// idleTable prints what Idle measured.
func idleTable(w io.Writer, r *generator.IdleResult) error {
	t := newTable(w)
	if r.Echo {
		t.line("load", "idle connections that have echoed once")
	} else {
		t.line("load", "idle connections")
	}
	t.line("0", "%.0f kB", kB(r.Empty))
	for _, s := range r.Steps {
		moving := ""
		if !s.Settled {
			moving = "  (still moving)"
		}
		t.line(fmt.Sprint(s.Conns), "%.0f kB%s", kB(s.RSS), moving)
	}
	t.line("slope", "%.2f kB per connection", r.Slope/1024)
	t.failures(r.Failures)
	return t.w.Flush()
}

func (t table) usage(who string, u generator.Usage) {
	t.line(who, "%.3f µs of CPU per message, %.2f cores, %.0f kB resident", u.CPUPerMessage, u.Cores, kB(u.RSS))
}

func (t table) failures(failures []generator.Failure) {
	for _, f := range failures {
		t.line("FAILED", "%d × %s; %s", f.Count, f.Kind, f.Example)
	}
}

func kB(bytes int64) float64 { return float64(bytes) / 1024 }
