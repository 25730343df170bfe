// Command attack does to a WebSocket server what attackers do, and says what
// the server did about it.
//
//	attack -kind slowloris-handshake -n 1000 ws://127.0.0.1:5083/echo
//	attack -kind half-record -n 200 -for 10s wss://127.0.0.1:5083/echo
//	attack -help                                      the kinds
//
// Each of -n connections plays its part once or, with -again, is followed by
// another. The attack is over when the server has ended all of them, after -for,
// or at SIGTERM. What became of the connections is told by the report, a table on
// standard output, or JSON with -json; when all connections are in place is said
// on standard error. The server's certificate is not verified.
//
//	status 408   it was refused with that status
//	close 1008   it was closed with that code
//	alert 49     it was ended with that alert of TLS
//	end, reset   it was ended without a word
//	cut off      it was ended before it had read all
//	stayed       it was open at the end of the attack
//	answered     its ClientHello was answered with a ServerHello
//	no place     it could not be opened as far as the attack needs
//
// The exit status is 0, or 1 if it could not begin, 2 for a command that cannot
// be understood. A server that is not on the loopback must be asked for with
// -remote: attack your own.
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
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// options are the flags and the argument.
type options struct {
	kind   *kind
	target target

	conns   int
	every   time.Duration
	size    int
	message string
	again   bool
	length  time.Duration
	json    bool
}

// run is the command: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(ctx, args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	if o.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.length)
		defer cancel()
	}
	r := o.attack(ctx, stderr)
	if err := r.write(stdout, o.json); err != nil {
		fmt.Fprintln(stderr, "attack:", err)
		return 1
	}
	return 0
}

// parse reads the flags and the argument.
func parse(ctx context.Context, args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("attack", flag.ContinueOnError)
	flags.SetOutput(stderr)
	name := flags.String("kind", "", "what is done:\n"+usage())
	flags.IntVar(&o.conns, "n", 100, "connections")
	flags.DurationVar(&o.every, "every", 100*time.Millisecond, "slowloris: time between two bytes of a connection")
	flags.IntVar(&o.size, "size", 8<<10, "dead-readers: payload of a message in `bytes`")
	flags.StringVar(&o.message, "message", "", "silent-readers: a `text` to send first, such as one that subscribes")
	flags.BoolVar(&o.again, "again", false, "open a new connection for one that the server has ended")
	flags.DurationVar(&o.length, "for", 0, "end the attack after this `time`; 0: when the server has ended all connections, or at SIGTERM")
	flags.BoolVar(&o.json, "json", false, "report as JSON")
	remote := flags.Bool("remote", false, "allow a server that is not on the loopback")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() != 1 {
		return nil, fmt.Errorf("attack: expected the URL of a server, not %q", strings.Join(flags.Args(), " "))
	}
	if o.conns < 1 || o.every <= 0 || o.size < 1 || o.length < 0 {
		return nil, fmt.Errorf("attack: expected at least 1 for -n and -size, and times above 0, not %d, %d, %v and %v", o.conns, o.size, o.every, o.length)
	}
	var err error
	if o.target, err = parseTarget(ctx, flags.Arg(0), *remote); err != nil {
		return nil, err
	}
	if o.kind = kindOf(*name); o.kind == nil {
		return nil, fmt.Errorf("attack: -kind %q: expected one of\n%s", *name, usage())
	}
	if o.kind.encrypted && !o.target.encrypted {
		return nil, fmt.Errorf("attack: -kind %s is an attack on TLS: expected a URL that begins with wss://", *name)
	}
	return o, nil
}

// A report is what became of an attack.
type report struct {
	Kind     string         `json:"kind"`
	Conns    int            `json:"conns"`
	Seconds  float64        `json:"seconds"`
	Sent     int64          `json:"sent_bytes"` // after the opening handshakes, where those are not the attack
	Outcomes map[string]int `json:"outcomes"`
	Example  string         `json:"example,omitempty"` // why one had no place
}

// write writes the report.
func (r *report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err := fmt.Fprintf(w, "%s with %d connections, %.1f s, %d bytes sent\n", r.Kind, r.Conns, r.Seconds, r.Sent)
	for _, name := range sorted(r.Outcomes) {
		fmt.Fprintf(w, "%8d  %s\n", r.Outcomes[name], name)
	}
	if r.Example != "" {
		fmt.Fprintf(w, "          %s\n", r.Example)
	}
	return err
}
