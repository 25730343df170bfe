package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"lapps/benchmarks/process"
	"lapps/benchmarks/suite"
)

// defaultServers builds into dir what is compared when nobody says what: the
// bare gnet echo with one event loop, and lapps with one, its echo service in
// one instance.
func defaultServers(ctx context.Context, dir string) ([]spec, error) {
	root, err := repository(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"benchmarks/gnetecho", "cmd/lapps"} {
		if _, err := process.Output(ctx, root, "go", "build", "-o", filepath.Join(dir, filepath.Base(name)), "./"+name); err != nil {
			return nil, err
		}
	}
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "lapps.json")
	text := new(suite.Lapps).Config(&suite.Scenario{Loops: 1, Instances: 1}, root, addr, "", "")
	if err := os.WriteFile(config, text, 0o644); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	return []spec{
		{name: "gnetecho", command: filepath.Join(dir, "gnetecho") + " -addr {addr} -loops 1", path: "/"},
		{name: "lapps", command: filepath.Join(dir, "lapps") + " run -c " + config, path: "/echo", addr: addr},
	}, nil
}

// repository returns the folder of the repository, which the go command finds
// from the working directory.
func repository(ctx context.Context) (string, error) {
	return process.Output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", "lapps")
}
