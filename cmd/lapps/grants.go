package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lapps/acl"
	"lapps/config"
	"lapps/services"
	"lapps/services/grants"
	"lapps/services/vm"
)

// grantsOf makes what a service is granted. Its directories stay open as long as the
// process.
func grantsOf(cfg *config.Config, name string, s config.Service) (*grants.Grants, error) {
	c := grants.Config{Base: cfg.Directory(), Network: s.Grants.Network, Environment: s.Grants.Environment, Modules: s.Grants.Modules}
	apps, err := filepath.Abs(cfg.Directories.Applications)
	if err != nil {
		return nil, err
	}
	c.Variables = map[string]string{appsDir: apps + string(filepath.Separator)}
	c.Own = filepath.Join(apps, name)
	for _, f := range s.Grants.Files {
		c.Files = append(c.Files, grants.Directory{Path: f.Path, Write: f.Access == "write"})
	}
	for _, r := range s.Grants.PrivateRanges {
		p, err := acl.ParsePrefix(r)
		if err != nil {
			return nil, err
		}
		c.Private = append(c.Private, p)
	}
	return grants.New(c)
}

// appsDir is the variable that tells services, as LAppS does, where all of them are. For
// files of others there a service needs a grant all the same.
const appsDir = "LAPPS_APPS_DIR"

// askers are the functions of Lua's that need a grant.
var askers = []string{"require", "io.open", "io.lines", "os.remove", "os.rename", "os.getenv"}

// A wish is something that a service asks for, as far as its files tell.
type wish struct {
	kind  string // read, write, environment or module
	name  string // "": only Lua will know
	where string // file:line
}

// String is the wish without its place.
func (w wish) String() string {
	if w.name == "" {
		return w.kind
	}
	return fmt.Sprintf("%s %q", w.kind, w.name)
}

// wishes are what a service's files ask for, each once, where it stands first. Modules
// that stay within the server, and the service's own files, are left out.
func wishes(calls []vm.Call) (all []wish) {
	add := func(kind string, c vm.Call, arg int) {
		w := wish{kind: kind, where: fmt.Sprintf("%s:%d", c.File, c.Line)}
		if arg < len(c.Args) {
			w.name = c.Args[arg]
		}
		if !slices.ContainsFunc(all, func(o wish) bool { return o.kind == w.kind && o.name == w.name }) {
			all = append(all, w)
		}
	}
	for _, c := range calls {
		switch c.Name {
		case "require":
			if len(c.Args) > 0 && privileged(c.Args[0]) {
				add("module", c, 0)
			}
		case "io.lines":
			add("read", c, 0)
		case "io.open":
			add(accessOf(c), c, 0)
		case "os.remove":
			add("write", c, 0)
		case "os.rename":
			add("write", c, 0)
			add("write", c, 1)
		case "os.getenv":
			add("environment", c, 0)
		}
	}
	slices.SortStableFunc(all, func(a, b wish) int { return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.name, b.name)) })
	return all
}

// accessOf is what a call of io.open needs, as far as that is written there.
func accessOf(c vm.Call) string {
	switch {
	case len(c.Args) == 0, len(c.Args) > 1 && c.Args[1] == "":
		return "read or write"
	case len(c.Args) > 1 && strings.ContainsAny(c.Args[1], "wa+"):
		return "write"
	}
	return "read"
}

// privileged reports whether a module of that name reaches outside of the server.
func privileged(name string) bool {
	return slices.ContainsFunc(described, func(m vm.Module) bool { return m.Name == name && m.Privileged })
}

// granted says in one word for each what a service is granted.
func granted(g config.Grants) (all []string) {
	for _, f := range g.Files {
		all = append(all, fmt.Sprintf("%s %q", f.Access, f.Path))
	}
	for _, n := range g.Network {
		all = append(all, fmt.Sprintf("network %q", n))
	}
	for _, r := range g.PrivateRanges {
		all = append(all, fmt.Sprintf("private range %q", r))
	}
	for _, e := range g.Environment {
		all = append(all, fmt.Sprintf("environment %q", e))
	}
	for _, m := range g.Modules {
		all = append(all, fmt.Sprintf("module %q", m))
	}
	return all
}

// review lists what a service asks for and what it is granted, and says what does not go together. Both are
// empty where a service does neither.
func review(s services.Config, g config.Grants, calls []vm.Call) (list, odd []string) {
	asked := wishes(calls)
	for _, w := range asked {
		list = append(list, fmt.Sprintf("%s asks for %s (%s)", s.Name, w, w.where))
		if why := lacks(s, g, w); why != "" {
			odd = append(odd, fmt.Sprintf("asks for %s (%s), which is not granted: %s", w, w.where, why))
		}
	}
	for _, what := range granted(g) {
		list = append(list, fmt.Sprintf("%s is granted %s", s.Name, what))
	}
	return list, append(odd, unused(s, g, asked)...)
}

// lacks is the grant that a wish lacks, or "".
func lacks(s services.Config, g config.Grants, w wish) string {
	switch w.kind {
	case "module":
		if !slices.Contains(s.Preload, w.name) && s.Grants.Module(w.name) != nil {
			return "neither grants.modules nor preload names it"
		}
	case "environment":
		if w.name == appsDir {
			return ""
		}
		if w.name == "" && len(g.Environment) == 0 || w.name != "" && !slices.Contains(g.Environment, w.name) {
			return "grants.environment does not name it"
		}
	case "write":
		if w.name != "" && !s.Grants.Holds(w.name, true) || !slices.ContainsFunc(g.Files, func(f config.FileGrant) bool { return f.Access == "write" }) {
			return `grants.files has no path with access "write" for it`
		}
	case "read", "read or write":
		if w.name != "" && !s.Grants.Holds(w.name, false) || len(g.Files) == 0 {
			return "grants.files has no path for it"
		}
	}
	return ""
}

// unused are the grants that nothing asks for. Of files only whether any are asked for
// is known, and what a name is that Lua makes up is not: then no grant of its kind counts as unused.
func unused(s services.Config, g config.Grants, asked []wish) (odd []string) {
	asks := func(kinds ...string) bool {
		return slices.ContainsFunc(asked, func(w wish) bool { return slices.Contains(kinds, w.kind) })
	}
	names := func(kind, name string) bool {
		return slices.ContainsFunc(asked, func(w wish) bool { return w.kind == kind && (w.name == name || w.name == "") })
	}
	for _, f := range g.Files {
		switch {
		case !asks("read", "write", "read or write"):
			odd = append(odd, fmt.Sprintf("grants %s of %q, and asks for no file", f.Access, f.Path))
		case f.Access == "write" && !asks("write", "read or write"):
			odd = append(odd, fmt.Sprintf("grants write of %q, and asks for read only", f.Path))
		}
	}
	for _, e := range g.Environment {
		if !names("environment", e) {
			odd = append(odd, fmt.Sprintf("grants environment %q, and does not ask for it", e))
		} else if _, ok := os.LookupEnv(e); !ok {
			odd = append(odd, fmt.Sprintf("grants environment %q, which is not set here", e))
		}
	}
	for _, m := range g.Modules {
		switch {
		case m == "*":
		case !privileged(m):
			odd = append(odd, fmt.Sprintf("grants module %q, which needs no grant", m))
		case !names("module", m):
			odd = append(odd, fmt.Sprintf("grants module %q, and does not ask for it", m))
		}
	}
	if len(g.Network) > 0 && !asks("module") && !slices.ContainsFunc(s.Preload, privileged) {
		odd = append(odd, "grants network, and requires no module that connects to anything")
	}
	return odd
}
