// Command beside measures what attacks do to others: the latency of an echo
// over ws, in an open loop, alone and beside each attack on another listener of
// the same lapps, with one event loop, so that attackers and echo share it.
//
//	beside                        every attack, five rounds
//	beside -attacks half-record   that one
//
// Lua that means no good is an attack, too: a service beside the echo's is fed one
// hostile script after the other (hostile.go), over one connection at a time.
//
// Each round measures the echo alone, then beside each attack in turn. The table
// tells the medians over the rounds of p50 and p99, in microseconds, with the
// least and the greatest in brackets, and of each round's ratio to the echo
// alone. lapps and attack are built from this repository.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
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

// An attack is one of benchmarks/attack's kinds, with so many connections, on
// the encrypted listener or on the plain one; or one of scripts.
type attack struct {
	kind      string
	conns     int
	encrypted bool
}

// attacks are those that are known, by name.
var attacks = []attack{
	{"half-record", 1000, true},
	{"slowloris-record", 1000, true},
	{"slowloris-hello", 1000, true},
	{"half-open", 2000, true},
	{"handshake-flood", 64, true},
	{"dead-readers", 200, false},
	{"endless-loops", 1, false},
	{"string-bombs", 1, false},
	{"table-bombs", 1, false},
	{"errors-in-deep", 1, false},
}

// options are the flags.
type options struct {
	rounds  int
	load    generator.Config
	attacks []attack
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
	o := &options{load: generator.Config{Size: 64}}
	flags := flag.NewFlagSet("beside", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flags.IntVar(&o.load.Conns, "conns", 50, "connections of the echo")
	flags.Float64Var(&o.load.Rate, "rate", 2000, "messages per second, over all connections")
	flags.DurationVar(&o.load.Duration, "duration", 3*time.Second, "time measured, each time")
	flags.DurationVar(&o.load.Warmup, "warmup", time.Second, "time before that")
	names := flags.String("attacks", "", "`list` of the attacks, by kind; none means all of "+kinds())
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 || o.rounds < 1 {
		return nil, fmt.Errorf("beside: expected no arguments, and -rounds of at least 1, not %q and %d", flags.Args(), o.rounds)
	}
	o.attacks = attacks
	if *names != "" {
		o.attacks = nil
	}
	for name := range strings.SplitSeq(*names, ",") {
		i := slices.IndexFunc(attacks, func(a attack) bool { return a.kind == name })
		switch {
		case i >= 0:
			o.attacks = append(o.attacks, attacks[i])
		case name != "":
			return nil, fmt.Errorf("beside: -attacks: expected some of %s, not %q", kinds(), name)
		}
	}
	return o, nil
}

func kinds() string {
	var all []string
	for _, a := range attacks {
		all = append(all, a.kind)
	}
	return strings.Join(all, ",")
}

// A bench is lapps, running.
type bench struct {
	dir        string // of the binaries
	plain, wss netip.AddrPort
	server     *process.Process
}

// run measures all rounds and reports.
func (o *options) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "beside")
	if err != nil {
		return fmt.Errorf("beside: %w", err)
	}
	defer os.RemoveAll(dir)
	b, err := start(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.Stop()) }()
	o.load.PID = b.server.PID()
	if o.load.Target, err = generator.ParseTarget(ctx, "ws://"+b.plain.String()+"/echo", false); err != nil {
		return err
	}
	alone := make([]*generator.Latency, o.rounds)
	beside := make([][]*generator.Latency, len(o.attacks))
	for r := range o.rounds {
		if alone[r], err = o.echo(ctx); err != nil {
			return fmt.Errorf("beside: alone: %w", err)
		}
		for i, a := range o.attacks {
			l, err := b.under(ctx, a, o.echo)
			if err != nil {
				return fmt.Errorf("beside: %s: %w", a.kind, err)
			}
			beside[i] = append(beside[i], l)
			fmt.Fprintf(stderr, "round %d of %d: %s: p99 %.0f µs, alone %.0f\n", r+1, o.rounds, a.kind, l.P99, alone[r].P99)
		}
	}
	return o.print(stdout, alone, beside)
}

// echo measures the echo. A message that does not come back is an error.
func (o *options) echo(ctx context.Context) (*generator.Latency, error) {
	r, err := generator.Echo(ctx, o.load)
	if err != nil {
		return nil, err
	}
	if len(r.Failures) > 0 {
		return nil, fmt.Errorf("%d echoes failed: %v", r.Unanswered, r.Failures)
	}
	return r.Latency, nil
}

