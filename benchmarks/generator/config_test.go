package generator

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:1")

func TestParseTarget(t *testing.T) {
	tests := []struct {
		url    string
		remote bool
		want   Target
		name   string // TLS's, of the server
		err    string
	}{
		{url: "ws://127.0.0.1:5083/echo?a=b", want: Target{Addr: netip.MustParseAddrPort("127.0.0.1:5083"), Host: "127.0.0.1:5083", Path: "/echo?a=b"}},
		{url: "ws://127.0.0.1", want: Target{Addr: netip.MustParseAddrPort("127.0.0.1:80"), Host: "127.0.0.1", Path: "/"}},
		{url: "ws://[::1]:1/", want: Target{Addr: netip.MustParseAddrPort("[::1]:1"), Host: "[::1]:1", Path: "/"}},
		{url: "ws://192.0.2.1:1/", remote: true, want: Target{Addr: netip.MustParseAddrPort("192.0.2.1:1"), Host: "192.0.2.1:1", Path: "/"}},
		{url: "ws://192.0.2.1:1/", err: `generator: url "ws://192.0.2.1:1/": 192.0.2.1 is not on the loopback; loading another machine has to be asked for (-remote)`},
		{url: "ws://[::ffff:192.0.2.1]:1/", err: `generator: url "ws://[::ffff:192.0.2.1]:1/": 192.0.2.1 is not on the loopback; loading another machine has to be asked for (-remote)`},
		{url: "wss://127.0.0.1/", name: "127.0.0.1", want: Target{Addr: netip.MustParseAddrPort("127.0.0.1:443"), Host: "127.0.0.1", Path: "/"}},
		{url: "wss://[::1]:5083/x", name: "::1", want: Target{Addr: netip.MustParseAddrPort("[::1]:5083"), Host: "[::1]:5083", Path: "/x"}},
		{url: "http://127.0.0.1/", err: `generator: url "http://127.0.0.1/": expected ws://host:port/path or wss://host:port/path`},
		{url: "127.0.0.1:80", err: `generator: parse "127.0.0.1:80": first path segment in URL cannot contain colon`},
		{url: "ws:///echo", err: `generator: url "ws:///echo": expected ws://host:port/path or wss://host:port/path`},
		{url: "ws://a@127.0.0.1/", err: `generator: url "ws://a@127.0.0.1/": expected ws://host:port/path or wss://host:port/path`},
		{url: "ws://127.0.0.1/#x", err: `generator: url "ws://127.0.0.1/#x": expected ws://host:port/path or wss://host:port/path`},
		{url: "ws://127.0.0.1:99999/", err: `generator: url "ws://127.0.0.1:99999/": invalid port "99999" parsing "127.0.0.1:99999"`},
	}
	for _, tt := range tests {
		got, err := ParseTarget(t.Context(), tt.url, tt.remote)
		name := ""
		if got.TLS != nil {
			name, got.TLS = got.TLS.ServerName, nil
		}
		if got != tt.want || name != tt.name || errText(err) != tt.err {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v, %v", tt.url, got, err, tt.want, tt.err)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestConfig(t *testing.T) {
	good := Config{Target: Target{Addr: loopback}, Conns: 1, Depth: 1, Size: 64, Duration: time.Second}
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"good", func(*Config) {}, ""},
		{"no target", func(c *Config) { c.Target = Target{} }, "generator: no target: expected one from ParseTarget"},
		{"everything wrong", func(c *Config) {
			c.Conns, c.Threads, c.Size, c.Op, c.Depth, c.Duration, c.Warmup, c.Messages, c.Timeout = 0, -1, 15, 3, 0, 0, -1, -1, 1
		}, `generator: conns: expected 1 to 2^24, not 0
generator: threads: expected 1 to 1024, not -1
generator: size: expected 16 to 16777216 bytes, not 15
generator: op: expected text or binary, not Op(0x3)
generator: depth: expected 1 to 2^20, not 0
generator: duration: expected more than 0 and at most 24h, not 0s
generator: warmup: expected 0 to 24h, not -1ns
generator: messages: expected at least 0, not -1
generator: messages: a run bounded by messages has no warmup, not -1ns
generator: timeout: expected at least 1ms, not 1ns`},
		{"text in LAppS", func(c *Config) { c.Dialect, c.Op = LAppS, Text }, "generator: op: messages of the LAppS protocol are binary, not text"},
		{"no dialect", func(c *Config) { c.Dialect = 7 }, `generator: dialect: expected raw or lapps, not Dialect(7)`},
		{"slow readers", func(c *Config) { c.SlowReaders = -1 }, "generator: slow readers: expected 0 to 2^24, not -1"},
		{"rate and depth", func(c *Config) { c.Rate = 1 }, "generator: depth: an open loop (with a rate) has none, not 1"},
		{"negative rate", func(c *Config) { c.Rate, c.Depth = -1, 0 }, "generator: rate: expected more than 0 and at most 10^8 messages/s, not -1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			if _, err := c.checked(); errText(err) != tt.want {
				t.Errorf("got  %v\nwant %v", err, tt.want)
			}
		})
	}
}

func TestOp(t *testing.T) {
	for _, op := range []Op{Text, Binary} {
		if got, err := ParseOp(op.String()); got != op || err != nil {
			t.Errorf("ParseOp(%q) = %v, %v", op, got, err)
		}
	}
	if _, err := ParseOp("close"); err == nil || !strings.Contains(err.Error(), `"close"`) {
		t.Errorf("got %v, expected an error that names the input", err)
	}
}

func TestDialectNames(t *testing.T) {
	for _, d := range []Dialect{Raw, LAppS} {
		if got, err := ParseDialect(d.String()); got != d || err != nil {
			t.Errorf("ParseDialect(%q) = %v, %v", d, got, err)
		}
	}
	if _, err := ParseDialect("json"); errText(err) != `generator: dialect "json": expected raw or lapps` {
		t.Errorf("got %v, expected an error that names the input", err)
	}
}
