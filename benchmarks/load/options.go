package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"lapps/benchmarks/generator"
)

// options are the flags.
type options struct {
	generator.Config

	server, url, path string
	steps             []int // not empty: idle connections
	echo              bool
	remote            bool
	json, quiet       bool
}

// parse reads the flags. What is wrong with a value of generator.Config is
// said by the generator.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.url, "url", "", "`ws://host:port/path` of the server")
	flags.StringVar(&o.server, "server", "", "`command` that starts the server; {addr} and {port} become a free address; split at spaces, no quoting")
	flags.StringVar(&o.path, "path", "/", "request `target`, for -server without -url")
	flags.IntVar(&o.PID, "pid", 0, "the server's process, to measure its processor time and memory; -server knows it")
	flags.BoolVar(&o.remote, "remote", false, "allow a server that is not on the loopback")
	flags.IntVar(&o.Conns, "conns", 80, "connections")
	flags.IntVar(&o.Threads, "threads", 1, "generator threads")
	flags.IntVar(&o.Depth, "depth", 1, "closed loop: messages in flight per connection")
	flags.Float64Var(&o.Rate, "rate", 0, "open loop: messages per second over all connections")
	flags.IntVar(&o.Size, "size", 64, "payload of a message in `bytes`")
	flags.DurationVar(&o.Duration, "duration", 10*time.Second, "time measured")
	flags.DurationVar(&o.Warmup, "warmup", 2*time.Second, "time before that; 0 with -messages")
	flags.Int64Var(&o.Messages, "messages", 0, "end when so many messages have been sent; 0 means no limit but -duration")
	flags.DurationVar(&o.Timeout, "timeout", 10*time.Second, "limit for opening a connection, and for an echo")
	flags.BoolVar(&o.echo, "echo", false, "idle: one echo on each connection")
	flags.BoolVar(&o.json, "json", false, "report as JSON")
	flags.BoolVar(&o.quiet, "quiet", false, "no progress and no output of the server on standard error")
	op := flags.String("op", "binary", "`kind` of the messages: text or binary")
	steps := flags.String("steps", "", "idle: `numbers` of connections to measure memory at, such as 2000,4000,8000")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	var err, stepsErr error
	o.Op, err = generator.ParseOp(*op)
	o.steps, stepsErr = parseSteps(*steps)
	return o, errors.Join(err, stepsErr, o.settle(flags))
}

// settle makes the flags agree with each other.
func (o *options) settle(flags *flag.FlagSet) error {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.Messages > 0 && !given["warmup"] {
		o.Warmup = 0
	}
	if o.Rate != 0 && !given["depth"] {
		o.Depth = 0
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("load: unexpected argument %q: expected flags only", flags.Arg(0))
	case o.url == "" && o.server == "":
		return errors.New("load: no server: expected -url or -server")
	case o.url != "" && given["path"]:
		return errors.New("load: -path: the target is in -url already")
	case o.PID != 0 && o.server != "":
		return errors.New("load: -pid: expected either it or -server")
	case !strings.HasPrefix(o.path, "/"):
		return fmt.Errorf("load: -path %q: expected a target that begins with /", o.path)
	case len(o.steps) > 0 && (given["rate"] || given["depth"] || given["conns"] || given["messages"]):
		return errors.New("load: -steps opens idle connections: expected no -conns, -depth, -rate or -messages")
	case o.echo && len(o.steps) == 0:
		return errors.New("load: -echo is for idle connections: expected -steps")
	}
	return nil
}

func parseSteps(text string) ([]int, error) {
	if text == "" {
		return nil, nil
	}
	var steps []int
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("load: -steps %q: expected numbers separated by commas, not %q", text, field)
		}
		steps = append(steps, n)
	}
	return steps, nil
}
