package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"lapps/benchmarks/suite"
)

// runSuite is the command's form "suite": it returns the exit status.
func runSuite(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var set suite.Settings
	flags := flag.NewFlagSet("compare suite", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&set.Rounds, "rounds", 5, "how often each server has its turn")
	flags.IntVar(&set.Threads, "threads", 1, "generator threads")
	flags.DurationVar(&set.Duration, "duration", 2*time.Second, "time measured in each turn")
	flags.DurationVar(&set.Warmup, "warmup", 500*time.Millisecond, "time before that")
	flags.DurationVar(&set.Start, "start", 3*time.Second, "time before a server's first turn, where that is more")
	flags.DurationVar(&set.Timeout, "timeout", 10*time.Second, "limit for opening a connection, and for an echo")
	scenarios := flags.String("run", "", "measure only scenarios whose name matches this `regexp`")
	servers := flags.String("servers", "", "measure only the servers of this `list`, such as gnetecho,lapps")
	file := flags.String("json", "", "write the results to this `file`; a run of everything writes benchmarks/results/DATE-COMMIT.json without")
	quiet := flags.Bool("quiet", false, "no progress on standard error")
	note := flags.String("note", "", "what a reader of the results has to know of this run")
	list := flags.Bool("list", false, "list the scenarios and how long each takes, and measure nothing")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "compare suite: unexpected argument %q: expected flags only\n", flags.Arg(0))
		return 2
	}
	root, err := repository(ctx)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	s, err := suite.Load(root)
	if err == nil {
		err = s.Select(*scenarios, *servers)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	if *list {
		fmt.Fprint(stdout, s.Summary(set))
		return 0
	}
	log := stderr
	if *quiet {
		log = nil
	}
	results, err := s.Run(ctx, set, stdout, log)
	if results != nil {
		results.Note = *note
		if *file == "" && *scenarios+*servers == "" {
			*file = filepath.Join(root, "benchmarks", "results", results.Name())
		}
		err = errors.Join(err, write(results, *file, stderr))
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// write writes the results to a file, if it has a name, and says so.
func write(r *suite.Results, file string, stderr io.Writer) error {
	if file == "" {
		return nil
	}
	if err := r.Write(file); err != nil {
		return err
	}
	fmt.Fprintln(stderr, "results:", file)
	return nil
}
