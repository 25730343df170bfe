package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// newOperate are the commands that speak to a server that runs.
func newOperate() []*cobra.Command {
	all := []*cobra.Command{newServices(), newStatistics(), newDeploy()}
	for _, c := range []struct{ name, short string }{
		{"start", "Start a service that does not run"},
		{"stop", "Stop a service: its connections are closed with 1001, new ones are refused with 503"},
		{"restart", "Start a service anew, with the files that are in its directory now"},
		{"undeploy", "Stop a service that a bundle has brought, and remove it"},
		{"rollback", "Put the version of a service before in the place of the one that serves"},
	} {
		all = append(all, newServiceCommand(c.name, c.short))
	}
	return all
}

// operatorFlags has cmd find the server.
func operatorFlags(cmd *cobra.Command, o *operator) {
	cmd.Flags().StringVarP(&o.config, "config", "c", "", "the configuration that the server runs with, lapps.json here or above if it is not given; it names the directory of the socket")
	cmd.Flags().StringVar(&o.socket, "socket", "", "the server's socket itself")
}

// An operator speaks to a server that runs.
type operator struct{ config, socket string }

func newServices() *cobra.Command {
	var o operator
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "services [-c PATH]",
		Short: "List the services of the server that runs: versions, states, connections",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Services []serviceStatus `json:"services"`
			}
			if err := o.call(cmd.Context(), http.MethodGet, "/v1/services", nil, &list); err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(list)
			}
			return printServices(cmd.OutOrStdout(), list.Services)
		},
	}
	operatorFlags(cmd, &o)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// printServices writes a table.
func printServices(out io.Writer, all []serviceStatus) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVICE\tVERSION\tSTATE\tINSTANCES\tCONNECTIONS\tERRORS\tREQUEST TARGET")
	for _, s := range all {
		target := s.RequestTarget
		if s.Standalone {
			target = "(standalone)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", s.Name, versionName(s.Version), s.State, s.Instances, s.Connections, s.Errors, target)
		for _, old := range s.Leaving {
			fmt.Fprintf(w, "\t%s\tleaving\t%d\t%d\t\t\n", versionName(old.Version), old.Instances, old.Connections)
		}
	}
	return w.Flush()
}

// versionName is a version for people.
func versionName(v string) string {
	if v == "" {
		return "-"
	}
	return v
}

func newDeploy() *cobra.Command {
	var o operator
	cmd := &cobra.Command{
		Use:   "deploy [-c PATH] BUNDLE",
		Short: "Deploy a bundle (.lar, .zip, .tar.gz) to the server that runs",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := openRegular(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			var s serviceStatus
			target := "/v1/bundles?" + url.Values{"name": {filepath.Base(args[0])}}.Encode()
			if err := o.call(cmd.Context(), http.MethodPost, target, f, &s); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: version %s is %s\n", s.Name, versionName(s.Version), s.State)
			return nil
		},
	}
	operatorFlags(cmd, &o)
	return cmd
}

// openRegular opens a bundle to be sent: a regular file, since a pipe would wait for who writes to it.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &failure{fmt.Errorf("%s is no regular file", path)}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func newServiceCommand(name, short string) *cobra.Command {
	var o operator
	cmd := &cobra.Command{
		Use:   name + " [-c PATH] SERVICE",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s serviceStatus
			if err := o.call(cmd.Context(), http.MethodPost, "/v1/services/"+url.PathEscape(args[0])+"/"+name, nil, &s); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: version %s is %s\n", s.Name, versionName(s.Version), s.State)
			return nil
		},
	}
	operatorFlags(cmd, &o)
	return cmd
}

// call makes a request, and reads the answer into v. What the server refuses is a
// failure, with its words.
func (o *operator) call(ctx context.Context, method, target string, body io.Reader, v any) error {
	path, err := o.path()
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://lapps"+target, body)
	if err != nil {
		return err
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	var dialing *net.OpError
	switch {
	case errors.As(err, &dialing) && dialing.Op == "dial":
		return &failure{fmt.Errorf("no server answers at %s: does one run, with this configuration? (%w)", path, dialing.Err)}
	case err != nil:
		return &failure{err}
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return json.NewDecoder(response.Body).Decode(v)
	}
	var why failureBody
	if err := json.NewDecoder(response.Body).Decode(&why); err != nil || why.Error == "" {
		return &failure{fmt.Errorf("the server answered %s", response.Status)}
	}
	return &failure{errors.New(why.Error)}
}

// path is where the server's socket is.
func (o *operator) path() (string, error) {
	if o.socket != "" {
		return o.socket, nil
	}
	path, err := operatedPath(o.config)
	if err != nil {
		return "", err
	}
	cfg, _, err := loadConfig(path)
	if err != nil {
		return "", err
	}
	return socketOf(cfg), nil
}
