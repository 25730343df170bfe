package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"lapps/benchmarks/process"
)

// A round is one turn of one form. Its figures are for each message in the time
// measured.
type round struct {
	cpu, more      float64 // the server's, in µs; what plain does not need of it
	sent, received float64 // bytes
	verified       int     // from the first message on
}

// echo measures and prints the processor time and the bytes of each form, for
// each size.
func (o *options) echo(ctx context.Context, dir string, stdout, log io.Writer) (err error) {
	p, err := o.start(ctx, dir, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	fmt.Fprintf(stdout, "%d connections, 1 in flight on each; median [least, greatest] of %d rounds\n", o.conns, o.rounds)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "bytes\tform\tserver CPU µs\tmore than plain\tbytes there\tbytes back\tverified")
	for _, size := range o.sizes {
		messages := messagesOf(size)
		rounds := make([][]round, len(echoForms))
		for n := range o.rounds {
			for i, f := range echoForms {
				r, err := o.round(ctx, p, f, messages)
				if err != nil {
					return fmt.Errorf("%d bytes, %s, round %d: %w", size, f.name, n+1, err)
				}
				rounds[i] = append(rounds[i], r)
				rounds[i][n].more = r.cpu - rounds[0][n].cpu
				fmt.Fprintf(log, "%d bytes  round %d of %d  %s: %.2f µs, %.0f bytes there, %.0f back\n", size, n+1, o.rounds, f.name, r.cpu, r.sent, r.received)
			}
		}
		for i, f := range echoForms {
			line(t, size, f, rounds[i])
		}
	}
	fmt.Fprintln(t)
	return t.Flush()
}

// line prints a line of the table.
func line(w io.Writer, size int, f form, rounds []round) {
	var cpu, more, sent, received []float64
	verified := 0
	for _, r := range rounds {
		cpu, more, sent, received = append(cpu, r.cpu), append(more, r.more), append(sent, r.sent), append(received, r.received)
		verified += r.verified
	}
	fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%.1f\t%.1f\t%d\n", size, f.name,
		spreadOf(cpu, 2), spreadOf(more, 2), median(sent), median(received), verified)
}

// median returns the median of at least one figure. It sorts them.
func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// spreadOf is the median of figures, with the least and the greatest.
func spreadOf(v []float64, decimals int) string {
	m := median(v)
	return fmt.Sprintf("%.*f [%.*f, %.*f]", decimals, m, decimals, v[0], decimals, v[len(v)-1])
}

// A count is what clients have done.
type count struct{ messages, sent, received int }

// A tally is what all clients together have done.
type tally struct {
	mu sync.Mutex // guards the field below
	n  count
}

func (t *tally) add(n count) count {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n = count{t.n.messages + n.messages, t.n.sent + n.sent, t.n.received + n.received}
	return t.n
}

// round opens the connections and measures while messages go to and fro on
// them, after the first lap.
func (o *options) round(ctx context.Context, p *process.Process, f form, messages []message) (r round, err error) {
	var all tally
	ctx, cancel := context.WithCancel(ctx)
	errs := make([]error, o.conns)
	var warm, clients sync.WaitGroup
	warm.Add(o.conns)
	for i := range o.conns {
		clients.Go(func() {
			if errs[i] = client(ctx, p.Addr().String(), f, messages, &all, warm.Done); errs[i] != nil {
				cancel()
			}
		})
	}
	warm.Wait()
	start, err := process.CPU(p.PID())
	first := all.add(count{})
	select {
	case <-ctx.Done():
	case <-time.After(o.duration):
	}
	end, err2 := process.CPU(p.PID())
	last := all.add(count{})
	err = errors.Join(err, err2, ctx.Err())
	cancel()
	clients.Wait()
	n := float64(last.messages - first.messages)
	if n == 0 {
		err = errors.Join(err, errors.New("no message in the time measured: expected a longer -duration"))
	}
	return round{
		cpu:      float64((end - start).Nanoseconds()) / 1e3 / n,
		sent:     float64(last.sent-first.sent) / n,
		received: float64(last.received-first.received) / n,
		verified: all.n.messages,
	}, errors.Join(append(errs, err)...)
}

// client has messages echoed, one after the other, until ctx is done. It calls
// warm once: after a lap, or when it has failed.
func client(ctx context.Context, addr string, f form, messages []message, all *tally, warm func()) error {
	warm = sync.OnceFunc(warm)
	defer warm()
	c, err := dial(ctx, addr, f)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := 0; i < len(messages) || ctx.Err() == nil; i++ {
		sent, received := c.sent, c.received
		if err := c.echo(&messages[i%len(messages)]); err != nil {
			return fmt.Errorf("message %d: %w", i+1, err)
		}
		all.add(count{1, c.sent - sent, c.received - received})
		if i == len(messages)-1 {
			warm()
		}
	}
	return nil
}
