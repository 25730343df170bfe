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
// tags, the bounds in schema.go, limits.go and listener.go, and the values of
// Default, and the checker walks the file with that same schema in hand. So
// the checker, the schema that editors see and the types that the file is
// decoded into cannot drift apart. Only rules about two places of a file
// (across.go, depends.go, limits.go, listener.go), and what a pattern cannot
// say (formats.go), are the checker's own.
//
// A directory that holds ws.json or lapps.json is read as LAppS's pair, by
// LoadLAppS: the same checks lead to a Config of the same kind. What has no
// meaning here, or another one, it says in notices, one line each. And
// MarshalNative writes a Config as the one file that Load reads:
//
//	etc/conf/ws.json:3: workers.max_poll_events: has no meaning here: the event loops take what there is
//
// ParseDescriptor reads what a bundle says of the service in it, by the same rules.
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
	Log         Log                `json:"log" jsonschema:"What is logged, in which form, and where."`
	Loops       int                `json:"loops" jsonschema:"Event loops that serve the connections. 0 means one for every two processors."`
	Processors  int                `json:"processors" jsonschema:"Processors that the server, Lua included, uses at a time. 0 means as many as loops, or, where that is 0, too, all that there are."`
	Outgoing    Outgoing           `json:"outgoing" jsonschema:"Connections that services open themselves."`
	Services    map[string]Service `json:"services" jsonschema:"The services, by name. {} is a service with every default."`

	file      string         // what it was read from
	lines     map[string]int // of the services there
	positions []position     // of the listeners
	log       position       // of log.file
	outgoing  position
	fragment  int // of all services: LAppS's auto_fragment
}

// A Listener is one address to listen on.
type Listener struct {
	Address         string   `json:"address" jsonschema:"host:port. The host is an IP address ([::1] with brackets) or a name; none means all addresses. Port 0 takes any free port."`
	TLS             TLS      `json:"tls" jsonschema:"Encryption (wss). Without certificates the listener is plain (ws)."`
	ProxyProtocol   string   `json:"proxy_protocol" jsonschema:"Whether connections from trusted_proxies begin with a PROXY protocol header, version 1 or 2, that names the client's address: off, optional or required."`
	TrustedProxies  []string `json:"trusted_proxies" jsonschema:"Addresses and prefixes of the proxies whose word about the client's address is taken."`
	ForwardedHops   int      `json:"forwarded_hops" jsonschema:"How many trusted proxies in a row add the client's address to forwarded_header. 0 means that the header is not read."`
	ForwardedHeader string   `json:"forwarded_header" jsonschema:"The header that the proxies write: X-Forwarded-For or Forwarded (RFC 7239). The other one is not read."`
	Connections     int      `json:"connections" jsonschema:"Connections of this listener at a time; further ones are refused with 503. 0 means no limit."`
}

// A TLS says how a listener is encrypted. The first certificate serves clients
// that name no host, or one that no certificate has.
type TLS struct {
	Certificates   []Certificate `json:"certificates" jsonschema:"Certificates and their keys. The one for the host that a client names is taken, or else the first. They are read again when the files change, and on SIGHUP."`
	MinVersion     string        `json:"min_version" jsonschema:"The oldest version that is spoken: 1.2 or 1.3."`
	CipherSuites   []string      `json:"cipher_suites" jsonschema:"Cipher suites of TLS 1.2 by their IANA names; those of 1.3 are not configurable. None means Go's choice."`
	Curves         []string      `json:"curves" jsonschema:"Key exchanges that are offered; in which order is Go's choice. None means all that Go has."`
	ClientAuth     string        `json:"client_auth" jsonschema:"Whether clients show a certificate: off, optional or required. One that is shown must be valid."`
	ClientCA       string        `json:"client_ca,omitempty" jsonschema:"The file (PEM) of the authorities that clients' certificates are signed by. Needed where client_auth is not off."`
	SessionTickets bool          `json:"session_tickets" jsonschema:"Whether clients may resume their sessions. The keys change every day and live for a week."`
}

// A Certificate is a chain of certificates and the key of the first.
type Certificate struct {
	Cert string `json:"cert" jsonschema:"File (PEM) of the certificate, followed by the intermediate ones."`
	Key  string `json:"key" jsonschema:"File (PEM) of the certificate's private key."`
}

