package main

import (
	"runtime"
	"time"

	"lapps/server"
	"lapps/services"
)

// maxQueueSamples is how many queues of mqr are told of one by one: the fullest.
const maxQueueSamples = 256

// statistics are what GET /v1/statistics answers. What is counted is counted since the
// process has started; sizes are in bytes.
type statistics struct {
	Version     string  `json:"version"`
	UptimeS     float64 `json:"uptime_s"`
	MemoryBytes int64   `json:"memory_bytes"` // what Go's runtime has of the system
	Goroutines  int     `json:"goroutines"`

	Connections   int   `json:"connections"`    // handshakes included
	BufferedBytes int64 `json:"buffered_bytes"` // what limits.buffered_mb is about

	Accepting acceptStatistics     `json:"accepting"`
	Listeners []listenerStatistics `json:"listeners"`
	Limits    []limitStatistics    `json:"limits"` // all of them, be they set or not
	Loops     []loopStatistics     `json:"loops"`
	Services  []serviceStatistics  `json:"services"`
	Queues    queuesStatistics     `json:"queues"`
}

// acceptStatistics are about connections before they are anybody's.
type acceptStatistics struct {
	Refused uint64 `json:"refused"` // by acl.exclude, or limits.accepts_per_s, and closed unread
	Errors  uint64 `json:"errors"`  // the system had no descriptor, or no memory, for one
}

type listenerStatistics struct {
	Address     string           `json:"address"`
	Connections int              `json:"connections"` // now, past TLS and the PROXY header
	TLS         *tlsStatistics   `json:"tls,omitempty"`
	Proxy       *proxyStatistics `json:"proxy,omitempty"`
}

// tlsStatistics are secure.Stats.
type tlsStatistics struct {
	Completed uint64 `json:"completed"`
	Resumed   uint64 `json:"resumed"`
	Failed    uint64 `json:"failed"`
	Evicted   uint64 `json:"evicted"`
	NotTLS    uint64 `json:"not_tls"`
}

// proxyStatistics are proxied.Stats.
type proxyStatistics struct {
	Untrusted uint64 `json:"untrusted"`
	Malformed uint64 `json:"malformed"`
	Late      uint64 `json:"late"`
}

type limitStatistics struct {
	Name     string `json:"name"`
	Exceeded uint64 `json:"exceeded"`
	DryRun   bool   `json:"dry_run"` // then nobody was refused for it
}

// loopStatistics are of an event loop: bytes as they are on the wire, TLS and framing
// included, and connections that services have opened as well.
type loopStatistics struct {
	Connections int64  `json:"connections"`
	Paused      int64  `json:"paused"` // of these: not read, for their services do not keep up
	Accepted    uint64 `json:"accepted"`
	BytesIn     uint64 `json:"bytes_in"`
	BytesOut    uint64 `json:"bytes_out"`
	Wakeups     uint64 `json:"wakeups"`
}

// trafficStatistics are services.Traffic.
type trafficStatistics struct {
	MessagesIn  uint64 `json:"messages_in"`
	BytesIn     uint64 `json:"bytes_in"`
	LargestIn   int    `json:"largest_in"`
	MessagesOut uint64 `json:"messages_out"`
	BytesOut    uint64 `json:"bytes_out"`
	LargestOut  int    `json:"largest_out"`
}

// workStatistics are what a services.Sample and a services.InstanceSample have in common.
type workStatistics struct {
	Connections int    `json:"connections"`
	Connected   uint64 `json:"connected"`
	trafficStatistics

	Queued      int   `json:"queued"`
	QueuedBytes int   `json:"queued_bytes"`
	OutboxBytes int64 `json:"outbox_bytes"`

	Errors uint64 `json:"errors"`
	Panics uint64 `json:"panics"`
}

// serviceStatistics are a services.Sample.
type serviceStatistics struct {
	Name       string `json:"name"`
	Version    string `json:"version,omitempty"`
	State      string `json:"state"` // see services.Service.State
	Standalone bool   `json:"standalone"`
	workStatistics

	Failures uint64 `json:"failures"`
	Replaced uint64 `json:"replaced"`
	Dropped  uint64 `json:"dropped"`

	Instances []instanceStatistics `json:"instances"`
}

