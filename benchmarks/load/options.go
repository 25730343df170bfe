package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"lapps/benchmarks/generator"
)

// options are the flags.
type options struct {
	generator.Config

	mode              string // one of modes
	server, url, path string
	wss               bool // without a url
	trust             trust
	steps             []int // of idle
	burst             int   // of broadcast
	echo              bool
	remote            bool
	json, quiet       bool
}

// modes are what can be asked for, and the flags that only some of them have.
var modes = map[string][]string{
	"closed":    {"conns", "threads", "depth", "size", "op", "dialect", "slow-readers", "duration", "warmup", "messages"},
	"open":      {"conns", "threads", "rate", "size", "op", "dialect", "slow-readers", "duration", "warmup", "messages"},
	"idle":      {"steps", "echo", "size", "op", "dialect"},
	"connect":   {"conns", "duration", "warmup", "messages"},
	"broadcast": {"conns", "burst", "rate", "size", "op", "duration", "warmup", "messages"},
}

// parse reads the flags. What is wrong with a value of generator.Config is
// said by the generator.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.mode, "mode", "", "closed, open, idle, connect or broadcast; by default idle with -steps, open with -rate, else closed")
	flags.StringVar(&o.url, "url", "", "`ws://host:port/path` of the server, or wss://")
	flags.StringVar(&o.server, "server", "", "`command` that starts the server; {addr} and {port} become a free address; split at spaces, no quoting")
	flags.StringVar(&o.path, "path", "/", "request `target`, for -server without -url")
	flags.BoolVar(&o.wss, "wss", false, "speak TLS, for -server without -url")
	flags.BoolVar(&o.trust.insecure, "insecure", false, "wss: trust whatever certificate the server has")
	flags.StringVar(&o.trust.ca, "ca", "", "wss: `file` of certificates to trust, PEM")
	flags.StringVar(&o.trust.curve, "curve", "", "wss: the key exchange to offer, x25519 or x25519mlkem768; by default what Go offers")
	flags.IntVar(&o.PID, "pid", 0, "the server's process, to measure its processor time and memory; -server knows it")
	flags.BoolVar(&o.remote, "remote", false, "allow a server that is not on the loopback")
	flags.IntVar(&o.Conns, "conns", 80, "connections; of a broadcast subscribers, the first publishes; connect: at a time")
	flags.IntVar(&o.Threads, "threads", 1, "generator threads")
	flags.IntVar(&o.Depth, "depth", 1, "closed loop: messages in flight per connection")
	flags.IntVar(&o.burst, "burst", 1, "broadcast: messages published with one write")
	flags.Float64Var(&o.Rate, "rate", 0, "open loop: messages per second over all connections; broadcast: bursts per second")
	flags.IntVar(&o.Size, "size", 64, "payload of a message in `bytes`")
	flags.IntVar(&o.SlowReaders, "slow-readers", 0, "connections besides that send as much and do not read")
	flags.DurationVar(&o.Duration, "duration", 10*time.Second, "time measured")
	flags.DurationVar(&o.Warmup, "warmup", 2*time.Second, "time before that; 0 with -messages")
	flags.Int64Var(&o.Messages, "messages", 0, "end when so many messages have been sent, or handshakes made; 0 means no limit but -duration")
	flags.DurationVar(&o.Timeout, "timeout", 10*time.Second, "limit for opening a connection, and for an echo")
	flags.BoolVar(&o.echo, "echo", false, "idle: one echo on each connection")
	flags.BoolVar(&o.json, "json", false, "report as JSON")
	flags.BoolVar(&o.quiet, "quiet", false, "no progress and no output of the server on standard error")
	op := flags.String("op", "binary", "`kind` of the messages: text or binary")
	dialect := flags.String("dialect", "raw", "what a message is: raw, or lapps for requests of the LAppS protocol")
	steps := flags.String("steps", "", "idle: `numbers` of connections to measure memory at, such as 2000,4000,8000")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	var opErr, dialectErr, stepsErr error
	o.Op, opErr = generator.ParseOp(*op)
	o.Dialect, dialectErr = generator.ParseDialect(*dialect)
	o.steps, stepsErr = parseSteps(*steps)
	return o, errors.Join(opErr, dialectErr, stepsErr, o.settle(flags))
}

// settle makes the flags agree with each other.
func (o *options) settle(flags *flag.FlagSet) error {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.Messages > 0 && !given["warmup"] {
		o.Warmup = 0
	}
	switch {
	case o.mode != "":
	case given["steps"]:
		o.mode = "idle"
	case o.Rate != 0:
		o.mode = "open"
	default:
		o.mode = "closed"
	}
	switch o.mode {
	case "open":
		o.Depth = 0
	case "broadcast":
		o.Depth = o.burst
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("load: unexpected argument %q: expected flags only", flags.Arg(0))
	case modes[o.mode] == nil:
		return fmt.Errorf("load: -mode %q: expected closed, open, idle, connect or broadcast", o.mode)
	case o.url == "" && o.server == "":
		return errors.New("load: no server: expected -url or -server")
	case o.url != "" && (given["path"] || given["wss"]):
		return errors.New("load: -path, -wss: the target is in -url already")
	case o.PID != 0 && o.server != "":
		return errors.New("load: -pid: expected either it or -server")
	case !strings.HasPrefix(o.path, "/"):
		return fmt.Errorf("load: -path %q: expected a target that begins with /", o.path)
	case o.mode == "open" && o.Rate == 0:
		return errors.New("load: -mode open: expected a -rate")
	case o.mode == "idle" && !given["steps"]:
		return errors.New("load: -mode idle: expected -steps")
	}
	return o.foreign(given)
}

// foreign says which flags given are not for the mode.
func (o *options) foreign(given map[string]bool) error {
	var errs []error
	for name := range given {
		of := slices.Sorted(func(yield func(string) bool) {
			for mode, flags := range modes {
				if slices.Contains(flags, name) && !yield(mode) {
					return
				}
			}
		})
		if len(of) > 0 && !slices.Contains(of, o.mode) {
			errs = append(errs, fmt.Errorf("load: -%s: is for mode %s, not for %s", name, strings.Join(of, ", "), o.mode))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
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