// An ACL says which addresses are let in: the policy decides, and the other
// way for what is excluded. It is checked, but in the configuration's words.
type ACL struct {
	Policy  string   `json:"policy" jsonschema:"What happens to an address that is not excluded."`
	Exclude []string `json:"exclude" jsonschema:"Exceptions to the policy: IP addresses, or prefixes without host bits."`
}

// Limits are limits of the server as a whole.
type Limits struct {
	Connections          int          `json:"connections" jsonschema:"Connections at a time; further ones are refused with 503. 0 means no limit."`
	ConnectionsPerPrefix int          `json:"connections_per_prefix" jsonschema:"Connections of one client at a time, that is of an IPv4 address or of an IPv6 /64; further ones are refused with 429. 0 means no limit."`
	AcceptsPerSecond     int          `json:"accepts_per_s" jsonschema:"Connections that are accepted in a second, as many at once at most; further ones are closed unread. 0 means no limit."`
	Handshakes           int          `json:"handshakes" jsonschema:"Opening handshakes that are under way at a time, and as many of TLS; further ones are refused with 503 or, those of TLS, wait. 0 means no limit."`
	HeaderBytes          int          `json:"header_bytes" jsonschema:"Size of an opening handshake's head; larger ones are refused with 431."`
	BufferedMB           int          `json:"buffered_mb" jsonschema:"MiB held for all connections, in unfinished messages, mailboxes and outboxes; past it the connection that holds most is closed with 1013. 0 means no limit."`
	Handler              Milliseconds `json:"handler_ms" jsonschema:"How long a call of a service's Lua may run, waits apart, before it ends with an error. Programs (run), modules that are loaded, and onStart have no such limit. 0 means no limit."`
	Inline               Milliseconds `json:"inline_ms" jsonschema:"The same as handler_ms for services that run inline, where other connections wait meanwhile. 0 means no limit."`
	InstanceMB           int          `json:"instance_mb" jsonschema:"MiB that the Lua values of an instance may take, about; a call that has them take more ends with an error. 0 means no limit."`
	QueueMessages        int          `json:"queue_messages" jsonschema:"Messages that a queue of the module mqr may hold; a service may make one that holds less."`
	QueueMB              int          `json:"queue_mb" jsonschema:"MiB that the messages of a queue of the module mqr may take, about; a service may make one that holds less. All queues together hold as much as 16 full ones."`
	DryRun               []string     `json:"dry_run" jsonschema:"Limits that are only counted, and not enforced, by name."`
}

// Timeouts say how long things may take. 0 means no limit.
type Timeouts struct {
	Handshake Milliseconds `json:"handshake_ms" jsonschema:"From accepting a connection until its opening handshake is done."`
	Idle      Milliseconds `json:"idle_ms" jsonschema:"Without any byte received, pongs included, before a connection is closed."`
	Ping      Milliseconds `json:"ping_ms" jsonschema:"Without any byte received before the server sends a ping. 0 means no pings."`
	Pong      Milliseconds `json:"pong_ms" jsonschema:"From a ping until something is received, before the connection is closed. Needs ping_ms; where that is 0 this is 0."`
	Message   Milliseconds `json:"message_ms" jsonschema:"From the first byte of a message to its last."`
	Busy      Milliseconds `json:"busy_ms" jsonschema:"How long a connection may stay unread because its service does not keep up, before it is closed with 1013."`
	Gone      Milliseconds `json:"gone_ms" jsonschema:"How long a handler may go on waiting when its connection has gone; then what it waits for ends with an error."`
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
	Deploy       string `json:"deploy" jsonschema:"Bundles of services (.lar, .zip, .tar.gz) that are put here are deployed. It is watched if it is there when the server starts."`
	Run          string `json:"run" jsonschema:"Holds lapps.sock, the socket through which the running server takes commands. It is made where it is missing."`
}

// Outgoing is about the connections that services open themselves, by the module cws.
type Outgoing struct {
	CAFile string `json:"ca_file,omitempty" jsonschema:"The file (PEM) of authorities that are trusted besides the system's: the certificate of a server that a service connects to may be signed by one of them. It is read when it has changed."`
}

// A Log says what is logged, in which form, and where.
type Log struct {
	Level  string `json:"level" jsonschema:"The least that is logged: debug, info, warn or error. It is read again on SIGHUP. At debug there is a line for each connection that is opened, and for its end."`
	Format string `json:"format" jsonschema:"Of the lines: text, json, or auto, which is text on a terminal and JSON otherwise."`
	File   string `json:"file" jsonschema:"The file that lines are appended to; it is opened again on SIGHUP, and made where it is missing, but not its directory. None means standard error."`
}

