package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	status := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// command is the program: it returns the exit status.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	conf, out, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	var report *Report
	if err == nil {
		report, err = run(ctx, conf)
	}
	if err == nil {
		writeSummary(stdout, report)
		if out != "" {
			err = writeReport(out, report)
		}
	}
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "autobahn: %v\n", err)
		return 2
	case err != nil:
		fmt.Fprintf(stderr, "autobahn: %v\n", err)
		return 1
	}
	return report.status()
}

// parse reads the flags; out is the directory for the report, or empty.
func parse(args []string, stderr io.Writer) (conf Config, out string, err error) {
	flags := flag.NewFlagSet("autobahn", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&conf.URL, "url", "ws://127.0.0.1:5083/echo", "`URL` of an echo service, ws:// or wss://")
	patterns := flags.String("cases", "*", "`patterns`, separated by commas: *, 1.*, 7.9.*, 6.4.1")
	flags.StringVar(&out, "out", "", "`directory` for index.html, index.json and a JSON file per case; made if need be")
	flags.IntVar(&conf.Messages, "messages", 1000, "how many messages each case of groups 12 and 13 sends")
	flags.IntVar(&conf.Parallel, "parallel", 1, "how many cases are played at a time")
	flags.StringVar(&conf.Agent, "agent", "server", "`name` of the server in the report")
	flags.StringVar(&conf.Note, "note", "", "`text` for the heading of the report: commit, machine")
	flags.IntVar(&conf.Slack, "slack", 1, "how many times the suite's time limits the server has")
	insecure := flags.Bool("insecure", false, "wss: do not verify the server's certificate")
	ca := flags.String("ca", "", "wss: `file` of certificates (PEM) to verify the server's by")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return conf, "", err
		}
		return conf, "", &usageError{"see -help"}
	}
	if flags.NArg() > 0 || conf.Messages < 1 || conf.Parallel < 1 || conf.Slack < 1 {
		return conf, "", &usageError{fmt.Sprintf("expected -messages, -parallel and -slack of at least 1 and no arguments, not %d, %d, %d and %q",
			conf.Messages, conf.Parallel, conf.Slack, flags.Args())}
	}
	conf.Patterns = strings.Split(*patterns, ",")
	if conf.TLS, err = tlsConfig(*insecure, *ca); err != nil {
		return conf, "", &usageError{err.Error()}
	}
	chosen, err := choose(suite(), conf.Patterns)
	if err != nil {
		return conf, "", err
	}
	conf.Progress = newProgress(stderr, chosen).tell
	return conf, out, nil
}

func tlsConfig(insecure bool, ca string) (*tls.Config, error) {
	conf := &tls.Config{InsecureSkipVerify: insecure}
	if ca == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in PEM", ca)
	}
	return conf, nil
}
