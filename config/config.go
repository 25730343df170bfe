// Package config reads the JSON configuration: defaults, schema, and mistakes
// with line and path.
//
// The order of calls: Load reads a file, lays it over the defaults and checks
// all of it. Either it returns a Config in which every value is within its
// bounds, or an *Error that lists every mistake in the file in the order of
// its lines:
//
//	lapps.json:12: services.echo.instances: must be between 1 and 1024, not -2
//	lapps.json:20: timeouts.idel_ms: unknown key, did you mean "idle_ms"? Known here: handshake_ms, …
//
// Parse does the same with a text at hand. Schema returns the JSON Schema of
// the file, for editors.
//
// The file is JSON as people write it: comments (// and /* */) and commas
// after a last element are allowed, and a byte order mark is skipped. It is
// closed: an unknown key is a mistake, never ignored, and so is a key given
// twice. What it leaves out has its default. Units are in the keys' names
// (_ms, _bytes), and 0 means no limit where 0 is allowed. A relative path is
// relative to the file's directory.
//
// One description rules all: the schema is made of the Go types and their
// tags, the bounds in schema.go and the values of Default, and the checker
// walks the file with that same schema in hand. So the checker, the schema
// that editors see and the types that the file is decoded into cannot drift
// apart. Only rules about two places of a file (across.go, depends.go), and
// what a pattern cannot say (formats.go), are the checker's own.
//
// A directory that holds ws.json or lapps.json is read as LAppS's pair, by
// LoadLAppS: the same checks lead to a Config of the same kind. What has no
// meaning here, or another one, it says in notices, one line each. And
// MarshalNative writes a Config as the one file that Load reads:
//
//	etc/conf/ws.json:3: workers.auto_fragment: has no meaning here: every message is sent as one frame
//
// Deliberately missing: environment variables, includes, and everything that
// needs more than the file. Package config opens nothing but the file, or the
// pair, it is given: no other directory, certificate, name or port is looked
// at, which modules Lua has is not its business, and it knows no other room.
// Reloading is another Load.
//
// All functions may be called from any goroutine.
package config

import "time"

// A Config is a configuration in which everything is set and checked, as Load
// and Parse return it. The tags say what each key means. Whoever gets it owns
// it. The zero Config is not a configuration: use Default.
type Config struct {
	Listeners   []Listener         `json:"listeners" jsonschema:"Where the server listens."`
	ACL         ACL                `json:"acl" jsonschema:"Which addresses may connect at all."`
	Limits      Limits             `json:"limits" jsonschema:"Limits of the server as a whole."`
	Timeouts    Timeouts           `json:"timeouts" jsonschema:"How long things may take, in milliseconds. 0 means no limit."`
	Directories Directories        `json:"directories" jsonschema:"Where things are. Relative paths are relative to this file."`
	Loops       int                `json:"loops" jsonschema:"Event loops that serve the connections. 0 means one per CPU."`
	Services    map[string]Service `json:"services" jsonschema:"The services, by name. {} is a service with every default."`

	file  string         // what it was read from
	lines map[string]int // of the services there
}

// A Listener is one address to listen on.
type Listener struct {
	Address string `json:"address" jsonschema:"host:port. The host is an IP address ([::1] with brackets) or a name; none means all addresses. Port 0 takes any free port."`
}

// An ACL says which addresses are let in: the policy decides, and the other
// way for what is excluded. It is checked, but in the configuration's words.
type ACL struct {
	Policy  string   `json:"policy" jsonschema:"What happens to an address that is not excluded."`
	Exclude []string `json:"exclude" jsonschema:"Exceptions to the policy: IP addresses, or prefixes without host bits."`
}

// Limits are limits of the server as a whole.
type Limits struct {
	Connections int `json:"connections" jsonschema:"Connections at a time; further ones are refused with 503. 0 means no limit."`
	HeaderBytes int `json:"header_bytes" jsonschema:"Size of an opening handshake's head; larger ones are refused with 431."`
}

// Timeouts say how long things may take. 0 means no limit.
type Timeouts struct {
	Handshake Milliseconds `json:"handshake_ms" jsonschema:"From accepting a connection until its opening handshake is done."`
	Idle      Milliseconds `json:"idle_ms" jsonschema:"Without any byte received, pongs included, before a connection is closed."`
	Ping      Milliseconds `json:"ping_ms" jsonschema:"Without any byte received before the server sends a ping. 0 means no pings."`
	Pong      Milliseconds `json:"pong_ms" jsonschema:"From a ping until something is received, before the connection is closed. Needs ping_ms; where that is 0 this is 0."`
	Message   Milliseconds `json:"message_ms" jsonschema:"From the first byte of a message to its last."`
	Busy      Milliseconds `json:"busy_ms" jsonschema:"How long a connection may stay unread because its service does not keep up, before it is closed with 1013."`
	Close     Milliseconds `json:"close_ms" jsonschema:"For the closing handshake, before a connection is aborted."`
	Shutdown  Milliseconds `json:"shutdown_ms" jsonschema:"For all connections and services to end when the server stops."`
}

