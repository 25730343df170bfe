package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"lapps/benchmarks/generator"
	"lapps/benchmarks/process"
)

// A spec says how to start a server.
type spec struct {
	name    string
	command string
	path    string
	addr    netip.AddrPort // where it will listen, if that is decided already
}

// parseSpecs parses name=command;path=/target, each.
func parseSpecs(args []string) ([]spec, error) {
	var list []spec
	seen := map[string]bool{}
	for _, arg := range args {
		name, rest, ok := strings.Cut(arg, "=")
		command, path, hasPath := strings.Cut(rest, ";path=")
		if !hasPath {
			path = "/"
		}
		if !ok || name == "" || strings.TrimSpace(command) == "" || !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("compare: server %q: expected name=command or name=command;path=/target", arg)
		}
		if seen[name] {
			return nil, fmt.Errorf("compare: server %q: there is one of the name %s already", arg, name)
		}
		seen[name] = true
		list = append(list, spec{name: name, command: command, path: path})
	}
	return list, nil
}

// A server is one that runs.
type server struct {
	name    string
	process *process.Process
	target  generator.Target
}

// startAll starts the servers. With an error it returns those that run.
func startAll(ctx context.Context, specs []spec, log io.Writer) ([]*server, error) {
	var list []*server
	for _, s := range specs {
		if !s.addr.IsValid() && (strings.Contains(s.command, "{addr}") || strings.Contains(s.command, "{port}")) {
			var err error
			if s.addr, err = process.FreeAddr(); err != nil {
				return list, err
			}
		}
		p, err := process.Start(ctx, process.Command{Line: s.command, Addr: s.addr, Log: log})
		if err != nil {
			return list, fmt.Errorf("compare: %s: %w", s.name, err)
		}
		srv := &server{name: s.name, process: p}
		list = append(list, srv)
		srv.target, err = generator.ParseTarget(ctx, "ws://"+p.Addr().String()+s.path, false)
		if err != nil {
			return list, fmt.Errorf("compare: %s: %w", s.name, err)
		}
	}
	return list, nil
}

// stopAll ends the servers.
func stopAll(servers []*server) error {
	var errs []error
	for _, s := range servers {
		if err := s.process.Stop(); err != nil {
			errs = append(errs, fmt.Errorf("compare: %s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}
