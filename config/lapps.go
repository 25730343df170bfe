package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tailscale/hujson"
)

// The names of LAppS's two files: what the server is, and which services it
// has.
const (
	serverFile   = "ws.json"
	servicesFile = "lapps.json"
)

// LAppSFiles are the names of LAppS's two files; "" is its own name for them.
type LAppSFiles struct{ Server, Services string }

func (f LAppSFiles) names() (server, services string) {
	return cmp.Or(f.Server, serverFile), cmp.Or(f.Services, servicesFile)
}

// lappsFragment is the size of LAppS's fragments, in bytes.
const lappsFragment = 1392

// IsLAppS reports whether a directory holds one of LAppS's two files at least.
func IsLAppS(dir string, files LAppSFiles) bool {
	server, services := files.names()
	for _, name := range []string{server, services} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// LoadLAppS reads LAppS's configuration, ws.json and lapps.json, from the
// directory dir, and returns what it means here. A file that is missing means
// LAppS's defaults. The directories that are named in it are relative to
// home, and so are certificates whose paths are not absolute. The notices say what has no meaning here, or another one than in
// LAppS: nothing is ignored silently. They are complete where the error is
// nil; it is an *Error with all mistakes of both files where they were read.
func LoadLAppS(dir string, files LAppSFiles, home string) (*Config, []Notice, error) {
	serverName, servicesName := files.names()
	if !IsLAppS(dir, files) {
		return nil, nil, fmt.Errorf("config: %s holds neither %s nor %s", dir, serverName, servicesName)
	}
	var missing []Notice
	load := func(name, defaults string) (document, error) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe would block
			return document{}, fmt.Errorf("config: %s is no regular file", path)
		}
		data, err := read(path)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, Notice{File: path, Line: 1, Msg: "there is no such file: " + defaults})
			return document{path, []byte("{}")}, nil
		}
		return document{path, data}, err
	}
	server, err := load(serverName, "LAppS's defaults are used, and all addresses listened on, at port 5083, without encryption")
	if err != nil {
		return nil, nil, err
	}
	services, err := load(servicesName, "there are no services")
	if err != nil {
		return nil, nil, err
	}
	cfg, notices, err := parseLAppS(server, services, home)
	return cfg, append(missing, notices...), err
}

// A document is a file's name and what is in it.
type document struct {
	name string
	data []byte
}

// parseLAppS is LoadLAppS for texts at hand.
func parseLAppS(server, services document, home string) (*Config, []Notice, error) {
	sc, sroot := checkDocument(server, (*checker).server)
	lc, lroot := checkDocument(services, (*checker).services)
	if sroot != nil && lroot != nil {
		sc.listenerNeeded(sroot, lc, lroot)
	}
	var all Error
	for _, c := range []*checker{sc, lc} {
		var e *Error
		if errors.As(c.err(), &e) {
			all.Mistakes = append(all.Mistakes, e.Mistakes...)
		}
	}
	notices := append(sc.sortedNotices(), lc.sortedNotices()...)
	if len(all.Mistakes) > 0 {
		return nil, notices, &all
	}
	lines, positions := serviceLines(lc.source, lroot), lappsListenerPositions(sc.source, sroot)
	outgoing := sc.position(member(member(sroot, certificatesKey), "ca"))
	outgoing.path = certificatesKey + ".ca"
	cfg, err := decodeLAppS(sroot, lroot, home)
	if err != nil {
		return nil, notices, fmt.Errorf("config: %s, %s: checked and yet not decoded: %w", server.name, services.name, err)
	}
	cfg.file, cfg.lines, cfg.positions, cfg.outgoing = services.name, lines, positions, outgoing
	return cfg, notices, nil
}

// checkDocument parses a file and has it checked. The tree is nil where there
// is none.
func checkDocument(doc document, check func(*checker, *hujson.Value)) (*checker, *hujson.Value) {
	src, root, err := parse(doc.name, doc.data)
	c := &checker{source: src}
	var e *Error
	if errors.As(err, &e) {
		c.mistakes = e.Mistakes
		return c, nil
	}
	check(c, root)
	return c, root
}

// listenerNeeded finds that c's file, ws.json, wants no listener although
// there is a service with connections in the other.
func (c *checker) listenerNeeded(server *hujson.Value, services *checker, root *hujson.Value) {
	listeners := member(server, "listeners")
	if listeners == nil || integer(listeners) != 0 {
		return
	}
	for _, s := range servicesOf(root) {
		if !s.standalone {
			c.add(listeners.StartOffset, "listeners", "must be at least 1, since service %s has connections (%s:%d)", printable(s.name), services.name, services.line(s.offset))
			return
		}
	}
}

// decodeLAppS makes a configuration of two checked trees. It changes them.
func decodeLAppS(server, services *hujson.Value, home string) (*Config, error) {
	cfg, err := decode(services) // what is left of it is native
	if err != nil {
		return nil, err
	}
	s := defaultLAppSServer()
	server.Standardize()
	if err := json.Unmarshal(server.Pack(), &s); err != nil {
		return nil, err
	}
	cfg.Listeners = s.listeners()
	cfg.ACL = s.ACL.masked()
	cfg.Outgoing.CAFile = s.TLSCertificates.CA
	cfg.Limits.Connections = s.Workers.connections()
	for _, dir := range []*string{&cfg.Directories.Applications, &cfg.Directories.Deploy} {
		*dir = filepath.Join(".", *dir) // an absolute one is no exception
	}
	for _, p := range cfg.places() {
		p.below(home)
	}
	if s.Workers.AutoFragment {
		cfg.fragment = lappsFragment
	}
	for name, service := range cfg.Services {
		service.fromLAppS()
		service = cfg.Adopt(service)
		service.Depends = others(name, service.Depends, cfg.Services)
		cfg.Services[name] = service
	}
	return cfg, nil
}

// Adopt is s, a service that a bundle has brought, with what LAppS's configuration says of
// all services.
func (c *Config) Adopt(s Service) Service {
	if c.fragment > 0 && !s.Standalone && s.FragmentBytes == 0 {
		s.FragmentBytes = c.fragment
	}
	return s
}
