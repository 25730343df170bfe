package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lapps/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is the service that {} is under the name echo.
func echo() config.Service {
	return config.Service{
		AutoStart:     true,
		Instances:     2,
		Preload:       []string{},
		Depends:       []string{},
		StrictGlobals: "off", Execution: "isolated",
		Grants: config.Grants{
			Files: []config.FileGrant{}, Network: []string{}, PrivateRanges: []string{}, Environment: []string{}, Modules: []string{},
		},
		Protocol:              "raw",
		Ordered:               true,
		RequestTarget:         "/echo",
		MaxInboundMessageSize: 1048576,
		ACL:                   config.ACL{Policy: "allow", Exclude: []string{}},
		OutboxBytes:           1048576,
		SlowConsumer:          "close",
		Origins:               []string{},
		Subprotocols:          []string{},
		ExtraHeaders:          map[string]string{},
		OnRedeploy:            "drain",
		Drain:                 60_000,
		Compression:           config.Compression{Level: 1, MinSize: 256, MaxWindowBits: 15},
	}
}

// clock is the service that {"standalone": true} is.
func clock() config.Service {
	s := echo()
	s.Standalone, s.RequestTarget = true, ""
	return s
}

// listeners are those that {"address": …} are.
func listeners(addresses ...string) (all []config.Listener) {
	for _, address := range addresses {
		all = append(all, config.Listener{
			Address: address,
			TLS: config.TLS{
				Certificates: []config.Certificate{}, MinVersion: "1.2", CipherSuites: []string{}, Curves: []string{},
				ClientAuth: "off", SessionTickets: true,
			},
			ProxyProtocol:   "off",
			TrustedProxies:  []string{},
			ForwardedHeader: "X-Forwarded-For",
		})
	}
	return all
}

