package suite

import (
	"context"
	"debug/buildinfo"
	"path/filepath"
	"strings"

	"lapps/benchmarks/process"
)

// build builds one of the programs that servers are made of into dir, and
// returns its name.
func build(ctx context.Context, root, dir, what string) (string, error) {
	folder := map[string]string{"gnetecho": "benchmarks/gnetecho", "lapps": "cmd/lapps", "peers": peersFolder}[what]
	name := filepath.Join(dir, "bin", what)
	_, err := process.Output(ctx, filepath.Join(root, folder), "go", "build", "-o", name, ".")
	return name, err
}

// version returns what is known of the version of s; program is the one that
// was built for it, if any.
func version(ctx context.Context, s *Server, program, dir string) string {
	if s.Version != "" {
		args := strings.Fields(strings.ReplaceAll(s.Version, "{dir}", dir))
		if out, err := process.Output(ctx, "", args[0], args[1:]...); err == nil {
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