// A Service is an application that peers connect to or, standalone, one that
// runs by itself. Of a standalone service the request target is "", and what
// else concerns connections is at its default.
type Service struct {
	Standalone            bool              `json:"standalone" jsonschema:"Whether the service is a program that runs in the background, without connections."`
	AutoStart             bool              `json:"auto_start" jsonschema:"Whether the service starts with the server."`
	Instances             int               `json:"instances" jsonschema:"Lua states that share the service's connections, or run the standalone program. Of a service that runs inline there is one for each event loop at least."`
	Preload               []string          `json:"preload" jsonschema:"Modules that the service's Lua states have from the start, by name."`
	Depends               []string          `json:"depends" jsonschema:"Services to start before this one, by name."`
	StrictGlobals         string            `json:"strict_globals" jsonschema:"What happens when Lua assigns to a global that is not there, once the service's files have been run: off is nothing, warn is logged, fail is an error."`
	Grants                Grants            `json:"grants" jsonschema:"What the service's Lua may reach outside of the server. Nothing by default."`
	Protocol              string            `json:"protocol" jsonschema:"What the messages are: raw hands them to Lua as they are, LAppS as the requests and notifications of the LAppS protocol."`
	Ordered               bool              `json:"ordered" jsonschema:"Whether a connection's messages are handled one after the other. With false the next one begins while a handler waits (raw only)."`
	Execution             string            `json:"execution" jsonschema:"Where handlers run: isolated on threads of their own, or inline on the event loops of their connections, which costs less; but there they must not wait, and one that takes long holds up all connections of its loop."`
	RequestTarget         string            `json:"request_target" jsonschema:"The path at which peers connect, without query. No two services share one. The default is / and the service's name."`
	MaxInboundMessageSize int               `json:"max_inbound_message_size" jsonschema:"Bytes of a message from a peer; after a larger one the connection is closed with 1009. 0 means no limit."`
	ACL                   ACL               `json:"acl" jsonschema:"Which addresses may connect to this service, of those the server lets in."`
	Connections           int               `json:"connections" jsonschema:"Connections of the service at a time; further ones are refused with 503. 0 means no limit."`
	FirstMessage          Milliseconds      `json:"first_message_ms" jsonschema:"From the opening handshake until the first message, before a connection is closed with 1008. 0 means no limit."`
	MessagesPerSecond     int               `json:"messages_per_s" jsonschema:"Messages a second from one peer, in the long run; past it and messages_burst the connection is closed with 1008. 0 means no limit."`
	MessagesBurst         int               `json:"messages_burst" jsonschema:"Messages that may come at once. 0 means as many as messages_per_s."`
	BytesPerSecond        int               `json:"bytes_per_s" jsonschema:"Bytes of messages a second from one peer, in the long run; past it and bytes_burst the connection is closed with 1008. 0 means no limit."`
	BytesBurst            int               `json:"bytes_burst" jsonschema:"Bytes that may come at once. 0 means as many as bytes_per_s, and a message of max_inbound_message_size."`
	MaxAge                Milliseconds      `json:"max_age_ms" jsonschema:"How old a connection may become before it is closed with 1001. 0 means no limit."`
	MaxAgeJitter          Milliseconds      `json:"max_age_jitter_ms" jsonschema:"How much longer at most, by chance, so that those that came together do not go together."`
	OutboxBytes           int               `json:"outbox_bytes" jsonschema:"Bytes that may wait for one peer that reads too slowly. 0 means no limit."`
	FragmentBytes         int               `json:"fragment_bytes" jsonschema:"Messages of twice as many bytes at least are sent in fragments of so many, unless they are compressed. 0 means that each is sent in one frame."`
	SlowConsumer          string            `json:"slow_consumer" jsonschema:"What happens to a message when outbox_bytes wait: close closes the connection with 1013, drop_newest drops the message, drop_oldest those that have waited longest, and latest keeps of each channel only the newest."`
	Origins               []string          `json:"origins" jsonschema:"Origins of the web pages that may connect, like https://example.com or https://*.example.com; others are refused with 403. None means all. A client that names no origin is not a web page, and may connect."`
	Subprotocols          []string          `json:"subprotocols" jsonschema:"Sub-protocols that the service speaks (Sec-WebSocket-Protocol), in order of preference."`
	ExtraHeaders          map[string]string `json:"extra_headers" jsonschema:"Header fields added to the answer to the opening handshake."`
	OnRedeploy            string            `json:"on_redeploy" jsonschema:"What becomes of connections when a new version of the service takes its place: drain has them finish with the old one, close closes them with 1012 once what they have sent is answered."`
	Drain                 Milliseconds      `json:"drain_ms" jsonschema:"How long connections may stay with an old version before they are closed with 1012. 0 means no limit."`
	Compression           Compression       `json:"compression" jsonschema:"Compression of messages, permessage-deflate (RFC 7692), with clients that offer it."`
}

