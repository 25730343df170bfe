// Command inside measures what Lua does inside a lapps by itself, with no load from
// outside:
//
//	inside                  everything, five rounds
//	inside -run cws         what is named so
//
// mqr: a service posts to a queue as fast as it can, and another receives; strings of 64
// bytes, nljson values frozen, copied, and made of tables; and there and back, each message
// when the last has come back. Beside it, in the same round, a channel of Go with as much
// room, between two goroutines of this program.
//
// cws: a service of two instances has so many connections in all to an echo, another lapps with
// one event loop, and on each a message of 64 bytes in flight. Beside it, in the same round,
// this repository's generator with as many connections to the same echo. When the
// service is stopped, the connections must be gone: the descriptors of the process are counted.
//
// The table has the medians over the rounds, with the least and the greatest in brackets,
// and the median of each round's ratio to what was beside. lapps is built from this repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"lapps/benchmarks/process"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// options are the flags.
type options struct {
	rounds           int
	duration, warmup time.Duration
	conns            int // of the larger load of cws
	only             *regexp.Regexp
}

// run is the command: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, err)
		return 2
	}
	if err := opt.run(ctx, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("inside", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flags.DurationVar(&o.duration, "duration", 2*time.Second, "time measured, each time")
	flags.DurationVar(&o.warmup, "warmup", time.Second, "time before that")
	flags.IntVar(&o.conns, "conns", 5000, "connections of the larger load of cws, in two instances")
	only := flags.String("run", "", "`pattern` of the loads' names; none means all")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("inside: -run: %w", err)
	}
	if flags.NArg() > 0 || o.rounds < 1 || o.duration < 300*time.Millisecond || o.conns < 2 || o.conns%2 != 0 {
		return nil, errors.New("inside: expected no arguments, -rounds of at least 1, -duration of at least 300ms, and an even number of -conns")
	}
	return o, nil
}

// A load is something that Lua does, and what is beside it.
type load struct {
	name    string
	figures []string // in the table, in that order
	beside  string   // what the first figure is compared with
	turn    func(ctx context.Context, b *bench) (turn, error)
}

// A turn is what came of a load in one round.
type turn struct {
	figures []float64
	beside  float64 // the same as the first of them
}

// A bench is what loads are measured with.
type bench struct {
	*options
	root, dir string // of the repository; for what is made here
	lapps     string // the program
}

// run measures all rounds and reports.
func (o *options) run(ctx context.Context, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "inside")
	if err != nil {
		return fmt.Errorf("inside: %w", err)
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, dir: dir, lapps: filepath.Join(dir, "lapps")}
	if b.root, err = process.Output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", "lapps"); err != nil {
		return fmt.Errorf("inside: %w", err)
	}
	if _, err := process.Output(ctx, b.root, "go", "build", "-o", b.lapps, "./cmd/lapps"); err != nil {
		return fmt.Errorf("inside: %w", err)
	}
	var loads []load
	for _, l := range append(queueLoads(), clientLoads(o.conns)...) {
		if o.only.MatchString(l.name) {
			loads = append(loads, l)
		}
	}
	if len(loads) == 0 {
		return fmt.Errorf("inside: -run %s: none has such a name", o.only)
	}
	turns := make([][]turn, len(loads))
	for round := range o.rounds {
		for i, l := range loads {
			t, err := l.turn(ctx, b)
			if err != nil {
				return fmt.Errorf("inside: %s: %w", l.name, err)
			}
			turns[i] = append(turns[i], t)
			fmt.Fprintf(stderr, "round %d of %d: %s: %.4g %s\n", round+1, o.rounds, l.name, t.figures[0], l.figures[0])
		}
	}
	return report(stdout, loads, turns)
}
