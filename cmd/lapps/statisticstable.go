package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newStatistics() *cobra.Command {
	var o operator
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "statistics [-c PATH]",
		Short: "Show what the server that runs is doing, and has done: services, instances, listeners, limits, event loops, queues",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s statistics
			if err := o.call(cmd.Context(), http.MethodGet, "/v1/statistics", nil, &s); err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(s)
			}
			return printStatistics(cmd.OutOrStdout(), &s)
		},
	}
	operatorFlags(cmd, &o)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// printStatistics writes tables, without those that have nothing to tell.
func printStatistics(out io.Writer, s *statistics) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	uptime := time.Duration(s.UptimeS * float64(time.Second)).Truncate(time.Second)
	fmt.Fprintf(w, "lapps %s, up %v: %d connections, %s buffered, %s of memory, %d goroutines\n",
		s.Version, uptime, s.Connections, sizeName(s.BufferedBytes), sizeName(s.MemoryBytes), s.Goroutines)
	printTraffic(w, s.Services)
	printListeners(w, s)
	printLimits(w, s)
	fmt.Fprintln(w, "\nLOOP\tCONNECTIONS\tPAUSED\tACCEPTED\tBYTES IN\tBYTES OUT\tWAKE-UPS")
	for i, l := range s.Loops {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%s\t%s\t%d\n", i+1, l.Connections, l.Paused, l.Accepted,
			sizeName(int64(l.BytesIn)), sizeName(int64(l.BytesOut)), l.Wakeups)
	}
	printQueues(w, s)
	return w.Flush()
}

// printTraffic writes the services', and of each its instances'.
func printTraffic(w io.Writer, all []serviceStatistics) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(w, "\nSERVICE\tSTATE\tCONNECTIONS\tEVER\tMESSAGES IN\tBYTES IN\tLARGEST\tMESSAGES OUT\tBYTES OUT\tLARGEST\tQUEUED\tOUTBOXES\tERRORS\tPANICS\tFAILED RUNS\tREPLACED\tDROPPED")
	row := func(name, state string, work workStatistics) {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%d\t%s\t%s\t%d\t%s\t%d\t%d", name, state, work.Connections, work.Connected,
			work.MessagesIn, sizeName(int64(work.BytesIn)), sizeName(int64(work.LargestIn)),
			work.MessagesOut, sizeName(int64(work.BytesOut)), sizeName(int64(work.LargestOut)), work.Queued, sizeName(work.OutboxBytes), work.Errors, work.Panics)
	}
	for _, s := range all {
		row(s.Name, s.State, s.workStatistics)
		fmt.Fprintf(w, "\t%d\t%d\t%d\n", s.Failures, s.Replaced, s.Dropped)
		for _, in := range s.Instances {
			row("  "+in.ID, in.State, in.workStatistics)
			fmt.Fprint(w, "\t\t\t\n") // a row with fewer cells ends the columns of those above it
		}
	}
}

func printListeners(w io.Writer, s *statistics) {
	fmt.Fprintln(w, "\nLISTENER\tCONNECTIONS\tTLS HANDSHAKES\tRESUMED\tFAILED\tEVICTED\tNOT TLS\tBAD PROXY HEADERS")
	for _, l := range s.Listeners {
		fmt.Fprintf(w, "%s\t%d", l.Address, l.Connections)
		if t := l.TLS; t != nil {
			fmt.Fprintf(w, "\t%d\t%d\t%d\t%d\t%d", t.Completed, t.Resumed, t.Failed, t.Evicted, t.NotTLS)
		} else {
			fmt.Fprint(w, "\t-\t-\t-\t-\t-")
		}
		if p := l.Proxy; p != nil {
			fmt.Fprintf(w, "\t%d\n", p.Untrusted+p.Malformed+p.Late)
		} else {
			fmt.Fprint(w, "\t-\n")
		}
	}
	if a := s.Accepting; a != (acceptStatistics{}) {
		fmt.Fprintf(w, "\n%d connections were refused when they were accepted, and %d could not be accepted\n", a.Refused, a.Errors)
	}
}

// printLimits writes those that have been exceeded.
func printLimits(w io.Writer, s *statistics) {
	title := "\nLIMIT\tEXCEEDED\t\n"
	for _, l := range s.Limits {
		if l.Exceeded == 0 {
			continue
		}
		note := ""
		if l.DryRun {
			note = "counted only"
		}
		fmt.Fprintf(w, "%s%s\t%d\t%s\n", title, l.Name, l.Exceeded, note)
		title = ""
	}
}

func printQueues(w io.Writer, s *statistics) {
	q := s.Queues
	if q.Total == 0 {
		return
	}
	fmt.Fprintln(w, "\nQUEUE\tMESSAGES\tBYTES\tEVER\tWAITING TO POST\tWAITING TO RECEIVE")
	for _, one := range q.Fullest {
		fmt.Fprintf(w, "%q\t%d\t%s\t%d\t%d\t%d\n", one.Name, one.Messages, sizeName(one.Bytes), one.Accepted, one.Posters, one.Receivers)
	}
	if more := q.Total - len(q.Fullest); more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
}

// sizeName is a number of bytes for people.
func sizeName(n int64) string {
	for _, u := range []struct {
		bit  int
		name string
	}{{40, "TiB"}, {30, "GiB"}, {20, "MiB"}, {10, "KiB"}} {
		if n >= 1<<u.bit {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(int64(1)<<u.bit), u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
