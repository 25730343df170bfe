// Command compare measures servers against each other: round after round,
// server after server (A B C, A B C, …), so that what the machine does
// meanwhile befalls all of them, and it compares pair by pair.
//
//	compare                                     gnetecho and lapps, built from this repository
//	compare 'a=gnetecho -addr {addr}' 'b=other --port {port};path=/echo'
//	compare suite                               every scenario, every peer: see package suite
//
// A server is name=command, and optionally ;path=/target. {addr} and {port} in
// the command become a free loopback address; a command without them is asked
// for its address, the first on its standard output. Each server is started
// once, idles while the others are measured, and is ended by SIGTERM. The
// first is the one the others are compared to.
//
// For each scenario a table on standard output tells the medians over the
// rounds, with the least and the greatest in brackets. The ratio is the median
// of each round's ratio. -json writes everything to a file. Any message that
// does not come back as it should ends the comparison with status 1, and so does, with
// -most, a median that is greater than it may be.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lapps/benchmarks/generator"
	"lapps/benchmarks/process"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// options are the flags and arguments.
type options struct {
	base      generator.Config // what all scenarios have in common
	scenarios []scenario
	rounds    int
	json      string // a file; empty for none
	quiet     bool
	bounds    bounds
	servers   []spec // none: the default list
}

// run is the command: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "suite" {
		return runSuite(ctx, args[1:], stdout, stderr)
	}
	opt, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	if err := opt.run(ctx, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// parse reads the flags and arguments.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "how often each server has its turn")
	flags.IntVar(&o.base.Size, "size", 64, "payload of a message in `bytes`")
	flags.IntVar(&o.base.Threads, "threads", 1, "generator threads")
	flags.DurationVar(&o.base.Duration, "duration", 3*time.Second, "time measured in each round")
	flags.DurationVar(&o.base.Warmup, "warmup", time.Second, "time before that; 0 with -messages")
	flags.Int64Var(&o.base.Messages, "messages", 0, "end a round when so many messages have been sent; 0 means no limit but -duration")
	flags.DurationVar(&o.base.Timeout, "timeout", 10*time.Second, "limit for opening a connection, and for an echo")
	flags.StringVar(&o.json, "json", "", "write all results to this `file`")
	flags.BoolVar(&o.quiet, "quiet", false, "no progress and no output of the servers on standard error")
	op := flags.String("op", "binary", "`kind` of the messages: text or binary")
	most := flags.String("most", "", "fail where a server's median ratio of CPU to the first is greater: a `list` such as 80x1=1.5,80x16=3")
	scenarios := flags.String("scenarios", "80x1,80x16", "`list` of connections x messages in flight on each")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if o.base.Messages > 0 {
		o.base.Warmup = 0
	}
	var errs [4]error
	o.base.Op, errs[0] = generator.ParseOp(*op)
	o.scenarios, errs[1] = parseScenarios(*scenarios)
	o.bounds, errs[3] = parseBounds(*most, o.scenarios)
	o.servers, errs[2] = parseSpecs(flags.Args())
	if o.rounds < 1 {
		errs[0] = errors.Join(errs[0], fmt.Errorf("compare: -rounds: expected at least 1, not %d", o.rounds))
	}
	return o, errors.Join(errs[:]...)
}

func parseScenarios(text string) ([]scenario, error) {
	var list []scenario
	for name := range strings.SplitSeq(text, ",") {
		conns, depth, ok := strings.Cut(name, "x")
		c, err := strconv.Atoi(conns)
		d, err2 := strconv.Atoi(depth)
		if !ok || err != nil || err2 != nil {
			return nil, fmt.Errorf("compare: -scenarios %q: expected connections x depth such as 80x16, not %q", text, name)
		}
		list = append(list, scenario{Name: name, Conns: c, Depth: d})
	}
	return list, nil
}

// run starts the servers, compares them and reports.
func (o *options) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	var log io.Writer
	if !o.quiet {
		log = process.SharedLog(stderr)
	}
	if len(o.servers) == 0 {
		dir, err := os.MkdirTemp("", "compare")
		if err != nil {
			return fmt.Errorf("compare: %w", err)
		}
		defer os.RemoveAll(dir)
		if o.servers, err = defaultServers(ctx, dir); err != nil {
			return err
		}
	}
	servers, err := startAll(ctx, o.servers, log)
	defer func() { err = errors.Join(err, stopAll(servers)) }()
	if err != nil {
		return err
	}
	var all []outcome
	for _, s := range o.scenarios {
		out, err := o.compare(ctx, s, servers, log)
		if err != nil {
			return err
		}
		if err := out.print(stdout); err != nil {
			return fmt.Errorf("compare: %w", err)
		}
		all = append(all, out)
	}
	if o.json != "" {
		err = writeJSON(o.json, all)
	}
	return errors.Join(err, o.bounds.check(all))
}

func writeJSON(name string, all []outcome) error {
	text, err := json.MarshalIndent(struct {
		Scenarios []outcome `json:"scenarios"`
	}{all}, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o755)
	}
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	return nil
}
