// Command compression measures what permessage-deflate costs an echo service
// of lapps: processor time and bytes for each message, memory for each
// connection.
//
//	compression                                          lapps, built from this repository
//	compression -server 'lapps run -c {config}'          another build of it
//	compression -rounds 1 -duration 1s -steps ''         a quick look, without memory
//
// One daemon serves the same echo uncompressed, compressed, and compressed with
// context takeover. For each size of message every form has its turn in every
// round; the table has medians over the rounds, with the least and the greatest
// in brackets. What compression adds is the median of each round's difference.
// Then, each with a daemon of its own, connections are opened in steps, have a
// lap of messages echoed and stay: the slope of the resident memory is what one
// more of them takes.
//
// Clients compress each message by itself (compress/flate, level 6), with
// takeover too: that the daemon may refer to earlier messages is what is
// measured, not how well a client does it. Every echo is inflated and
// compared, in order; any that differs ends the run with status 1. The
// processor time of the clients is not in the figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
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
	server           string // with {config}; empty: built
	sizes, steps     []int
	conns, rounds    int
	duration, settle time.Duration
}

// run is the command: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	dir, err := os.MkdirTemp("", "compression")
	if err == nil {
		defer os.RemoveAll(dir)
		err = o.measure(ctx, dir, stdout, process.SharedLog(stderr))
	}
	if err != nil {
		fmt.Fprintln(stderr, "compression:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("compression", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.server, "server", "", "`command` of the daemon, {config} in it is its configuration; built from this repository where there is none")
	flags.IntVar(&o.conns, "conns", 16, "connections, with one message in flight on each")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds")
	flags.DurationVar(&o.duration, "duration", 3*time.Second, "time measured for each form in each round, after a lap of all messages")
	flags.DurationVar(&o.settle, "settle", 30*time.Second, "time that memory may take to come to rest, at each step")
	sizes := flags.String("sizes", "64,1024,65536", "`bytes` of a message")
	steps := flags.String("steps", "2000,3000,4000,5000,6000", "`numbers` of idle connections, at least two; none: memory is not measured")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	var errs [3]error
	o.sizes, errs[0] = parseList("sizes", *sizes)
	o.steps, errs[1] = parseList("steps", *steps)
	if flags.NArg() > 0 || o.conns < 1 || o.rounds < 1 || o.duration <= 0 || len(o.steps) == 1 {
		errs[2] = errors.New("compression: expected no arguments, at least 1 for -conns and -rounds, a -duration, and not just one of -steps")
	}
	return o, errors.Join(errs[:]...)
}

// parseList parses ascending numbers with commas between them.
func parseList(name, text string) (list []int, err error) {
	last := 0
	for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(field)
		if err != nil || n <= last {
			return nil, fmt.Errorf("compression: -%s %q: expected ascending numbers separated by commas, not %q after %d", name, text, field, last)
		}
		list, last = append(list, n), n
	}
	return list, nil
}

// measure does all of it, and prints the tables.
func (o *options) measure(ctx context.Context, dir string, stdout, log io.Writer) (err error) {
	if o.server == "" {
		if o.server, err = build(ctx, dir); err != nil {
			return err
		}
	}
	if len(o.sizes) > 0 {
		if err := o.echo(ctx, dir, stdout, log); err != nil {
			return err
		}
	}
	if len(o.steps) > 0 {
		return o.memory(ctx, dir, stdout, log)
	}
	return nil
}
