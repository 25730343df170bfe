package main

import (
	"context"
	"errors"
	"strings"
	"time"
)

// queueLoads are those of mqr.
func queueLoads() (all []load) {
	for _, kind := range []string{"string", "frozen", "copied", "table", "back"} {
		all = append(all, load{
			name: "mqr " + kind, figures: []string{"messages/s", "CPU µs"}, beside: "Go channel",
			turn: func(ctx context.Context, b *bench) (turn, error) { return b.queue(ctx, kind) },
		})
	}
	return all
}

// queue has one instance post and another receive.
func (b *bench) queue(ctx context.Context, kind string) (t turn, err error) {
	service := object{"standalone": true, "instances": 1, "grants": object{"modules": []string{"mqr"}, "environment": []string{"KIND"}}}
	d, err := b.start(ctx, object{"poster": service, "receiver": service}, "KIND="+kind)
	if err != nil {
		return turn{}, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	if err := d.said.opened(ctx, 1); err != nil {
		return turn{}, err
	}
	r, err := b.measure(ctx, d)
	if err != nil {
		return turn{}, err
	}
	return turn{[]float64{r.perSecond, r.micros}, channel(b.duration, kind == "back")}, nil
}

// channelRoom is that of a queue of mqr.
const channelRoom = 65536

// channel is how many messages a second go through a channel, from one goroutine to
// another, for so long.
func channel(d time.Duration, back bool) (perSecond float64) {
	there, answers := make(chan any, channelRoom), make(chan any, channelRoom)
	message := any(strings.Repeat("x", 64))
	stop := make(chan struct{})
	time.AfterFunc(d, func() { close(stop) })
	began := time.Now()
	go func() {
		defer close(there)
		for {
			select {
			case there <- message:
			case <-stop:
				return
			}
			if back {
				<-answers
			}
		}
	}()
	n := 0
	for m := range there {
		n++
		if back {
			answers <- m
		}
	}
	return float64(n) / time.Since(began).Seconds()
}
