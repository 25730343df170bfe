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

// words are what a mode calls its messages, and from when its latency counts.
type words struct{ one, many, from string }

func wordsOf(r *generator.Result) words {
	switch {
	case r.Mode == "connect":
		return words{"handshake", "handshakes", "the beginning of a connection"}
	case r.Mode == "broadcast" && r.Rate == 0:
		return words{"delivery", "deliveries", "when each burst was sent"}
	case r.Mode == "broadcast":
		return words{"delivery", "deliveries", "when each burst was due"}
	}
	return words{"message", "messages", "when each was due"}
}

// loadOf says what the load was.
func loadOf(r *generator.Result) string {
	kind := r.Op
	if r.Dialect != "" {
		kind = "requests of the LAppS protocol"
	}
	payload := fmt.Sprintf("%d bytes, %s", r.Size, kind)
	switch r.Mode {
	case "open":
		return fmt.Sprintf("open loop, %g messages/s over %d connections, %s", r.Rate, r.Conns, payload)
	case "connect":
		return fmt.Sprintf("connections opened and closed, %d at a time", r.Conns)
	case "broadcast":
		load := fmt.Sprintf("broadcast to %d connections, bursts of %d, %s", r.Conns, r.Depth, payload)
		if r.Rate > 0 {
			load += fmt.Sprintf(", %g bursts/s", r.Rate)
		}
		return load
	}
	return fmt.Sprintf("closed loop, %d connections, %d in flight on each, %s", r.Conns, r.Depth, payload)
}

// resultTable prints what Echo, Connect or Broadcast measured.
func resultTable(w io.Writer, r *generator.Result) error {
	t, say := newTable(w), wordsOf(r)
	t.line("load", "%s", loadOf(r))
	if r.TLS != "" {
		t.line("over", "%s", r.TLS)
	}
	t.line("measured", "%d %s in %.2f s (%d sent and %d verified in all)", r.Messages, say.many, r.Seconds, r.Sent, r.Verified)
	t.line("throughput", "%.0f %s/s", r.PerSecond, say.many)
	if r.Server != nil {
		t.usage("server", say.one, *r.Server)
	}
	t.usage("generator", say.one, r.Generator)
	if r.Latency != nil {
		t.latency(r, say)
	}
	if s := r.Slow; s != nil {
		t.line("slow readers", "%d, which sent %d messages; the server has ended %d of them", s.Conns, s.Sent, s.Ended)
	}
	if r.Unanswered > 0 {
		t.line("unanswered", "%d %s", r.Unanswered, say.many)
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
	if r.TLS != "" {
		t.line("over", "%s", r.TLS)
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

// latency prints the latencies and, of a load with a schedule, how it was kept.
func (t table) latency(r *generator.Result, say words) {
	l := r.Latency
	t.line("latency", "p50 %.0f  p90 %.0f  p99 %.0f  p99.9 %.0f  max %.0f µs, of %d %s, from %s",
		l.P50, l.P90, l.P99, l.P999, l.Max, l.Count, say.many, say.from)
	if r.Rate == 0 {
		return
	}
	t.line("sending", "%d late (%.2f %%), the latest by %.0f µs; %d held up by a full socket",
		l.Late, 100*l.LateShare(), l.MaxLate, l.Blocked)
	if l.LateShare() > 0.01 {
		t.line("", "THE GENERATOR COULD NOT KEEP UP: these latencies are its own as much as the server's")
	}
}

func (t table) usage(who, what string, u generator.Usage) {
	t.line(who, "%.3f µs of CPU per %s, %.2f cores, %.0f kB resident", u.CPUPerMessage, what, u.Cores, kB(u.RSS))
}

func (t table) failures(failures []generator.Failure) {
	for _, f := range failures {
		t.line("FAILED", "%d × %s; %s", f.Count, f.Kind, f.Example)
	}
}

func kB(bytes int64) float64 { return float64(bytes) / 1024 }
