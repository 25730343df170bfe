package config_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lapps/config"
)

// absolute returns path as MarshalNative writes it.
func absolute(t testing.TB, path string) string {
	t.Helper()
	if filepath.IsAbs(path) {
		return path
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// makeAbsolute makes of c what MarshalNative writes.
func makeAbsolute(t testing.TB, c *config.Config) {
	t.Helper()
	c.Directories.Applications = absolute(t, c.Directories.Applications)
	c.Directories.Deploy = absolute(t, c.Directories.Deploy)
	c.Directories.Run = absolute(t, c.Directories.Run)
	if c.Outgoing.CAFile != "" {
		c.Outgoing.CAFile = absolute(t, c.Outgoing.CAFile)
	}
	if c.Log.File != "" {
		c.Log.File = absolute(t, c.Log.File)
	}
	for _, s := range c.Services {
		for i := range s.Grants.Files {
			s.Grants.Files[i].Path = absolute(t, s.Grants.Files[i].Path)
		}
	}
	for i := range c.Listeners {
		tls := &c.Listeners[i].TLS
		if tls.ClientCA != "" {
			tls.ClientCA = absolute(t, tls.ClientCA)
		}
		for k, pair := range tls.Certificates {
			tls.Certificates[k] = config.Certificate{Cert: absolute(t, pair.Cert), Key: absolute(t, pair.Key)}
		}
	}
}

// TestMarshalNative holds what is written: what differs from the defaults.
func TestMarshalNative(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", `{}`, `{
  "directories": {
    "applications": "/etc/apps",
    "deploy": "/etc/deploy",
    "run": "/etc/run"
  }
}
`},
		{"the defaults in words", `{"listeners": [{"address": "127.0.0.1:5083"}], "acl": {"policy": "allow", "exclude": []}, "timeouts": {"idle_ms": 120000}, "loops": 0}`, `{
  "directories": {
    "applications": "/etc/apps",
    "deploy": "/etc/deploy",
    "run": "/etc/run"
  }
}
`},
		{"all kinds of keys", `{
			"services": {
				"b": {"request_target": "/b", "depends": ["clock"], "acl": {"exclude": ["::1"]}, "extra_headers": {"X-B": "<&>", "X-A": ""}},
				"clock": {"preload": ["time"], "standalone": true},
				"a": {},
				"c": {"outbox_bytes": 0, "request_target": "/a&b", "auto_start": false},
			},
			"listeners": [
				{"address": ":1", "tls": {"certificates": [{"key": "a.key", "cert": "/srv/a.pem"}], "client_auth": "off", "curves": ["X25519"]}},
				{"address": ":2", "forwarded_hops": 1, "trusted_proxies": ["::1"], "proxy_protocol": "off", "tls": {}},
				{"address": ":3"}
			],
			"timeouts": {"ping_ms": 0},
			"log": {"file": "lapps.log", "format": "auto", "level": "warn"},
			"directories": {"applications": "/srv//lua"}
		}`, `{
  "listeners": [
    {
      "address": ":1",
      "tls": {
        "certificates": [
          {
            "cert": "/srv/a.pem",
            "key": "/etc/a.key"
          }
        ],
        "curves": [
          "X25519"
        ]
      }
    },
    {
      "address": ":2",
      "trusted_proxies": [
        "::1"
      ],
      "forwarded_hops": 1
    },
    {
      "address": ":3"
    }
  ],
  "timeouts": {
    "ping_ms": 0,
    "pong_ms": 0
  },
  "directories": {
    "applications": "/srv//lua",
    "deploy": "/etc/deploy",
    "run": "/etc/run"
  },
  "log": {
    "level": "warn",
    "file": "/etc/lapps.log"
  },
  "services": {
    "a": {},
    "b": {
      "depends": [
        "clock"
      ],
      "acl": {
        "exclude": [
          "::1"
        ]
      },
      "extra_headers": {
        "X-A": "",
        "X-B": "<&>"
      }
    },
    "c": {
      "auto_start": false,
      "request_target": "/a&b",
      "outbox_bytes": 0
    },
    "clock": {
      "standalone": true,
      "preload": [
        "time"
      ]
    }
  }
}
`},
		{"no listeners", `{"listeners": []}`, `{
  "listeners": [],
  "directories": {
    "applications": "/etc/apps",
    "deploy": "/etc/deploy",
    "run": "/etc/run"
  }
}
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Parse("/etc/lapps.json", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.MarshalNative()
			if err != nil || string(got) != tt.want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}

func TestMarshalNativeRefuses(t *testing.T) {
	noUTF8, large, certificate := config.Default(), config.Default(), config.Default()
	certificate.Listeners[0].TLS.Certificates = []config.Certificate{{Cert: "/a", Key: "/\xff"}}
	noUTF8.Directories.Applications = "/srv/\xff"
	large.Directories.Applications = "/" + strings.Repeat("a", 16<<20)
	for _, tt := range []struct {
		c    config.Config
		want string
	}{
		{noUTF8, `config: directories.applications: JSON has no way to write the path "/srv/\xff", which is not UTF-8`},
		{certificate, `config: listeners[0].tls.certificates[0].key: JSON has no way to write the path "/\xff", which is not UTF-8`},
		{large, `config: the file would be larger than 16777216 bytes`},
	} {
		text, err := tt.c.MarshalNative()
		if text != nil || err == nil || err.Error() != tt.want {
			t.Errorf("got %.80q, %.200v, want %s", text, err, tt.want)
		}
	}
}

// TestMarshalNativeRoundTrip: whatever a configuration is, its text means the
// same, wherever the file is.
func TestMarshalNativeRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		c := randomConfig(r)
		text, err := c.MarshalNative()
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, text); err != nil {
			t.Fatalf("the schema refuses it: %v\n%s", err, text)
		}
		got, err := config.Parse("elsewhere/lapps.json", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		got.ForgetLines()
		makeAbsolute(t, &c)
		if !reflect.DeepEqual(*got, c) {
			t.Fatalf("\n got %+v\nwant %+v\n%s", *got, c, text)
		}
	}
}

