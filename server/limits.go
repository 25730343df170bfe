package server

import "sync/atomic"

// Limits are limits of the server as a whole. 0 means no limit.
type Limits struct {
	PerPrefix  int   // connections of an IPv4 address or of an IPv6 /64; the next ones are refused with 429
	Accepts    int   // connections per second, and at once; the next ones are closed unread
	Handshakes int   // opening handshakes under way, from their first byte; the next ones are refused with 503. For those of TLS see secure.Slots
	Buffered   int64 // bytes in unfinished messages, mailboxes and outboxes; past it those connections that hold most are closed with 1013. It may be exceeded by a 64th for each loop, and 1 KiB for each connection, and by what waits in mailboxes of peers that have gone

	// DryRun are limits that are only counted. Opening handshakes end at 1 MiB
	// all the same.
	DryRun []Limit
}

// A Limit names a limit, where it is counted and in configurations.
type Limit uint8

const (
	LimitConnections   Limit = iota // Server.MaxConns
	LimitListener                   // Listener.MaxConns
	LimitService                    // services.Config.MaxConns
	LimitPrefix                     // Limits.PerPrefix
	LimitAccepts                    // Limits.Accepts
	LimitHandshakes                 // Limits.Handshakes
	LimitHandshakeTime              // Timeouts.Handshake
	LimitHeader                     // Server.Head
	LimitFirstMessage               // services.Config.FirstMessage
	LimitMessages                   // services.Config.Messages
	LimitBytes                      // services.Config.Bytes
	LimitMessageSize                // services.Config.MaxMessage
	LimitMessageTime                // Timeouts.Message
	LimitIdle                       // Timeouts.Idle, and Timeouts.Pong
	LimitBusy                       // Timeouts.Busy
	LimitAge                        // services.Config.MaxAge
	LimitBuffered                   // Limits.Buffered
	LimitOutbox                     // services.Config.OutboxBytes
	LimitMemory                     // the process's; see Server.Refuse and Server.Shed
	numLimits
)

var limitNames = [numLimits]string{"connections", "listener_connections", "service_connections", "connections_per_prefix",
	"accepts_per_s", "handshakes", "handshake_ms", "header_bytes", "first_message_ms", "messages_per_s", "bytes_per_s",
	"max_inbound_message_size", "message_ms", "idle_ms", "busy_ms", "max_age_ms", "buffered_mb", "outbox_bytes",
	"memory"}

func (l Limit) String() string { return limitNames[l] }

// AllLimits returns every Limit.
func AllLimits() []Limit {
	all := make([]Limit, numLimits)
	for i := range all {
		all[i] = Limit(i)
	}
	return all
}

// Exceeded is how often each limit has been exceeded, enforced or not.
func (s *Server) Exceeded(l Limit) uint64 { return s.exceedings[l].Load() }

// Exceed counts that l is exceeded, and reports whether it is to be enforced.
// Layers below the server, which know of a limit what it does not, call it, too.
func (s *Server) Exceed(l Limit) bool {
	s.exceedings[l].Add(1)
	return !s.Dry(l)
}

// Dry reports whether l is only counted.
func (s *Server) Dry(l Limit) bool {
	for _, d := range s.Limits.DryRun {
		if d == l {
			return true
		}
	}
	return false
}

// exceedings count how often each limit has been exceeded.
type exceedings [numLimits]atomic.Uint64
