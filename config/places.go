package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// A place is a file or a directory that a configuration names.
type place struct {
	key  string  // listeners[0].tls.client_ca
	path *string // in the configuration
}

// places returns what c names in the file system.
func (c *Config) places() []place {
	all := []place{
		{"directories.applications", &c.Directories.Applications},
		{"directories.deploy", &c.Directories.Deploy},
		{"directories.run", &c.Directories.Run},
	}
	if c.Log.File != "" {
		all = append(all, place{"log.file", &c.Log.File})
	}
	for i := range c.Listeners {
		t, key := &c.Listeners[i].TLS, fmt.Sprintf("listeners[%d].tls", i)
		for k := range t.Certificates {
			pair := fmt.Sprintf("%s.certificates[%d]", key, k)
			all = append(all, place{pair + ".cert", &t.Certificates[k].Cert}, place{pair + ".key", &t.Certificates[k].Key})
		}
		if t.ClientCA != "" {
			all = append(all, place{key + ".client_ca", &t.ClientCA})
		}
	}
	if c.Outgoing.CAFile != "" {
		all = append(all, place{"outgoing.ca_file", &c.Outgoing.CAFile})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		files := c.Services[name].Grants.Files
		for i := range files {
			all = append(all, place{fmt.Sprintf("%s.grants.files[%d].path", join("services", name), i), &files[i].Path})
		}
	}
	return all
}

// below makes a relative path one below a directory.
func (p place) below(dir string) {
	if !filepath.IsAbs(*p.path) {
		*p.path = filepath.Join(dir, *p.path)
	}
}

// clone returns a copy of c of which listeners, services and places may be
// changed.
func (c *Config) clone() *Config {
	copied := *c
	copied.Listeners = slices.Clone(c.Listeners)
	for i := range copied.Listeners {
		t := &copied.Listeners[i].TLS
		t.Certificates = slices.Clone(t.Certificates)
	}
	copied.Services = maps.Clone(c.Services)
	for name, s := range copied.Services {
		s.Grants.Files = slices.Clone(s.Grants.Files)
		copied.Services[name] = s
	}
	return &copied
}
