package suite

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// build builds one of the programs that servers are made of into dir, and
// returns its name.
func build(ctx context.Context, root, dir, what string) (string, error) {
	folder := map[string]string{"gnetecho": "benchmarks/gnetecho", "lapps": "cmd/lapps", "peers": peersFolder}[what]
	name := filepath.Join(dir, "bin", what)
	_, err := output(ctx, filepath.Join(root, folder), "go", "build", "-o", name, ".")
	return name, err
}

// version returns what is known of the version of s; program is the one that
// was built for it, if any.
func version(ctx context.Context, s *Server, program, dir string) string {
	if s.Version != "" {
		args := strings.Fields(strings.ReplaceAll(s.Version, "{dir}", dir))
		if out, err := output(ctx, "", args[0], args[1:]...); err == nil {
			first, _, _ := strings.Cut(out, "\n")
			return first
		}
	}
	if s.Lapps != nil && program == "" {
		program, _, _ = strings.Cut(s.Command, " ")
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return ""
	}
	for _, set := range info.Settings {
		if s.Lapps != nil && set.Key == "vcs.revision" {
			return "commit " + set.Value[:min(len(set.Value), 7)]
		}
	}
	for _, m := range info.Deps {
		if m.Path == s.Module {
			return m.Version
		}
	}
	return ""
}

// output runs a command in dir and returns what it printed, trimmed: what it
// printed on standard error where it printed nothing else.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("suite: %s: %w\n%s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(complaint.String()))
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		return text, nil
	}
	return strings.TrimSpace(complaint.String()), nil
}
