package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"lapps/benchmarks/process"
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
		if _, err := output(ctx, root, "go", "build", "-o", filepath.Join(dir, filepath.Base(name)), "./"+name); err != nil {
			return nil, err
		}
	}
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "lapps.json")
	if err := os.WriteFile(config, lappsConfig(addr, filepath.Join(root, "examples")), 0o644); err != nil {
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
	return output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", "lapps")
}

// lappsConfig returns a configuration with the echo service of the
// applications and otherwise the defaults, which are what is measured.
func lappsConfig(addr netip.AddrPort, applications string) []byte {
	type object = map[string]any
	text, err := json.MarshalIndent(object{
		"listeners":   []object{{"address": addr.String()}},
		"loops":       1,
		"directories": object{"applications": applications},
		"services":    object{"echo": object{"instances": 1}},
	}, "", "  ")
	if err != nil {
		panic(err) // strings and numbers only
	}
	return append(text, '\n')
}

// output runs a command in dir and returns what it printed, trimmed.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("compare: %s: %w\n%s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
