package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"lapps/benchmarks/process"
)

// fillSize is the size of the messages that fill the windows. It is that of
// the smallest window here: what clients compress refers no farther than that.
const fillSize = 1 << 10

// memory measures and prints what a connection of each form takes. Each form
// has a daemon of its own: what one leaves behind must not serve the next.
func (o *options) memory(ctx context.Context, dir string, stdout, log io.Writer) error {
	messages := messagesOf(fillSize)
	fmt.Fprintf(stdout, "resident memory of an idle connection that has had %d messages of %d bytes echoed, in kB\n", len(messages), fillSize)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "form\tslope\tbetween steps\twith all connections\tverified")
	for _, f := range forms {
		steps, err := o.idle(ctx, dir, log, f, messages)
		if err != nil {
			return fmt.Errorf("memory, %s: %w", f.name, err)
		}
		slope, between := slopes(o.steps, steps)
		fmt.Fprintf(t, "%s\t%.1f\t%s\t%.0f\t%d\n", f.name, slope, spreadOf(between, 1), steps[len(steps)-1], o.steps[len(steps)-1]*len(messages))
	}
	fmt.Fprintln(t)
	return t.Flush()
}

// idle opens connections in steps, and returns the daemon's memory at each.
func (o *options) idle(ctx context.Context, dir string, log io.Writer, f form, messages []message) (kB []float64, err error) {
	p, err := o.start(ctx, dir, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	opened := 0
	for _, n := range o.steps {
		for ; opened < n; opened++ {
			c, err := dial(ctx, p.Addr().String(), f)
			if err != nil {
				return nil, fmt.Errorf("connection %d: %w", opened+1, err)
			}
			defer c.Close()
			for i := range messages {
				if err := c.echo(&messages[i]); err != nil {
					return nil, fmt.Errorf("connection %d, message %d: %w", opened+1, i+1, err)
				}
			}
			c.past, c.in, c.inflater = nil, nil, nil // nothing more is read
		}
		rss, err := o.settled(ctx, p, log)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(log, "memory  %s: %d connections, %d kB\n", f.name, n, rss>>10)
		kB = append(kB, float64(rss)/1024)
	}
	return kB, nil
}

// settled waits until eight readings of the server's memory, a quarter of a
// second apart, are within 256 KiB, and returns the last; or that after
// -settle, and says so.
func (o *options) settled(ctx context.Context, p *process.Process, log io.Writer) (rss int64, err error) {
	var last []int64
	for end := time.Now().Add(o.settle); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
		if rss, err = process.RSS(p.PID()); err != nil {
			return 0, err
		}
		last = append(last, rss)
		if last = last[max(len(last)-8, 0):]; len(last) == 8 && slices.Max(last)-slices.Min(last) <= 256<<10 {
			return rss, nil
		}
	}
	fmt.Fprintf(log, "memory is still moving after %v\n", o.settle)
	return rss, nil
}

// slopes returns the kB per connection: on the line of least squares through
// the steps, and between those that follow each other.
func slopes(conns []int, kB []float64) (slope float64, between []float64) {
	var x, y, up, along float64
	for i := range conns {
		x += float64(conns[i]) / float64(len(conns))
		y += kB[i] / float64(len(conns))
	}
	for i := range conns {
		up += (float64(conns[i]) - x) * (kB[i] - y)
		along += (float64(conns[i]) - x) * (float64(conns[i]) - x)
		if i > 0 {
			between = append(between, (kB[i]-kB[i-1])/float64(conns[i]-conns[i-1]))
		}
	}
	return up / along, between
}
