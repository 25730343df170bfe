package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lapps/benchmarks/process"
)

// A daemon is a lapps that runs, and what its services have printed.
type daemon struct {
	*process.Process
	config string
	said   *counts
}

type object = map[string]any

// start starts a lapps with services, whose environment variables are set so.
func (b *bench) start(ctx context.Context, services object, environment ...string) (*daemon, error) {
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "daemon")
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(object{
		"listeners":   []object{{"address": addr.String()}},
		"loops":       1,
		"processors":  2, // clients, and whoever posts and receives, run beside the loop
		"directories": object{"applications": filepath.Join(b.root, "benchmarks", "apps"), "run": filepath.Join(dir, "run")},
		"services":    services,
	})
	if err != nil {
		return nil, err
	}
	d := &daemon{config: filepath.Join(dir, "lapps.json"), said: newCounts()}
	if err := os.WriteFile(d.config, text, 0o644); err != nil {
		return nil, err
	}
	line := strings.Join(append(append([]string{"env"}, environment...), b.lapps, "run", "-c", d.config), " ")
	if d.Process, err = process.Start(ctx, process.Command{Line: line, Addr: addr, Log: d.said}); err != nil {
		return nil, fmt.Errorf("%w; it said: %s", err, d.said.last())
	}
	return d, nil
}

// A count is what an instance has printed last.
type count struct {
	open, received, at int64 // at: Unix time in ms
}

// counts are those of a daemon's instances. Their methods may be called from any goroutine.
type counts struct {
	mu      sync.Mutex // guards the fields below
	line    []byte     // the start of one
	latest  map[string]count
	message string // what was logged last and is no count
	changed chan struct{}
}

func newCounts() *counts {
	return &counts{latest: make(map[string]count), changed: make(chan struct{}, 1)}
}

// Write implements io.Writer. It never fails.
func (c *counts) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line = append(c.line, p...)
	for {
		line, rest, whole := bytes.Cut(c.line, []byte("\n"))
		if !whole {
			break
		}
		c.take(line)
		c.line = rest
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

// take keeps what a line of the log says.
func (c *counts) take(line []byte) {
	var said struct{ Msg, Instance string }
	var n count
	if json.Unmarshal(line, &said) == nil {
		if _, err := fmt.Sscanf(said.Msg, "inside: %d open, %d received at %d", &n.open, &n.received, &n.at); err == nil {
			c.latest[said.Instance] = n
			return
		}
	}
	c.message = string(line)
}

func (c *counts) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.message
}

// now are the latest counts by instance, and how many connections are open in all.
func (c *counts) now() (all map[string]count, open int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all = make(map[string]count, len(c.latest))
	for instance, n := range c.latest {
		all[instance] = n
		open += n.open
	}
	return all, open
}

// openTime is how long connections may take to open.
const openTime = 60 * time.Second

// opened waits until so many are open.
func (c *counts) opened(ctx context.Context, want int64) error {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	for {
		_, open := c.now()
		if open == want {
			return nil
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d are open after %v; it said: %s", open, want, openTime, c.last())
		}
	}
}

// A rate is what a daemon did in a while.
type rate struct {
	perSecond float64
	micros    float64 // of processor time for each message
}

// measure lets d go on for the warm-up, and then measures.
func (b *bench) measure(ctx context.Context, d *daemon) (rate, error) {
	if err := sleep(ctx, b.warmup); err != nil {
		return rate{}, err
	}
	before, _ := d.said.now()
	cpu, err := process.CPU(d.PID())
	if err != nil {
		return rate{}, err
	}
	began := time.Now()
	if err := sleep(ctx, b.duration); err != nil {
		return rate{}, err
	}
	after, _ := d.said.now()
	used, err := process.CPU(d.PID())
	if err != nil {
		return rate{}, err
	}
	took := time.Since(began)
	var r rate
	for instance, n := range after {
		was := before[instance]
		if was.at == 0 || n.at <= was.at || n.received <= was.received {
			return rate{}, fmt.Errorf("instance %s has not gone on; it said: %s", instance, d.said.last())
		}
		r.perSecond += float64(n.received-was.received) / float64(n.at-was.at) * 1000
	}
	if r.perSecond == 0 {
		return rate{}, errors.New("nothing was received")
	}
	r.micros = float64((used - cpu).Microseconds()) / (r.perSecond * took.Seconds())
	return r, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
