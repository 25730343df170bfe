// Package grants is what a service may reach outside of the server: files, the
// network, the environment, and modules that reach there themselves. By default it
// is nothing. Whatever opens, dials or reads for a service's Lua goes through here.
//
// New makes Grants of a Config; Open, Remove, Rename, Dial, Env and Module then do
// what is granted. What is not is a *Denied, whose text names the grant that is
// missing by its key in the configuration.
//
// Files are below directories that are opened by New and stay open until Close:
// os.Root keeps symbolic links and .. within them, whatever becomes of the tree
// meanwhile. Only regular files are opened; a pipe or a device could block, or do things.
//
// Dial asks for leave by name and port first, then resolves the name, leaves out the private
// addresses that no grant names, and connects to one of those that are left: what
// the name stands for a moment later does not matter.
//
// All methods may be called from any goroutine, and may block, but for Env and
// Module. Those of a nil *Grants grant nothing.
package grants

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
)

// A Config says what is granted.
type Config struct {
	// Base is the directory that relative paths of Lua's are relative to.
	Base string

	// Own is the absolute path that the service's own directory goes by, wherever it
	// is: names below it are those of Reader.Dir. "" means it has none.
	Own string

	// Files are the directories whose files may be used. Their paths are absolute, or
	// relative to the working directory.
	Files []Directory

	// Network says what may be connected to: see ParseDestination.
	Network []string

	// Private are private addresses that may be connected to under the names in
	// Network. Each lies within one of PrivateRanges.
	Private []netip.Prefix

	// Environment names variables.
	Environment []string

	// Variables are environment variables that the service has besides, whatever the
	// process's are.
	Variables map[string]string

	// Modules names modules; "*" means all.
	Modules []string

	// Lookup resolves a name; nil means net.DefaultResolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// A Directory is one whose files may be read and, with Write, written.
type Directory struct {
	Path  string
	Write bool
}

// Grants are a Config at work. They must be closed.
type Grants struct {
	// Immutable.
	base, own    string
	trees        []tree
	destinations []Destination
	private      []netip.Prefix
	environment  []string
	variables    map[string]string
	modules      []string
	lookup       func(ctx context.Context, host string) ([]netip.Addr, error)
	dialer       net.Dialer
}

// New opens the directories. The error names the first that cannot be opened, or what else is wrong.
func New(c Config) (*Grants, error) {
	g := &Grants{own: c.Own, private: c.Private, environment: c.Environment, variables: c.Variables, modules: c.Modules, lookup: c.Lookup}
	if g.lookup == nil {
		g.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	for _, s := range c.Network {
		d, err := ParseDestination(s)
		if err != nil {
			return nil, err
		}
		g.destinations = append(g.destinations, d)
	}
	for _, p := range c.Private {
		if !isPrivate(p) {
			return nil, fmt.Errorf("grants: %s does not lie within the addresses that are private", p)
		}
	}
	base, err := filepath.Abs(c.Base)
	if err != nil {
		return nil, fmt.Errorf("grants: %w", err)
	}
	g.base = base
	for _, d := range c.Files {
		if err := g.open(d); err != nil {
			return nil, errors.Join(fmt.Errorf("grants: %w", err), g.Close())
		}
	}
	return g, nil
}

// Close closes the directories. Files that have been opened stay open.
func (g *Grants) Close() error {
	if g == nil {
		return nil
	}
	var errs []error
	for _, t := range g.trees {
		errs = append(errs, t.root.Close())
	}
	return errors.Join(errs...)
}

// Env is a variable of the environment; "" and false where there is none.
func (g *Grants) Env(name string) (value string, ok bool, err error) {
	if g != nil {
		if value, ok := g.variables[name]; ok {
			return value, true, nil
		}
	}
	if g == nil || !slices.Contains(g.environment, name) {
		return "", false, denied("environment: to read %.200q is not granted: the service's \"grants.environment\" does not name it", name)
	}
	value, ok = os.LookupEnv(name)
	return value, ok, nil
}

// Module is nil where a module that reaches outside may be required.
func (g *Grants) Module(name string) error {
	if g == nil || !slices.Contains(g.modules, name) && !slices.Contains(g.modules, "*") {
		return denied("modules: to require %.200q is not granted: neither the service's \"grants.modules\" nor its \"preload\" names it", name)
	}
	return nil
}

// A Denied is an error about something that is not granted.
type Denied struct{ msg string }

// Error says what was asked for, and which grant is missing.
func (d *Denied) Error() string { return d.msg }

func denied(format string, args ...any) error { return &Denied{fmt.Sprintf(format, args...)} }