// instanceStatistics are a services.InstanceSample.
type instanceStatistics struct {
	ID      string `json:"id"`
	Version string `json:"version,omitempty"`
	State   string `json:"state"` // starting, running, stopping, leaving or replaced
	workStatistics
}

// queuesStatistics are of mqr's queues.
type queuesStatistics struct {
	Total     int               `json:"total"`      // queues
	HeldBytes int64             `json:"held_bytes"` // by all of them, and the posts that wait
	Fullest   []queueStatistics `json:"fullest"`    // maxQueueSamples at most
}

// queueStatistics are an mqr.Sample.
type queueStatistics struct {
	Name      string `json:"name"`
	Messages  int    `json:"messages"`
	Bytes     int64  `json:"bytes"`
	Accepted  uint64 `json:"accepted"`
	Posters   int    `json:"posters"`
	Receivers int    `json:"receivers"`
}

// statistics collects them, once the daemon has started. Any goroutine.
func (d *daemon) statistics() statistics {
	carried := d.carrier.Stats()
	s := statistics{
		Version:       Version,
		UptimeS:       time.Since(d.began).Seconds(),
		MemoryBytes:   readMemory().used,
		Goroutines:    runtime.NumGoroutine(),
		Connections:   d.server.Open(),
		BufferedBytes: d.server.Buffered(),
		Accepting:     acceptStatistics{carried.Refused, carried.AcceptFiles + carried.AcceptMemory + carried.AcceptOther},
	}
	for _, l := range d.listeners {
		s.Listeners = append(s.Listeners, l.statistics())
	}
	for _, l := range server.AllLimits() {
		s.Limits = append(s.Limits, limitStatistics{l.String(), d.server.Exceeded(l), d.server.Dry(l)})
	}
	for _, l := range d.carrier.LoopStats() {
		s.Loops = append(s.Loops, loopStatistics{l.Open, l.Paused, l.Accepted, l.BytesRead, l.BytesWritten, l.Wakeups})
	}
	s.Services = []serviceStatistics{}
	for _, one := range d.registry.Sample() {
		s.Services = append(s.Services, serviceStatisticsOf(one))
	}
	some, total := d.queues.Sample(maxQueueSamples)
	s.Queues = queuesStatistics{Total: total, HeldBytes: d.queues.Held(), Fullest: []queueStatistics{}}
	for _, q := range some {
		s.Queues.Fullest = append(s.Queues.Fullest, queueStatistics(q))
	}
	return s
}

func (l *listener) statistics() listenerStatistics {
	s := listenerStatistics{Address: l.ln.Addr().String(), Connections: l.door.Open()}
	if l.layer != nil {
		stats := tlsStatistics(l.layer.Stats())
		s.TLS = &stats
	}
	if l.proxy != nil {
		stats := proxyStatistics(l.proxy.Stats())
		s.Proxy = &stats
	}
	return s
}

func serviceStatisticsOf(s services.Sample) serviceStatistics {
	work := workStatistics{
		Connections: s.Connections, Connected: s.Connected, trafficStatistics: trafficStatistics(s.Traffic),
		Queued: s.Queued, QueuedBytes: s.QueuedBytes, OutboxBytes: s.OutboxBytes, Errors: s.Errors, Panics: s.Panics,
	}
	of := serviceStatistics{
		Name: s.Name, Version: s.Version, State: s.State, Standalone: s.Standalone, workStatistics: work,
		Failures: s.Failures, Replaced: s.Replaced, Dropped: s.Dropped,
		Instances: make([]instanceStatistics, 0, len(s.Instances)),
	}
	for _, in := range s.Instances {
		of.Instances = append(of.Instances, instanceStatistics{in.ID, in.Version, in.State, workStatistics{
			Connections: in.Connections, Connected: in.Connected, trafficStatistics: trafficStatistics(in.Traffic),
			Queued: in.Queued, QueuedBytes: in.QueuedBytes, OutboxBytes: in.OutboxBytes, Errors: in.Errors, Panics: in.Panics,
		}})
	}
	return of
}