// under calls measure while an attack is under way.
func (b *bench) under(ctx context.Context, a attack, measure func(context.Context) (*generator.Latency, error)) (*generator.Latency, error) {
	if script, ok := scripts[a.kind]; ok {
		return b.besideScript(ctx, script, measure)
	}
	url := "ws://" + b.plain.String() + "/echo"
	if a.encrypted {
		url = "wss://" + b.wss.String() + "/echo"
	}
	cmd := exec.CommandContext(ctx, filepath.Join(b.dir, "attack"), "-kind", a.kind, "-n", strconv.Itoa(a.conns), "-again", url)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = process.Grace
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Second) // for its connections to stand
	l, err := measure(ctx)
	if e := cmd.Process.Signal(syscall.SIGTERM); e != nil {
		err = errors.Join(err, fmt.Errorf("the attack ended early: %w", e))
	}
	var exit *exec.ExitError
	if e := cmd.Wait(); e != nil && !errors.As(e, &exit) {
		err = errors.Join(err, e)
	}
	return l, err
}

// print writes the table.
func (o *options) print(w io.Writer, alone []*generator.Latency, beside [][]*generator.Latency) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "echo\tp50 µs\tp99 µs\tp99, × alone")
	p50 := func(l *generator.Latency) float64 { return l.P50 }
	p99 := func(l *generator.Latency) float64 { return l.P99 }
	fmt.Fprintf(t, "alone\t%s\t%s\t1\n", spread(each(alone, p50), "%.0f"), spread(each(alone, p99), "%.0f"))
	for i, a := range o.attacks {
		ratios := make([]float64, len(alone))
		for r := range alone {
			ratios[r] = beside[i][r].P99 / alone[r].P99
		}
		fmt.Fprintf(t, "beside %d × %s\t%s\t%s\t%s\n", a.conns, a.kind,
			spread(each(beside[i], p50), "%.0f"), spread(each(beside[i], p99), "%.0f"), spread(ratios, "%.2f"))
	}
	return t.Flush()
}

func each(all []*generator.Latency, f func(*generator.Latency) float64) (values []float64) {
	for _, l := range all {
		values = append(values, f(l))
	}
	return values
}

// spread is the median, with the least and the greatest.
func spread(values []float64, format string) string {
	sorted := slices.Sorted(slices.Values(values))
	return fmt.Sprintf(format+" ["+format+" "+format+"]", sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1])
}

// start builds what is needed into dir, and starts lapps.
func start(ctx context.Context, dir string) (*bench, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "lapps").Output()
	if err != nil {
		return nil, fmt.Errorf("beside: go list: %w", err)
	}
	at := strings.TrimSpace(string(root))
	for _, name := range []string{"benchmarks/attack", "cmd/lapps"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, filepath.Base(name)), "./"+name)
		cmd.Dir = at
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("beside: go build %s: %w: %s", name, err, out)
		}
	}
	b := &bench{dir: dir}
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	lapps := filepath.Join(dir, "lapps")
	if out, err := exec.CommandContext(ctx, lapps, "cert", "--cert", cert, "--key", key).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("beside: lapps cert: %w: %s", err, out)
	}
	if b.plain, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	if b.wss, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	apps := filepath.Join(dir, "apps")
	if err := applications(filepath.Join(at, "examples"), apps); err != nil {
		return nil, fmt.Errorf("beside: %w", err)
	}
	type object = map[string]any
	text, err := json.Marshal(object{
		"listeners": []object{
			{"address": b.plain.String()},
			{"address": b.wss.String(), "tls": object{"certificates": []object{{"cert": cert, "key": key}}}},
		},
		"loops":       1,
		"directories": object{"applications": apps},
		"services":    object{"echo": object{"instances": 1}, "hostile": object{"instances": 1}},
	})
	if err != nil {
		return nil, fmt.Errorf("beside: %w", err)
	}
	config := filepath.Join(dir, "lapps.json")
	if err := os.WriteFile(config, text, 0o644); err != nil {
		return nil, fmt.Errorf("beside: %w", err)
	}
	b.server, err = process.Start(ctx, process.Command{Line: lapps + " run -c " + config, Addr: b.plain})
	return b, err
}
