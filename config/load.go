package config

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tailscale/hujson"
)

// maxSize bounds a file, in bytes. The largest sensible configuration is a
// thousandth of it; it keeps a path to the wrong file from filling memory.
const maxSize = 16 << 20

// Load reads the file at path, lays it over the defaults and checks all of
// it. The error is an *Error where the file was read and has mistakes.
func Load(path string) (*Config, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// read returns what is in a file, but no more than shows that it is too large.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return data, nil
}

// Parse is Load for a text at hand. The name stands for the file in mistakes,
// and relative paths are relative to its directory. Parse does not retain
// data. The error is an *Error, or a fault of this package.
func Parse(name string, data []byte) (*Config, error) {
	src, root, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	c := checker{source: src}
	c.value("", schema(), root)
	c.across(root)
	if err := c.err(); err != nil {
		return nil, err
	}
	lines, positions := serviceLines(src, root), listenerPositions(src, root)
	log, outgoing := src.position(member(member(root, "log"), "file")), src.position(member(root, "outgoing"))
	cfg, err := decode(root)
	if err != nil {
		return nil, fmt.Errorf("config: %s: checked and yet not decoded: %w", name, err)
	}
	for _, p := range cfg.places() {
		p.below(filepath.Dir(name))
	}
	cfg.file, cfg.lines, cfg.positions, cfg.log, cfg.outgoing = name, lines, positions, log, outgoing
	return cfg, nil
}

// serviceLines returns the line of each service.
func serviceLines(src source, root *hujson.Value) map[string]int {
	lines := make(map[string]int)
	for _, s := range servicesOf(root) {
		lines[s.name] = src.line(s.offset)
	}
	return lines
}

// ServiceMistake returns a mistake about a service of c, at its line in the
// file, for checks that look at more than the file: whether its directory is
// there, for one.
func (c *Config) ServiceMistake(service, msg string) Mistake {
	return Mistake{File: c.file, Line: max(c.lines[service], 1), Path: join("services", service), Msg: msg}
}

// ServiceNotice is ServiceMistake for what stands in nobody's way.
func (c *Config) ServiceNotice(service, msg string) Notice {
	return Notice(c.ServiceMistake(service, msg))
}

// LogMistake returns a mistake about c.Log.File, at its line in the file: that it
// cannot be opened, for one.
func (c *Config) LogMistake(msg string) Mistake {
	return Mistake{File: c.file, Line: max(c.log.line, 1), Path: "log.file", Msg: msg}
}

// Directory is what relative paths are relative to: the file's, absolute or relative
// to the working directory, as the file's own name was.
func (c *Config) Directory() string { return filepath.Dir(c.file) }

// decode lays a checked tree over the defaults. It changes the tree.
func decode(root *hujson.Value) (*Config, error) {
	cfg := Default()
	root.Standardize()
	if err := json.Unmarshal(root.Pack(), &cfg); err != nil {
		return nil, err
	}
	if cfg.Timeouts.Ping == 0 {
		cfg.Timeouts.Pong = 0
	}
	for name, s := range cfg.Services {
		if s.RequestTarget == "" && !s.Standalone {
			s.RequestTarget = defaultTarget(name)
			cfg.Services[name] = s
		}
	}
	return &cfg, nil
}

// defaultTarget returns the request target of a service that names none.
func defaultTarget(service string) string { return "/" + service }

// UnmarshalJSON lays data over the defaults of a listener. It checks nothing.
func (l *Listener) UnmarshalJSON(data []byte) error {
	type plain Listener // without this method
	p := plain(defaultListener(""))
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	*l = Listener(p)
	return nil
}

// UnmarshalJSON lays data over the defaults of a service. It checks nothing.
func (s *Service) UnmarshalJSON(data []byte) error {
	type plain Service // without this method
	p := plain(defaultService())
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	*s = Service(p)
	return nil
}