// randomConfig returns a configuration as Parse might.
func randomConfig(r *rand.Rand) config.Config {
	c := config.Default()
	n := r.IntN(5)
	for i := range n {
		name := fmt.Sprintf("s%d", i)
		s := randomService(r, name)
		for before := range i {
			if r.IntN(3) == 0 {
				s.Depends = append(s.Depends, fmt.Sprintf("s%d", before))
			}
		}
		c.Services[name] = s
	}
	if n > 0 || r.IntN(2) == 0 {
		c.Listeners = []config.Listener{}
		for i := range 1 + r.IntN(2) {
			c.Listeners = append(c.Listeners, randomListener(r, fmt.Sprintf("[::1]:%d", i+1)))
		}
	}
	c.ACL = randomACL(r)
	c.Limits = config.Limits{
		Connections: r.IntN(2), ConnectionsPerPrefix: r.IntN(2), AcceptsPerSecond: r.IntN(2), Handshakes: oneOf(r, 0, 1024, 65536),
		HeaderBytes: 8192 + r.IntN(2), BufferedMB: oneOf(r, 0, 1, 1024), Handler: oneOf[config.Milliseconds](r, 0, 1, 2000), Inline: oneOf[config.Milliseconds](r, 0, 1, 50), InstanceMB: oneOf(r, 0, 1, 256),
		QueueMessages: oneOf(r, 1, 65536), QueueMB: oneOf(r, 1, 64), DryRun: oneOf(r, []string{}, config.LimitNames()),
	}
	c.Timeouts.Idle = oneOf(r, 0, 120_000, config.Milliseconds(r.IntN(100_000)))
	c.Timeouts.Ping = oneOf(r, 0, 25_000, 1+config.Milliseconds(r.IntN(100_000)))
	if c.Timeouts.Ping == 0 {
		c.Timeouts.Pong = 0
	}
	c.Directories.Deploy, c.Directories.Run = oneOf(r, "deploy", "/in"), oneOf(r, "run", "../x")
	c.Directories.Applications = oneOf(r, "apps", "/apps", "../<é>&\u2028\"\\")
	c.Log = config.Log{Level: oneOf(r, "debug", "info", "error"), Format: oneOf(r, "auto", "json"), File: oneOf(r, "", "a.log", "/var/log/<a>")}
	c.Loops = r.IntN(3)
	c.Outgoing.CAFile = oneOf(r, "", "ca.pem", "/ca.pem")
	return c
}

