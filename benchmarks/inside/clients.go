package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"lapps/benchmarks/generator"
	"lapps/benchmarks/process"
)

const clientInstances = 2

// clientLoads are those of cws.
func clientLoads(most int) (all []load) {
	for _, conns := range []int{80, most} {
		all = append(all, load{
			name: fmt.Sprintf("cws %d", conns), beside: "generator",
			figures: []string{"round trips/s", "CPU µs", "echo's CPU µs", "kB per connection"},
			turn:    func(ctx context.Context, b *bench) (turn, error) { return b.clients(ctx, conns) },
		})
	}
	return all
}

// clients has a service's connections talk to an echo, and then the generator's.
func (b *bench) clients(ctx context.Context, conns int) (t turn, err error) {
	echo, err := b.start(ctx, object{"echo": object{"instances": 1}})
	if err != nil {
		return turn{}, err
	}
	defer func() { err = errors.Join(err, echo.Stop()) }()
	url := "ws://" + echo.Addr().String() + "/echo"
	figures, err := b.fromLua(ctx, url, conns, echo.PID())
	if err != nil {
		return turn{}, err
	}
	cfg := generator.Config{
		Conns: conns, Depth: 1, Size: 64, Threads: 1, PID: echo.PID(),
		Duration: b.duration, Warmup: b.warmup, Timeout: openTime, Op: generator.Binary,
	}
	if cfg.Target, err = generator.ParseTarget(ctx, url, false); err != nil {
		return turn{}, err
	}
	r, err := generator.Echo(ctx, cfg)
	switch {
	case err != nil:
		return turn{}, err
	case len(r.Failures) > 0:
		return turn{}, fmt.Errorf("the generator: %v", r.Failures)
	}
	return turn{figures, r.PerSecond}, nil
}

// fromLua measures the service's connections; those must be gone when it is stopped.
func (b *bench) fromLua(ctx context.Context, url string, conns, echo int) (figures []float64, err error) {
	service := object{
		"standalone": true, "instances": clientInstances,
		"grants": object{"modules": []string{"cws"}, "network": []string{"127.0.0.1:*"}, "environment": []string{"ECHO", "CONNECTIONS"}},
	}
	d, err := b.start(ctx, object{"clients": service, "echo": object{"instances": 1}}, "ECHO="+url, fmt.Sprintf("CONNECTIONS=%d", conns/clientInstances))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	rss, err := process.RSS(d.PID())
	if err != nil {
		return nil, err
	}
	if err := d.said.opened(ctx, int64(conns)); err != nil {
		return nil, err
	}
	cpu, err := process.CPU(echo)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	r, err := b.measure(ctx, d)
	if err != nil {
		return nil, err
	}
	used, err := process.CPU(echo)
	if err != nil {
		return nil, err
	}
	echoed := float64((used - cpu).Microseconds()) / (r.perSecond * time.Since(began).Seconds())
	full, err := process.RSS(d.PID())
	if err != nil {
		return nil, err
	}
	if _, err := process.Output(ctx, "", b.lapps, "stop", "clients", "-c", d.config); err != nil {
		return nil, err
	}
	return []float64{r.perSecond, r.micros, echoed, float64(full-rss) / 1024 / float64(conns)}, closed(ctx, d.PID())
}

// leftOpen is more than a lapps has descriptors by itself, and less than any load has
// connections.
const leftOpen = 60

// closed waits until the connections of a process are gone.
func closed(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, process.Grace)
	defer cancel()
	for {
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			return err
		}
		if len(open) < leftOpen {
			return nil
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%d descriptors are open after its connections were closed", len(open))
		}
	}
}
