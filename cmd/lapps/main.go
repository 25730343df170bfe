// Lapps is an application server for WebSockets. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"lapps/config"
)

// Version is set by the linker in releases: -X main.Version=1.2.3
var Version = "0.1.0-dev"

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // it could not start, or not stop in time; or tests have failed
	exitUsage  = 2 // the configuration or the command line is wrong
)

func main() {
	if borrowed(os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid()) {
		fmt.Fprintln(os.Stderr, errBorrowed)
		os.Exit(exitFailed)
	}
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs a command line and returns the exit status.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(withGoFlags(args))
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if !errors.Is(err, errTold) {
		fmt.Fprintln(stderr, err)
	}
	var failure *failure
	if errors.As(err, &failure) {
		return exitFailed
	}
	return exitUsage
}

// A failure is an error that is not one of usage or configuration.
type failure struct{ error }

func (f *failure) Unwrap() error { return f.error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "lapps",
		Short: "An application server for WebSockets: operators write JSON, developers write Lua",
		Long: `lapps serves Lua applications over WebSockets.

Without a command it serves its examples on 127.0.0.1:5083.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runExamples(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newRun(), newCheck(), newTest(), newREPL(), newTypes(), newImport(), newCert(), newLAR(), newSchema(), newVersion())
	root.AddCommand(newOperate()...)
	return root
}

func newRun() *cobra.Command {
	var path string
	var watches bool
	cmd := &cobra.Command{
		Use:   "run [-c PATH] [--watch]",
		Short: "Serve what a configuration says",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd.Context(), path, watches, cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&watches, "watch", false, "start services anew when their files change, for development")
	return cmd
}

func newCheck() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check [-c PATH]",
		Short: "Check a configuration and compile the Lua files of its services, and start nothing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := configPath(path)
			if err != nil {
				return err
			}
			if err := check(path, cmd.OutOrStdout(), cmd.ErrOrStderr()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", path)
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "", "the configuration file (JSON), or the directory of LAppS's ws.json and lapps.json")
}

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Write the JSON Schema of the configuration",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.Schema())
			return err
		},
	}
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Write the version",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "lapps %s%s (%s, %s/%s)\n", Version, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// revision is the commit that the binary was built from, where that is known.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return " " + s.Value[:12]
		}
	}
	return ""
}