// TestMerge holds what files mean: the defaults, changed.
func TestMerge(t *testing.T) {
	tests := []struct {
		name   string
		text   string
		change func(c *config.Config)
	}{
		{"nothing", `{}`, func(*config.Config) {}},
		{"a byte order mark", "\ufeff{}", func(*config.Config) {}},
		{"comments and trailing commas", "// a\n{ /* b */ \"loops\": 3, // c\n \"acl\": {\"exclude\": [\"::1\",],},\n} // d", func(c *config.Config) {
			c.Loops = 3
			c.ACL.Exclude = []string{"::1"}
		}},
		{"empty objects", `{"acl": {}, "limits": {}, "timeouts": {}, "directories": {}, "services": {}}`, func(*config.Config) {}},
		{"the schema's address", `{"$schema": "lapps.schema.json"}`, func(*config.Config) {}},
		{"compression", `{"services": {"echo": {"compression": {"enabled": true, "context_takeover": true, "max_ratio": 100}}}}`, func(c *config.Config) {
			e := echo()
			e.Compression = config.Compression{Enabled: true, Level: 1, MinSize: 256, ContextTakeover: true, MaxWindowBits: 15, MaxRatio: 100}
			c.Services = map[string]config.Service{"echo": e}
		}},
		{"one timeout", `{"timeouts": {"idle_ms": 5}}`, func(c *config.Config) { c.Timeouts.Idle = 5 }},
		{"no limit", `{"timeouts": {"busy_ms": 0}}`, func(c *config.Config) { c.Timeouts.Busy = 0 }},
		{"no pings, no pongs", `{"timeouts": {"ping_ms": 0}}`, func(c *config.Config) { c.Timeouts.Ping, c.Timeouts.Pong = 0, 0 }},
		{"no pings, no pongs in words", `{"timeouts": {"pong_ms": 0, "ping_ms": 0}}`, func(c *config.Config) { c.Timeouts.Ping, c.Timeouts.Pong = 0, 0 }},
		{"pings, no pongs", `{"timeouts": {"pong_ms": 0}}`, func(c *config.Config) { c.Timeouts.Pong = 0 }},
		{"one limit", `{"limits": {"connections": 10}}`, func(c *config.Config) { c.Limits.Connections = 10 }},
		{"minus zero", `{"loops": -0}`, func(*config.Config) {}},
		{"half of an acl", `{"acl": {"policy": "deny"}}`, func(c *config.Config) { c.ACL.Policy = "deny" }},
		{"prefixes", `{"acl": {"exclude": ["10.0.0.0/8", "192.0.2.1", "::1", "2001:db8::/32", "::ffff:10.0.0.0/104", "0.0.0.0/0"]}}`, func(c *config.Config) {
			c.ACL.Exclude = []string{"10.0.0.0/8", "192.0.2.1", "::1", "2001:db8::/32", "::ffff:10.0.0.0/104", "0.0.0.0/0"}
		}},
		{
			"listeners replace the default's",
			`{"listeners": [{"address": ":80"}, {"address": "[::1]:80"}, {"address": "localhost:81"}, {"address": "[fe80::1%eth0]:80"}, {"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0"}]}`,
			func(c *config.Config) {
				c.Listeners = listeners(":80", "[::1]:80", "localhost:81", "[fe80::1%eth0]:80", "127.0.0.1:0", "127.0.0.1:0")
			},
		},
		{"encryption", `{"listeners": [{"address": ":443", "tls": {"certificates": [{"cert": "a.pem", "key": "/etc/a.key"}, {"key": "../b.key", "cert": "b.pem"}], "client_auth": "optional",
			"client_ca": "ca.pem", "curves": ["P-256"], "cipher_suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"], "session_tickets": false}}, {"address": ":80", "tls": {"certificates": []}}]}`, func(c *config.Config) {
			c.Listeners = listeners(":443", ":80")
			c.Listeners[0].TLS = config.TLS{
				Certificates: []config.Certificate{{Cert: "conf/a.pem", Key: "/etc/a.key"}, {Cert: "conf/b.pem", Key: "b.key"}},
				MinVersion:   "1.2", CipherSuites: []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}, Curves: []string{"P-256"},
				ClientAuth: "optional", ClientCA: "conf/ca.pem",
			}
		}},
		{"TLS 1.3", `{"listeners": [{"address": ":443", "tls": {"certificates": [{"cert": "/a", "key": "/b"}], "min_version": "1.3", "cipher_suites": []}}]}`, func(c *config.Config) {
			c.Listeners = listeners(":443")
			c.Listeners[0].TLS.Certificates, c.Listeners[0].TLS.MinVersion = []config.Certificate{{Cert: "/a", Key: "/b"}}, "1.3"
		}},
		{"no encryption, in words", `{"listeners": [{"address": ":80", "tls": {"min_version": "1.2", "cipher_suites": [ ], "session_tickets": true}}]}`, func(c *config.Config) { c.Listeners = listeners(":80") }},
		{"proxies", `{"listeners": [{"address": ":1", "proxy_protocol": "required", "trusted_proxies": ["10.0.0.0/8", "::1"]},
			{"address": ":2", "forwarded_hops": 2, "forwarded_header": "Forwarded", "trusted_proxies": ["192.0.2.1"], "connections": 7}]}`, func(c *config.Config) {
			c.Listeners = listeners(":1", ":2")
			c.Listeners[0].ProxyProtocol, c.Listeners[0].TrustedProxies = "required", []string{"10.0.0.0/8", "::1"}
			c.Listeners[1].ForwardedHops, c.Listeners[1].ForwardedHeader, c.Listeners[1].TrustedProxies = 2, "Forwarded", []string{"192.0.2.1"}
			c.Listeners[1].Connections = 7
		}},
		{"no proxies, in words", `{"listeners": [{"address": ":1", "proxy_protocol": "off", "forwarded_hops": 0, "trusted_proxies": []}]}`, func(c *config.Config) { c.Listeners = listeners(":1") }},
		{"limits", `{"limits": {"connections_per_prefix": 1, "accepts_per_s": 2, "handshakes": 0, "header_bytes": 256, "buffered_mb": 1, "handler_ms": 5, "inline_ms": 6, "instance_mb": 7, "queue_messages": 8, "queue_mb": 9, "dry_run": ["idle_ms", "connections"]}}`, func(c *config.Config) {
			c.Limits = config.Limits{ConnectionsPerPrefix: 1, AcceptsPerSecond: 2, HeaderBytes: 256, BufferedMB: 1, Handler: 5, Inline: 6, InstanceMB: 7, QueueMessages: 8, QueueMB: 9, DryRun: []string{"idle_ms", "connections"}}
		}},
		{"limits of a service", `{"services": {"echo": {"connections": 1, "first_message_ms": 2, "messages_per_s": 3, "messages_burst": 4, "bytes_per_s": 5, "bytes_burst": 6, "max_age_ms": 7, "max_age_jitter_ms": 8}}}`, func(c *config.Config) {
			e := echo()
			e.Connections, e.FirstMessage, e.MessagesPerSecond, e.MessagesBurst = 1, 2, 3, 4
			e.BytesPerSecond, e.BytesBurst, e.MaxAge, e.MaxAgeJitter = 5, 6, 7, 8
			c.Services = map[string]config.Service{"echo": e}
		}},
		{"no limits of a service, in words", `{"services": {"echo": {"messages_per_s": 0, "messages_burst": 0, "bytes_burst": 0, "max_age_jitter_ms": 0}}}`, func(c *config.Config) {
			c.Services = map[string]config.Service{"echo": echo()}
		}},
		{"slow consumers", `{"services": {"echo": {"slow_consumer": "latest", "outbox_bytes": 1}, "a": {"slow_consumer": "close", "outbox_bytes": 0, "request_target": "/a"}}}`, func(c *config.Config) {
			e, a := echo(), echo()
			e.SlowConsumer, e.OutboxBytes, a.OutboxBytes, a.RequestTarget = "latest", 1, 0, "/a"
			c.Services = map[string]config.Service{"echo": e, "a": a}
		}},
		{"origins and sub-protocols", `{"services": {"echo": {"origins": ["https://example.com", "https://*.example.com:8443", "http://127.0.0.1:3000", "http://[::1]", "null", "moz-extension://3f2a-1", "capacitor://localhost"],
			"subprotocols": ["chat.v2", "chat"]}}}`, func(c *config.Config) {
			e := echo()
			e.Origins = []string{"https://example.com", "https://*.example.com:8443", "http://127.0.0.1:3000", "http://[::1]", "null", "moz-extension://3f2a-1", "capacitor://localhost"}
			e.Subprotocols = []string{"chat.v2", "chat"}
			c.Services = map[string]config.Service{"echo": e}
		}},
		{"a relative path", `{"directories": {"applications": "../lua"}}`, func(c *config.Config) { c.Directories.Applications = "lua" }},
		{"other directories", `{"directories": {"deploy": "/srv/in", "run": "sock"}}`, func(c *config.Config) { c.Directories.Deploy, c.Directories.Run = "/srv/in", "conf/sock" }},
		{"a log", `{"log": {"level": "debug", "format": "text", "file": "../lapps.log"}}`, func(c *config.Config) {
			c.Log = config.Log{Level: "debug", Format: "text", File: "lapps.log"}
		}},
		{"a log as it is, in words", `{"log": {"level": "info", "format": "auto", "file": ""}}`, func(*config.Config) {}},
		{"a log elsewhere", `{"log": {"file": "/var/log/lapps.log"}}`, func(c *config.Config) { c.Log.File = "/var/log/lapps.log" }},
		{"fragments", `{"services": {"echo": {"fragment_bytes": 100}}}`, func(c *config.Config) {
			e := echo()
			e.FragmentBytes = 100
			c.Services = map[string]config.Service{"echo": e}
		}},
		{"a redeployment", `{"services": {"echo": {"on_redeploy": "close", "drain_ms": 0}}}`, func(c *config.Config) {
			e := echo()
			e.OnRedeploy, e.Drain = "close", 0
			c.Services = map[string]config.Service{"echo": e}
		}},
		{"an absolute path", `{"directories": {"applications": "/srv/lua"}}`, func(c *config.Config) { c.Directories.Applications = "/srv/lua" }},
		{"a service", `{"services": {"echo": {}}}`, func(c *config.Config) { c.Services = map[string]config.Service{"echo": echo()} }},
		{
			"services, changed",
			`{"services": {"echo": {"auto_start": false, "instances": 1, "acl": {"policy": "deny"}, "extra_headers": {"X-A": "b c"}},
				"other": {"request_target": "/~a/b;c=%20", "max_inbound_message_size": 0, "outbox_bytes": 0, "protocol": "raw"}}}`,
			func(c *config.Config) {
				e, o := echo(), echo()
				e.AutoStart, e.Instances, e.ACL.Policy, e.ExtraHeaders = false, 1, "deny", map[string]string{"X-A": "b c"}
				o.RequestTarget, o.MaxInboundMessageSize, o.OutboxBytes = "/~a/b;c=%20", 0, 0
				c.Services = map[string]config.Service{"echo": e, "other": o}
			},
		},
		{"modules and dependencies", `{"services": {"echo": {"preload": ["nap", "_a1"], "depends": ["a", "b"]}, "a": {"depends": ["b"]}, "b": {"protocol": "LAppS"}}}`, func(c *config.Config) {
			e, a, b := echo(), echo(), echo()
			e.Preload, e.Depends, a.Depends, b.Protocol = []string{"nap", "_a1"}, []string{"a", "b"}, []string{"b"}, "LAppS"
			a.RequestTarget, b.RequestTarget = "/a", "/b"
			c.Services = map[string]config.Service{"echo": e, "a": a, "b": b}
		}},
		{"a standalone service", `{"services": {"clock": {"standalone": true, "instances": 1, "preload": ["time"]}}}`, func(c *config.Config) {
			s := clock()
			s.Instances, s.Preload = 1, []string{"time"}
			c.Services = map[string]config.Service{"clock": s}
		}},
		{"a standalone service has no target", `{"services": {"echo": {"standalone": true}, "other": {"request_target": "/echo"}}}`, func(c *config.Config) {
			c.Services = map[string]config.Service{"echo": clock(), "other": echo()}
		}},
		{"neither listeners nor services", `{"listeners": []}`, func(c *config.Config) { c.Listeners = []config.Listener{} }},
		{"no listeners, services without connections", `{"services": {"clock": {"standalone": true}}, "listeners": []}`, func(c *config.Config) {
			c.Listeners = []config.Listener{}
			c.Services = map[string]config.Service{"clock": clock()}
		}},
		{"targets exchanged", `{"services": {"a": {"request_target": "/b"}, "b": {"request_target": "/a"}}}`, func(c *config.Config) {
			a, b := echo(), echo()
			a.RequestTarget, b.RequestTarget = "/b", "/a"
			c.Services = map[string]config.Service{"a": a, "b": b}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := config.Default()
			want.Directories = config.Directories{Applications: "conf/apps", Deploy: "conf/deploy", Run: "conf/run"}
			tt.change(&want)
			got, err := config.Parse("conf/lapps.json", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			got.ForgetLines()
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("\n got %+v\nwant %+v", *got, want)
			}
			if err := validate(t, []byte(tt.text)); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
		})
	}
}