// Grants are what a service's Lua may reach outside of the server. What is not
// granted is an error that names the grant.
type Grants struct {
	Files         []FileGrant `json:"files" jsonschema:"Directories with files that the service may read or write."`
	Network       []string    `json:"network" jsonschema:"What the service may connect to: host:port, where the host is a name (*.example.org for all names below it), an IP address or prefix (10.0.0.0/8, [2001:db8::/32]) or * for all, and the port a number, a range (8000-8100) or * for all."`
	PrivateRanges []string    `json:"private_ranges" jsonschema:"Private addresses and prefixes that the names in network may stand for. Others are not connected to: those of this machine (127.0.0.0/8), of local networks (10.0.0.0/8, fc00::/7), multicast and the like. What network names by address need not be here."`
	Environment   []string    `json:"environment" jsonschema:"Environment variables that the service may read, by name."`
	Modules       []string    `json:"modules" jsonschema:"Modules that reach outside of the server and that the service may require, by name. * means all. Those of preload need not be here, and no others do."`
}

// A FileGrant is a directory of which a service may use the files.
type FileGrant struct {
	Path   string `json:"path" jsonschema:"The directory. What leads out of it, by .. or a symbolic link, is not granted."`
	Access string `json:"access" jsonschema:"read, or write, which is read and write."`
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
		Listeners: []Listener{defaultListener("127.0.0.1:5083")},
		ACL:       defaultACL(),
		Limits:    Limits{Connections: 0, Handshakes: 1024, HeaderBytes: 8192, BufferedMB: 1024, Handler: 2000, Inline: 50, InstanceMB: 256, QueueMessages: 65536, QueueMB: 64, DryRun: []string{}},
		Timeouts: Timeouts{
			Handshake: 10_000,
			Idle:      120_000,
			Ping:      25_000,
			Pong:      10_000,
			Message:   60_000,
			Busy:      60_000,
			Gone:      10_000,
			Close:     5_000,
			Shutdown:  15_000,
		},
		Directories: Directories{Applications: "apps", Deploy: "deploy", Run: "run"},
		Log:         Log{Level: "info", Format: "auto"},
		Loops:       0,
		Processors:  0,
		Services:    map[string]Service{},
	}
}

// defaultListener returns the listener that only an address makes.
func defaultListener(address string) Listener {
	return Listener{
		Address:         address,
		TLS:             TLS{Certificates: []Certificate{}, MinVersion: "1.2", CipherSuites: []string{}, Curves: []string{}, ClientAuth: "off", SessionTickets: true},
		ProxyProtocol:   "off",
		TrustedProxies:  []string{},
		ForwardedHeader: "X-Forwarded-For",
	}
}

func defaultACL() ACL { return ACL{Policy: "allow", Exclude: []string{}} }

func defaultGrants() Grants {
	return Grants{Files: []FileGrant{}, Network: []string{}, PrivateRanges: []string{}, Environment: []string{}, Modules: []string{}}
}

// defaultService returns the service that {} is, but for its request target,
// which comes of its name.
func defaultService() Service {
	return Service{
		AutoStart:             true,
		Instances:             2,
		Preload:               []string{},
		Depends:               []string{},
		StrictGlobals:         "off",
		Grants:                defaultGrants(),
		Protocol:              "raw",
		Ordered:               true,
		Execution:             "isolated",
		MaxInboundMessageSize: 1 << 20,
		ACL:                   defaultACL(),
		OutboxBytes:           1 << 20,
		SlowConsumer:          "close",
		Origins:               []string{},
		Subprotocols:          []string{},
		ExtraHeaders:          map[string]string{},
		OnRedeploy:            "drain",
		Drain:                 60_000,
		Compression:           Compression{Level: 1, MinSize: 256, MaxWindowBits: 15},
	}
}
