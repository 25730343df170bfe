// Command load puts load on a WebSocket echo server and says what it did with
// it: messages per second, processor time per message, latency, memory.
//
//	load -url ws://127.0.0.1:5083/echo -pid 4711 -conns 80 -depth 16     a closed loop
//	load -server 'gnetecho -addr {addr}' -path /echo -rate 20000         an open loop
//	load -server 'gnetecho -addr {addr}' -steps 2000,4000,8000,16000     idle connections
//	load -mode connect -url wss://127.0.0.1:5083/ -pid 4711 -insecure    handshakes
//	load -mode broadcast -url ws://127.0.0.1:5083/broadcast -pid 4711 -conns 5000 -burst 16
//	load -url ws://127.0.0.1:5083/lapps -pid 4711 -dialect lapps         requests of the LAppS protocol
//	load -url ws://127.0.0.1:5083/echo -pid 4711 -slow-readers 40        fast and slow readers
//
// Over wss the server's certificate is verified against the system's roots, or
// those of -ca, unless -insecure trusts anybody.
//
// A server named with -server is started and ended by SIGTERM. {addr} and
// {port} in its command become the address of -url, or else a free one on the
// loopback; without any of these the server is asked: the first address on its
// standard output is taken.
//
// The report is a table on standard output, or JSON with -json; progress and
// the server's output go to standard error. The exit status is 0 if every
// message came back as it should, 1 if anything went wrong, 2 for a command
// that cannot be understood. What the figures mean is in ../README.md.
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
	"strings"
	"syscall"

	"lapps/benchmarks/generator"
	"lapps/benchmarks/process"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the command: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	ok, err := load(ctx, opt, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	if !ok || err != nil {
		return 1
	}
	return 0
}

// load starts the server if it is asked to, runs and reports. ok is false if
// any connection failed.
func load(ctx context.Context, opt *options, stdout, stderr io.Writer) (ok bool, err error) {
	var log io.Writer
	if !opt.quiet {
		log = process.SharedLog(stderr)
		opt.Progress = func(p generator.Progress) {
			fmt.Fprintf(log, "%5.1f s: %d connections, %d messages\n", p.Elapsed.Seconds(), p.Conns, p.Messages)
		}
	}
	if opt.server != "" {
		server, err := startServer(ctx, opt, log)
		if err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
	}
	if opt.Target, err = generator.ParseTarget(ctx, opt.url, opt.remote); err != nil {
		return false, err
	}
	if err := opt.trust.apply(&opt.Target); err != nil {
		return false, err
	}
	switch opt.mode {
	case "idle":
		r, err := generator.Idle(ctx, generator.IdleConfig{Config: opt.Config, Steps: opt.steps, Echo: opt.echo})
		if err != nil {
			return false, err
		}
		return len(r.Failures) == 0, report(stdout, opt.json, r, func() error { return idleTable(stdout, r) })
	case "connect":
		return loadBy(ctx, generator.Connect, opt, stdout)
	case "broadcast":
		return loadBy(ctx, generator.Broadcast, opt, stdout)
	}
	return loadBy(ctx, generator.Echo, opt, stdout)
}

// loadBy runs one of the generator's modes and reports.
func loadBy(ctx context.Context, run func(context.Context, generator.Config) (*generator.Result, error), opt *options, stdout io.Writer) (ok bool, err error) {
	r, err := run(ctx, opt.Config)
	if err != nil {
		return false, err
	}
	return len(r.Failures) == 0, report(stdout, opt.json, r, func() error { return resultTable(stdout, r) })
}

// startServer starts the server and fills in where it is and which process.
func startServer(ctx context.Context, opt *options, log io.Writer) (*process.Process, error) {
	c := process.Command{Line: opt.server, Log: log}
	var err error
	switch {
	case opt.url != "":
		target, err := generator.ParseTarget(ctx, opt.url, opt.remote)
		if err != nil {
			return nil, err
		}
		c.Addr = target.Addr
	case strings.Contains(c.Line, "{addr}") || strings.Contains(c.Line, "{port}"):
		if c.Addr, err = process.FreeAddr(); err != nil {
			return nil, err
		}
	}
	server, err := process.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	opt.PID = server.PID()
	if opt.url == "" {
		scheme := "ws://"
		if opt.wss {
			scheme = "wss://"
		}
		opt.url = scheme + server.Addr().String() + opt.path
	}
	return server, nil
}

// report prints r as JSON, or has its table printed.
func report(w io.Writer, asJSON bool, r any, table func() error) error {
	if !asJSON {
		return table()
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