func randomListener(r *rand.Rand, address string) config.Listener {
	l := listeners(address)[0]
	l.Connections = r.IntN(3)
	l.ProxyProtocol, l.ForwardedHops = oneOf(r, "off", "optional", "required"), r.IntN(3)
	l.ForwardedHeader = oneOf(r, "X-Forwarded-For", "Forwarded")
	if l.ProxyProtocol != "off" || l.ForwardedHops > 0 {
		l.TrustedProxies = oneOf(r, []string{"::1"}, []string{"10.0.0.0/8", "192.0.2.1"})
	}
	if r.IntN(2) == 0 {
		return l
	}
	l.TLS.Certificates = oneOf(r, []config.Certificate{{Cert: "a.pem", Key: "/a.key"}}, []config.Certificate{{Cert: "a", Key: "b"}, {Cert: "c", Key: "d"}})
	l.TLS.MinVersion = oneOf(r, "1.2", "1.3")
	if l.TLS.MinVersion == "1.2" {
		l.TLS.CipherSuites = oneOf(r, []string{}, []string{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"})
	}
	l.TLS.Curves = oneOf(r, []string{}, []string{"X25519MLKEM768", "P-521"})
	l.TLS.SessionTickets = r.IntN(2) == 0
	if l.TLS.ClientAuth = oneOf(r, "off", "optional", "required"); l.TLS.ClientAuth != "off" {
		l.TLS.ClientCA = oneOf(r, "ca.pem", "/ca.pem")
	}
	return l
}

func randomService(r *rand.Rand, name string) config.Service {
	s := echo()
	s.RequestTarget = oneOf(r, "/"+name, "/"+name+"/<&>;%20\"")
	s.AutoStart = r.IntN(2) == 0
	s.Instances = 1 + r.IntN(3)
	s.StrictGlobals = oneOf(r, "off", "warn", "fail")
	s.Preload = oneOf(r, []string{}, []string{"nap", "time"})
	s.Grants = config.Grants{
		Files:         oneOf(r, []config.FileGrant{}, []config.FileGrant{{Path: "data", Access: "read"}, {Path: "/srv/<&>", Access: "write"}}),
		Network:       oneOf(r, []string{}, []string{"*:443", "10.0.0.0/8:5432-5434", "[fd00::/8]:*"}),
		PrivateRanges: oneOf(r, []string{}, []string{"10.0.0.0/8", "::1"}),
		Environment:   oneOf(r, []string{}, []string{"HOME", "_a1"}),
		Modules:       oneOf(r, []string{}, []string{"*"}, []string{"sql", "http"}),
	}
	if r.IntN(3) == 0 {
		s.Standalone, s.RequestTarget = true, ""
		return s
	}
	s.Protocol = oneOf(r, "raw", "LAppS")
	s.Execution = oneOf(r, "isolated", "inline")
	s.Ordered = s.Protocol == "LAppS" || r.IntN(2) == 0
	s.MaxInboundMessageSize = oneOf(r, 0, 1<<20, 1<<30)
	s.ACL = randomACL(r)
	if s.OutboxBytes = oneOf(r, 0, 1<<20, 1<<30); s.OutboxBytes > 0 {
		s.SlowConsumer = oneOf(r, "close", "drop_newest", "drop_oldest", "latest")
	}
	s.Connections, s.FirstMessage = r.IntN(2), config.Milliseconds(r.IntN(2))
	if s.MessagesPerSecond = r.IntN(2); s.MessagesPerSecond > 0 {
		s.MessagesBurst = r.IntN(2)
	}
	if s.BytesPerSecond = r.IntN(2); s.BytesPerSecond > 0 {
		s.BytesBurst = oneOf(r, 0, 1<<30)
	}
	if s.MaxAge = config.Milliseconds(r.IntN(2)); s.MaxAge > 0 {
		s.MaxAgeJitter = config.Milliseconds(r.IntN(2))
	}
	s.Origins = oneOf(r, []string{}, []string{"null", "https://*.example.com"})
	s.Subprotocols = oneOf(r, []string{}, []string{"b", "a"})
	s.ExtraHeaders = oneOf(r, map[string]string{}, map[string]string{"X-A": "é<", "X-B": ""})
	s.Compression = config.Compression{
		Enabled: r.IntN(2) == 0, Level: oneOf(r, 1, 9), MinSize: oneOf(r, 0, 256), ContextTakeover: r.IntN(2) == 0,
		MaxWindowBits: oneOf(r, 9, 15), MaxRatio: oneOf(r, 0, 100, 100_000),
	}
	return s
}

func randomACL(r *rand.Rand) config.ACL {
	return config.ACL{Policy: oneOf(r, "allow", "deny"), Exclude: oneOf(r, []string{}, []string{"::1", "10.0.0.0/8"})}
}

func oneOf[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }
