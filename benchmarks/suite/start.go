package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"lapps/benchmarks/generator"
	"lapps/benchmarks/process"
)

// A bench is what servers are started with: it lives as long as a run.
type bench struct {
	root     string            // the repository
	tmp      string            // a folder of the run's own
	programs map[string]string // what was built, by name
	cert     *certificate
}

// newBench makes a bench; close it.
func newBench(root string) (*bench, error) {
	tmp, err := os.MkdirTemp("", "suite")
	if err != nil {
		return nil, fmt.Errorf("suite: %w", err)
	}
	b := &bench{root: root, tmp: tmp, programs: map[string]string{}}
	if b.cert, err = newCertificate(tmp); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.tmp) }

// peers is the folder that {dir} stands for.
func (b *bench) peers() string { return filepath.Join(b.root, peersFolder) }

// start starts a server for a scenario. An errSkip is for one that cannot be
// configured so.
func (b *bench) start(ctx context.Context, s *Server, c *Scenario) (*process.Process, generator.Target, error) {
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, generator.Target{}, err
	}
	dir := filepath.Join(b.tmp, "servers", strings.ReplaceAll(s.Name, " ", "-"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, generator.Target{}, fmt.Errorf("suite: %w", err)
	}
	config := filepath.Join(dir, "lapps.json")
	if s.Lapps != nil {
		text := s.Lapps.Config(c, b.root, addr, b.cert.cert, b.cert.key)
		if err := os.WriteFile(config, text, 0o644); err != nil {
			return nil, generator.Target{}, fmt.Errorf("suite: %w", err)
		}
	}
	line := strings.NewReplacer(
		"{cert}", b.cert.cert, "{key}", b.cert.key, "{loops}", strconv.Itoa(c.Loops), "{tmp}", dir, "{dir}", b.peers(), "{config}", config,
		"{gnetecho}", b.programs["gnetecho"], "{lapps}", b.programs["lapps"], "{peers}", b.programs["peers"],
	).Replace(s.line(c))
	said := new(lastLine)
	p, err := process.Start(ctx, process.Command{Line: line, Addr: addr, Log: said})
	if err != nil {
		return nil, generator.Target{}, startError(s, err, strings.ReplaceAll(said.String(), dir+"/", ""))
	}
	target, err := b.target(ctx, p, s, c)
	if err != nil {
		return nil, generator.Target{}, errors.Join(err, p.Stop())
	}
	return p, target, nil
}

// target returns where p serves scenario c.
func (b *bench) target(ctx context.Context, p *process.Process, s *Server, c *Scenario) (t generator.Target, err error) {
	path := s.Paths[kinds[c.Kind].path]
	if path == "" {
		path = "/"
	}
	scheme := "ws"
	if c.TLS {
		scheme = "wss"
	}
	if t, err = generator.ParseTarget(ctx, scheme+"://"+p.Addr().String()+path, false); err != nil || !c.TLS {
		return t, err
	}
	t.TLS.RootCAs = b.cert.pool
	t.TLS.CurvePreferences, err = curves(c.Curve)
	return t, err
}

// startError tells a lapps that does not take its configuration, which ends
// with status 2, from a server that fails.
func startError(s *Server, err error, said string) error {
	exit := (*exec.ExitError)(nil)
	if s.Lapps != nil && errors.As(err, &exit) && exit.ExitCode() == 2 {
		return errSkip("it refuses its configuration: " + said)
	}
	if said != "" {
		return fmt.Errorf("%w; it said: %s", err, said)
	}
	return err
}

// longestLine bounds, in bytes, what is kept of what a server says.
const longestLine = 240

// A lastLine keeps the last line that is written and not empty. Its methods
// may be called from any goroutine.
type lastLine struct {
	mu   sync.Mutex // guards the field below
	line string
}

// Write implements io.Writer. It never fails.
func (l *lastLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(p) {
		if text := bytes.TrimSpace(line); len(text) > 0 {
			l.line = string(text[:min(len(text), longestLine)])
		}
	}
	return len(p), nil
}

func (l *lastLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}
