package config

import (
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

// limitNames are the limits by the names they are counted by. Most are the
// keys that bound them; those of the same key in several places say where.
var limitNames = []string{
	"connections", "listener_connections", "service_connections", "connections_per_prefix", "accepts_per_s", "handshakes",
	"handshake_ms", "header_bytes", "first_message_ms", "messages_per_s", "bytes_per_s", "max_inbound_message_size",
	"message_ms", "idle_ms", "busy_ms", "max_age_ms", "buffered_mb", "outbox_bytes", "memory",
}

// LimitNames returns what limits.dry_run may name. The slice belongs to the
// caller.
func LimitNames() []string { return slices.Clone(limitNames) }

// Bounds of the limits; both ends are allowed.
const (
	maxConnections = 10_000_000
	maxAccepts     = 1_000_000
	maxHandshakes  = 1 << 16
	minHeaderBytes = 256 // the smallest handshakes have some 160
	maxHeaderBytes = 1 << 20
	maxBufferedMB  = 1 << 20
	maxQueued      = 1 << 24   // messages
	maxMessages    = 1_000_000 // a second
	maxBytes       = 1 << 30   // of a message, of an outbox, or a second; fits every int
)

func constrainLimits(s *jsonschema.Schema) {
	p := s.Properties
	between(p["connections"], 0, maxConnections)
	between(p["connections_per_prefix"], 0, maxConnections)
	between(p["accepts_per_s"], 0, maxAccepts)
	between(p["handshakes"], 0, maxHandshakes)
	between(p["header_bytes"], minHeaderBytes, maxHeaderBytes)
	between(p["buffered_mb"], 0, maxBufferedMB)
	between(p["handler_ms"], 0, maxTimeout)
	between(p["inline_ms"], 0, maxTimeout)
	between(p["instance_mb"], 0, maxBufferedMB)
	between(p["queue_messages"], 1, maxQueued)
	between(p["queue_mb"], 1, maxBufferedMB)
	p["dry_run"].UniqueItems = true
	p["dry_run"].Items.Enum = words(limitNames)
}

// constrainRates bounds what a service's peers may send, and how long.
func constrainRates(s *jsonschema.Schema) {
	p := s.Properties
	between(p["connections"], 0, maxConnections)
	between(p["first_message_ms"], 0, maxTimeout)
	between(p["messages_per_s"], 0, maxMessages)
	between(p["messages_burst"], 0, maxMessages)
	between(p["bytes_per_s"], 0, maxBytes)
	between(p["bytes_burst"], 0, maxBytes)
	between(p["max_age_ms"], 0, maxTimeout)
	between(p["max_age_jitter_ms"], 0, maxTimeout)

	// nothingToRefine checks this.
	for _, r := range refinements {
		s.AllOf = append(s.AllOf, &jsonschema.Schema{
			If:   given(r.of, &jsonschema.Schema{Minimum: jsonschema.Ptr(1.0)}),
			Else: where(r.key, constant(0)),
		})
	}
}

// refinements are keys of a service that mean nothing where another one is 0,
// as it is by default.
var refinements = []struct{ key, of string }{
	{"messages_burst", "messages_per_s"},
	{"bytes_burst", "bytes_per_s"},
	{"max_age_jitter_ms", "max_age_ms"},
}

// nothingToRefine finds keys that refine what is 0.
func (c *checker) nothingToRefine(services []serviceNode) {
	for _, s := range services {
		for _, r := range refinements {
			v, of := member(s.value, r.key), member(s.value, r.of)
			if v == nil || integer(v) <= 0 || of != nil && integer(of) != 0 {
				continue
			}
			c.add(v.StartOffset, join(s.path, r.key), "must be 0 or left out, since %s is 0", r.of)
		}
	}
}