// Milliseconds are a time span as it stands in the file.
type Milliseconds int

// Duration returns m as a time.Duration.
func (m Milliseconds) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// Directories are the places of things in the file system. In a Config that
// Load or Parse returned they are absolute or relative to the working
// directory, as the file's own name was.
type Directories struct {
	Applications string `json:"applications" jsonschema:"Holds a directory for each service, named as the service, with its Lua files."`
}

// A Service is an application that peers connect to or, standalone, one that
// runs by itself. Of a standalone service the request target is "", and what
// else concerns connections is at its default.
type Service struct {
	Standalone            bool              `json:"standalone" jsonschema:"Whether the service is a program that runs in the background, without connections."`
	AutoStart             bool              `json:"auto_start" jsonschema:"Whether the service starts with the server."`
	Instances             int               `json:"instances" jsonschema:"Lua states that share the service's connections, or run the standalone program."`
	Preload               []string          `json:"preload" jsonschema:"Modules that the service's Lua states have from the start, by name."`
	Depends               []string          `json:"depends" jsonschema:"Services to start before this one, by name."`
	Protocol              string            `json:"protocol" jsonschema:"What the messages are: raw hands them to Lua as they are, LAppS as the requests and notifications of the LAppS protocol."`
	RequestTarget         string            `json:"request_target" jsonschema:"The path at which peers connect, without query. No two services share one. The default is / and the service's name."`
	MaxInboundMessageSize int               `json:"max_inbound_message_size" jsonschema:"Bytes of a message from a peer; after a larger one the connection is closed with 1009. 0 means no limit."`
	ACL                   ACL               `json:"acl" jsonschema:"Which addresses may connect to this service, of those the server lets in."`
	OutboxBytes           int               `json:"outbox_bytes" jsonschema:"Bytes that may wait for one peer that reads too slowly. 0 means no limit."`
	ExtraHeaders          map[string]string `json:"extra_headers" jsonschema:"Header fields added to the answer to the opening handshake."`
	Compression           Compression       `json:"compression" jsonschema:"Compression of messages, permessage-deflate (RFC 7692), with clients that offer it."`
}

// A Compression says how a service's messages are compressed.
type Compression struct {
	Enabled         bool `json:"enabled" jsonschema:"Whether messages are compressed, both ways. Read about BREACH in the manual first."`
	Level           int  `json:"level" jsonschema:"How hard the server compresses: from 1, the fastest, to 9. Where a client asks for less than 15 window bits, or max_window_bits is less, it has no effect."`
	MinSize         int  `json:"min_size" jsonschema:"Bytes of the smallest message that the server compresses."`
	ContextTakeover bool `json:"context_takeover" jsonschema:"Whether messages may refer to earlier ones of their connection. Small messages become smaller; each connection takes up to 2^max_window_bits bytes and 4 KiB more."`
	MaxWindowBits   int  `json:"max_window_bits" jsonschema:"Binary logarithm of the largest window, in bytes, on either side."`
	MaxRatio        int  `json:"max_ratio" jsonschema:"How many times its compressed size a message of more than 4 KiB may have; after a larger one the connection is closed with 1009. 0 means no limit but that of the message."`
}

// Default returns the configuration of an empty file, {}.
func Default() Config {
	return Config{
		Listeners: []Listener{{Address: "127.0.0.1:5083"}},
		ACL:       defaultACL(),
		Limits:    Limits{Connections: 0, HeaderBytes: 8192},
		Timeouts: Timeouts{
			Handshake: 10_000,
			Idle:      120_000,
			Ping:      25_000,
			Pong:      10_000,
			Message:   60_000,
			Busy:      60_000,
			Close:     5_000,
			Shutdown:  15_000,
		},
		Directories: Directories{Applications: "apps"},
		Loops:       0,
		Services:    map[string]Service{},
	}
}

func defaultACL() ACL { return ACL{Policy: "allow", Exclude: []string{}} }

// defaultService returns the service that {} is, but for its request target,
// which comes of its name.
func defaultService() Service {
	return Service{
		AutoStart:             true,
		Instances:             2,
		Preload:               []string{},
		Depends:               []string{},
		Protocol:              "raw",
		MaxInboundMessageSize: 1 << 20,
		ACL:                   defaultACL(),
		OutboxBytes:           1 << 20,
		ExtraHeaders:          map[string]string{},
		Compression:           Compression{Level: 1, MinSize: 256, MaxWindowBits: 15},
	}
}
