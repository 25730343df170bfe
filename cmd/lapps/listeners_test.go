package main

import (
	"encoding/json"
	"log/slog"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"lapps/config"
	"lapps/server"
	"lapps/services"
	"lapps/services/vm"
)

// TestLimitNames holds the names of limits in the configuration and the
// server's own together.
func TestLimitNames(t *testing.T) {
	var ours []string
	for _, l := range server.AllLimits() {
		ours = append(ours, l.String())
	}
	names := config.LimitNames()
	slices.Sort(ours)
	if sorted := slices.Sorted(slices.Values(names)); !slices.Equal(sorted, ours) {
		t.Errorf("the configuration has %v,\nthe server %v", sorted, ours)
	}
	if got := dryRun(names); len(got) != len(names) {
		t.Errorf("%d of %d limits are known: %v", len(got), len(names), got)
	}
	want := []server.Limit{server.LimitPrefix, server.LimitIdle}
	if got := dryRun([]string{"idle_ms", "connections_per_prefix"}); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestWords has every word that the schema allows mean something.
func TestWords(t *testing.T) {
	var schema struct {
		Properties struct {
			Listeners struct {
				Items struct {
					Properties struct{ TLS words } `json:"properties"`
				}
			}
			Services struct{ AdditionalProperties words }
		}
	}
	if err := json.Unmarshal(config.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	tls, service := schema.Properties.Listeners.Items.Properties.TLS, schema.Properties.Services.AdditionalProperties
	for key, known := range map[string]struct {
		words []string
		means func(word string) bool
	}{
		"min_version":   {tls.of("min_version"), knows(tlsVersions)},
		"client_auth":   {tls.of("client_auth"), knows(clientAuths)},
		"curves":        {tls.of("curves"), knows(curves)},
		"cipher_suites": {tls.of("cipher_suites"), func(word string) bool { return cipherSuite(word) != 0 }},
		"slow_consumer": {service.of("slow_consumer"), knows(slowConsumers)},
		"protocol":      {service.of("protocol"), knows(dialects)},
	} {
		if len(known.words) == 0 {
			t.Errorf("%s: the schema names no words", key)
		}
		for _, word := range known.words {
			if !known.means(word) {
				t.Errorf("%s: %q means nothing", key, word)
			}
		}
	}
}

// words are the words that properties may have, in a schema.
type words struct {
	Properties map[string]struct {
		Enum  []string
		Items struct{ Enum []string }
	}
}

// of are the words of one property, or of the elements of its list.
func (w words) of(key string) []string {
	p := w.Properties[key]
	return append(p.Enum, p.Items.Enum...)
}

// knows reports whether a word is in a table.
func knows[V any](table map[string]V) func(word string) bool {
	return func(word string) bool { _, ok := table[word]; return ok }
}

// assembled is what a configuration makes, not started.
func assembled(t testing.TB, change func(*config.Config)) *daemon {
	t.Helper()
	cfg := config.Default()
	cfg.Listeners[0].Address = "127.0.0.1:0"
	change(&cfg)
	files := fstest.MapFS{"echo.lua": {Data: []byte(echoLua)}}
	d, err := assemble(&cfg, func(string) (folder, error) { return folder{files: files, where: "memory"}, nil }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestLimitsArePassedOn has each limit of the configuration be the server's.
func TestLimitsArePassedOn(t *testing.T) {
	d := assembled(t, func(c *config.Config) {
		c.Limits = config.Limits{Connections: 1, ConnectionsPerPrefix: 2, AcceptsPerSecond: 3, Handshakes: 4, HeaderBytes: 500, BufferedMB: 6, DryRun: []string{"busy_ms"}}
		c.Timeouts = config.Timeouts{Handshake: 1, Idle: 2, Ping: 3, Pong: 4, Message: 5, Busy: 6, Close: 7, Shutdown: 8}
	})
	wantLimits := server.Limits{PerPrefix: 2, Accepts: 3, Handshakes: 4, Buffered: 6 << 20, DryRun: []server.Limit{server.LimitBusy}}
	if s := d.server; s.MaxConns != 1 || s.Head.Bytes != 500 || !reflect.DeepEqual(s.Limits, wantLimits) {
		t.Errorf("%d connections, %d bytes of header, %+v", s.MaxConns, s.Head.Bytes, s.Limits)
	}
	const ms = time.Millisecond
	want := server.Timeouts{Handshake: 1 * ms, Idle: 2 * ms, Ping: 3 * ms, Pong: 4 * ms, Message: 5 * ms, Busy: 6 * ms, Close: 7 * ms}
	if d.server.Timeouts != want {
		t.Errorf("%+v, want %+v", d.server.Timeouts, want)
	}
}

// TestServicesArePassedOn has each key of a service be the service's.
func TestServicesArePassedOn(t *testing.T) {
	data := t.TempDir()
	s := config.Service{
		Instances: 1, Protocol: "raw", RequestTarget: "/echo", MaxInboundMessageSize: 1, ACL: config.ACL{Policy: "allow"},
		Connections: 2, FirstMessage: 3, MessagesPerSecond: 4, MessagesBurst: 5, BytesPerSecond: 6, BytesBurst: 7, MaxAge: 8, MaxAgeJitter: 9, OnRedeploy: "close", Drain: 11,
		OutboxBytes: 10, FragmentBytes: 12, SlowConsumer: "drop_oldest", Origins: []string{"https://a.test"}, Subprotocols: []string{"chat"}, StrictGlobals: "warn", Execution: "inline",
		Grants: config.Grants{Files: []config.FileGrant{{Path: data, Access: "read"}}, Environment: []string{"LAPPS_NOT_SET"}, Modules: []string{"*"}},
	}
	cfg := config.Default()
	cfg.Services["echo"] = s
	cfg.Limits.Handler, cfg.Limits.Inline, cfg.Limits.InstanceMB, cfg.Timeouts.Gone = 10, 11, 12, 9
	files := fstest.MapFS{"echo.lua": {Data: []byte(echoLua)}}
	all, err := serviceConfigs(&cfg, func(string) (folder, error) { return folder{files: files, where: "memory", version: "v1"}, nil })
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	got := all[0]
	if err := got.Grants.Module("sql"); err != nil || !got.Grants.Holds(filepath.Join(data, "x"), false) || got.Grants.Holds(filepath.Join(data, "x"), true) {
		t.Errorf("%v, grants %+v", err, got.Grants)
	}
	if _, ok, err := got.Grants.Env("LAPPS_NOT_SET"); ok || err != nil {
		t.Errorf("environment: %v, %v", ok, err)
	}
	var libraries []string
	for _, m := range got.Libraries {
		libraries = append(libraries, m.Name)
	}
	if !slices.Equal(libraries, []string{"bit", "io", "utf8"}) {
		t.Errorf("libraries %v", libraries)
	}
	got.Files, got.Access, got.Grants, got.Libraries, got.Release = nil, nil, nil, nil, nil
	want := services.Config{
		Name: "echo", Where: "memory", Version: "v1", Redeploy: services.ClosePeers, DrainTime: 11 * time.Millisecond, Instances: 1, StrictGlobals: vm.StrictWarn, Unordered: true, Inline: true, CallTime: 10 * time.Millisecond, LoopTime: 11 * time.Millisecond, GoneTime: 9 * time.Millisecond, Memory: 12 << 20, RequestTarget: "/echo", MaxMessage: 1,
		MaxConns: 2, FirstMessage: 3 * time.Millisecond, Messages: services.Rate{PerSecond: 4, Burst: 5}, Bytes: services.Rate{PerSecond: 6, Burst: 7},
		MaxAge: 8 * time.Millisecond, MaxAgeJitter: 9 * time.Millisecond,
		OutboxBytes: 10, Fragment: 12, SlowConsumer: services.DropOldest, Origins: []string{"https://a.test"}, Subprotocols: []string{"chat"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestListenersArePassedOn has each key of a listener be the listener's.
func TestListenersArePassedOn(t *testing.T) {
	d := assembled(t, func(c *config.Config) {
		c.Listeners = []config.Listener{
			{Address: "127.0.0.1:0"},
			{Address: "127.0.0.2:0", Connections: 7, TrustedProxies: []string{"192.0.2.0/24", "2001:db8::1"}, ForwardedHops: 2, ForwardedHeader: "Forwarded", ProxyProtocol: "optional"},
		}
	})
	open, door := d.listeners[0].door, d.listeners[1].door
	if open.Trusted != nil || open.ForwardedHops != 0 || open.MaxConns != 0 || open.Server != d.server {
		t.Errorf("the first: %+v", open)
	}
	if door.MaxConns != 7 || door.ForwardedHops != 2 || door.ForwardedHeader != "Forwarded" || door.Server != d.server {
		t.Errorf("the second: %+v", door)
	}
	for address, want := range map[string]bool{"192.0.2.1": true, "::ffff:192.0.2.1": true, "192.0.3.1": false, "2001:db8::1": true, "2001:db8::2": false} {
		if got := door.Trusted.Allows(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: trusted %v, want %v", address, got, want)
		}
	}
}