func TestMilliseconds(t *testing.T) {
	if got, want := config.Default().Timeouts.Idle.Duration(), 2*time.Minute; got != want {
		t.Errorf("idle_ms: got %v, want %v", got, want)
	}
}

// TestDefaultsAreApart: what one caller does to a default is not the next
// one's.
func TestDefaultsAreApart(t *testing.T) {
	first := config.Default()
	first.Services["echo"] = echo()
	first.Listeners[0].Address = "changed"
	config.LimitNames()[0] = "changed"
	text := config.Schema()
	text[0] = 'x'
	if config.LimitNames()[0] == "changed" || len(config.Default().Services) != 0 || config.Default().Listeners[0].Address != "127.0.0.1:5083" || config.Schema()[0] != '{' {
		t.Error("shared")
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	got, err := config.Load(write("good.json", `{"loops": 2}`))
	want := config.Default()
	want.Loops = 2
	want.Directories = config.Directories{Applications: filepath.Join(dir, "apps"), Deploy: filepath.Join(dir, "deploy"), Run: filepath.Join(dir, "run")}
	if got != nil {
		got.ForgetLines()
	}
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("good.json: got %+v, %v", got, err)
	}

	bad := write("bad.json", "{\n\"loops\": -1}")
	_, err = config.Load(bad)
	var e *config.Error
	if !errors.As(err, &e) || !reflect.DeepEqual(e.Mistakes, []config.Mistake{{File: bad, Line: 2, Path: "loops", Msg: "must be between 0 and 1024, not -1"}}) {
		t.Errorf("bad.json: got %v", err)
	}

	large := write("large.json", strings.Repeat(" ", 16<<20)+"{}")
	_, err = config.Load(large)
	if err == nil || err.Error() != large+":1: the file is larger than 16777216 bytes" {
		t.Errorf("large.json: got %v", err)
	}

	missing := filepath.Join(dir, "missing.json")
	_, err = config.Load(missing)
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "config: open "+missing+": no such file or directory" {
		t.Errorf("missing.json: got %v", err)
	}
	_, err = config.Load(dir)
	if err == nil || err.Error() != "config: read "+dir+": is a directory" {
		t.Errorf("a directory: got %v", err)
	}
}

func TestLogMistake(t *testing.T) {
	for text, want := range map[string]string{
		"{\n\"log\": {\n\"file\": \"a\"}}": "conf/lapps.json:3: log.file: is in the way",
		"{}":                               "conf/lapps.json:1: log.file: is in the way",
	} {
		c, err := config.Parse("conf/lapps.json", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.LogMistake("is in the way").String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestServiceMistake(t *testing.T) {
	c, err := config.Parse("lapps.json", []byte("{\n\"services\": {\n\"a\": {},\n\"b\": {}}}"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.ServiceMistake("b", "is missing").String(), "lapps.json:4: services.b: is missing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
