package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lapps/config"
)

// lines returns notices as they are printed.
func lines(notices []config.Notice) string {
	var text strings.Builder
	for _, n := range notices {
		fmt.Fprintln(&text, n)
	}
	return text.String()
}

// TestLoadLAppS reads a pair that has every key LAppS knows.
func TestLoadLAppS(t *testing.T) {
	c, notices, err := config.LoadLAppS("testdata/lapps", config.LAppSFiles{}, "/opt/lapps")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := lines(notices), testdata(t, "lapps/notices.txt"); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	mistake := c.ServiceMistake("echo", "is missing").String()
	if want := "testdata/lapps/lapps.json:15: services.echo: is missing"; mistake != want {
		t.Errorf("got %q, want %q", mistake, want)
	}
	native, err := c.MarshalNative()
	if err != nil {
		t.Fatal(err)
	}
	if want := testdata(t, "lapps/native.json"); string(native) != string(want) {
		t.Errorf("got\n%s\nwant\n%s", native, want)
	}
}

// TestLAppSMeans holds what pairs mean: the defaults, changed.
func TestLAppSMeans(t *testing.T) {
	everywhere := func(c *config.Config) { c.Listeners = listeners("0.0.0.0:5083") }
	encrypted := func(version, cert, key string) func(c *config.Config) {
		return func(c *config.Config) {
			c.Listeners[0].TLS.MinVersion = version
			c.Listeners[0].TLS.Certificates = []config.Certificate{{Cert: cert, Key: key}}
		}
	}
	tests := []struct {
		name             string
		server, services string
		change           func(c *config.Config)
	}{
		{"nothing", `{}`, `{}`, func(*config.Config) {}},
		{"comments", `{} // a`, `{"services": {},}`, func(*config.Config) {}},
		{"null for modules", `{}`, `{"services": {"echo": {"preload": null}}}`, func(c *config.Config) { c.Services["echo"] = echo() }},
		{"a name", `{"ip": "localhost", "port": 80}`, `{}`, func(c *config.Config) { c.Listeners[0].Address = "localhost:80" }},
		{"an IPv6 address", `{"ip": "::1", "port": 80}`, `{}`, func(c *config.Config) { c.Listeners[0].Address = "[::1]:80" }},
		{"a zone", `{"ip": "fe80::1%eth0"}`, `{}`, func(c *config.Config) { c.Listeners[0].Address = "[fe80::1%eth0]:5083" }},
		{"no listeners", `{"listeners": 0, "tls": false}`, `{"services": {"clock": {"standalone": true}, "echo": {"instances": 0}}}`, func(c *config.Config) {
			c.Listeners = []config.Listener{}
			c.Services["clock"] = clock()
		}},
		{"no limit", `{"workers": {"workers": 4, "max_connections": 0}}`, `{}`, func(*config.Config) {}},
		{"a limit of no workers", `{"workers": {"workers": 0, "max_connections": 7}}`, `{}`, func(c *config.Config) { c.Limits.Connections = 7 }},
		{"a limit of workers", `{"workers": {"workers": 3, "max_connections": 7}}`, `{}`, func(c *config.Config) { c.Limits.Connections = 21 }},
		{"a limit out of reach", `{"workers": {"workers": 2147483647, "max_connections": 2147483647}}`, `{}`, func(c *config.Config) { c.Limits.Connections = 10_000_000 }},
		{"an acl", `{"acl": {"policy": "deny", "exclude": ["10.1.2.3/8", "10.1.2.3", "::1", "2001:db8::1/32", "1.2.3.4/0", "::ffff:10.1.0.0/104"]}}`, `{}`, func(c *config.Config) {
			c.ACL = config.ACL{Policy: "deny", Exclude: []string{"10.0.0.0/8", "10.1.2.3", "::1", "2001:db8::/32", "0.0.0.0/0", "::ffff:10.0.0.0/104"}}
		}},
		{"an acl without exceptions", `{}`, `{"services": {"echo": {"acl": {"policy": "deny"}}}}`, func(c *config.Config) {
			s := echo()
			s.ACL.Policy = "deny"
			c.Services["echo"] = s
		}},
		{"an absolute directory", `{}`, `{"directories": {"applications": "/lua"}}`, func(c *config.Config) { c.Directories.Applications = "/opt/lapps/lua" }},
		{"fragments", `{"workers": {"auto_fragment": true}}`, `{"services": {"echo": {}, "clock": {"standalone": true}}}`, func(c *config.Config) {
			s := echo()
			s.FragmentBytes = 1392
			c.Services["echo"], c.Services["clock"] = s, clock()
		}},
		{"a client", `{}`, `{"services": {"clock": {"standalone": true, "preload": ["cws"]}}}`, func(c *config.Config) {
			s := clock()
			s.Preload = []string{"cws"}
			s.Grants.Network, s.Grants.PrivateRanges = []string{"*:*"}, []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7"}
			c.Services["clock"] = s
		}},
		{"a directory of archives", `{}`, `{"directories": {"deploy": "in", "tmp": 1}}`, func(c *config.Config) { c.Directories.Deploy = "/opt/lapps/in" }},
		{"the old name", `{}`, `{"services": {"clock": {"internal": true, "request_target": 1}, "echo": {"internal": false, "standalone": false}}}`, func(c *config.Config) {
			c.Services["clock"], c.Services["echo"] = clock(), echo()
		}},
		{"old names among others", `{}`, `{"services": {"clock": {"internal": true, "standalone": true, "instances": 1, "internal": true}}}`, func(c *config.Config) {
			s := clock()
			s.Instances = 1
			c.Services["clock"] = s
		}},
		{"keys in other cases", `{"IP": "::", "Port": 1}`, `{"Services": {"a": {}}, "services": {"echo": {"Instances": 7, "OUTBOX_BYTES": 1, "outbox_bytes": 2}}}`, func(c *config.Config) { c.Services["echo"] = echo() }},
		{"encryption", `{"tls": true, "tls_server_version": 3, "tls_certificates": {"cert": "/etc/a.crt", "key": "/etc/a.key", "ca": "/etc/ca.pem"}}`, `{}`, func(c *config.Config) {
			encrypted("1.2", "/etc/a.crt", "/etc/a.key")(c)
			c.Outgoing.CAFile = "/etc/ca.pem"
		}},
		{"encryption of LAppS's defaults", `{"tls": true}`, `{}`, encrypted("1.3", "/opt/lapps/etc/ssl/certs/localhost.crt", "/opt/lapps/etc/ssl/certs/localhost.key")},
		{"encryption with relative paths", `{"tls": true, "tls_server_version": 4, "tls_certificates": {"cert": "etc/a.crt", "key": "../a.key"}}`, `{}`, encrypted("1.3", "/opt/lapps/etc/a.crt", "/opt/a.key")},
		{"encryption of an odd version", `{"tls": true, "tls_server_version": 5}`, `{}`, encrypted("1.3", "/opt/lapps/etc/ssl/certs/localhost.crt", "/opt/lapps/etc/ssl/certs/localhost.key")},
		{"no encryption", `{"tls": false, "tls_server_version": "3", "tls_certificates": {"cert": 1}}`, `{}`, func(*config.Config) {}},
		{"no encryption, and authorities", `{"tls": false, "tls_certificates": {"cert": 1, "ca": "etc/ca.pem"}}`, `{}`, func(c *config.Config) { c.Outgoing.CAFile = "/opt/lapps/etc/ca.pem" }},
		{"encryption is not asked for", `{"tls_server_version": 4, "tls_certificates": []}`, `{}`, func(*config.Config) {}},
		{"encryption without listeners", `{"tls": true, "listeners": 0}`, `{}`, func(c *config.Config) { c.Listeners = []config.Listener{} }},
		{"a sub-protocol", `{}`, `{"services": {"echo": {"proto_alias": "chat"}, "clock": {"standalone": true, "proto_alias": 1}}}`, func(c *config.Config) {
			s := echo()
			s.Subprotocols = []string{"chat"}
			c.Services["echo"], c.Services["clock"] = s, clock()
		}},
		{"dependencies that are not there", `{}`, `{"services": {"echo": {"depends": ["", "echo", "off", "clock", "clock"]}, "off": {"instances": 0}, "clock": {"standalone": true}}}`, func(c *config.Config) {
			s := echo()
			s.Depends = []string{"clock"}
			c.Services["echo"], c.Services["clock"] = s, clock()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := config.Default()
			everywhere(&want)
			want.Directories = config.Directories{Applications: "/opt/lapps/apps", Deploy: "/opt/lapps/deploy", Run: "/opt/lapps/run"}
			tt.change(&want)
			got, _, err := config.ParseLAppS([]byte(tt.server), []byte(tt.services), "/opt/lapps")
			if err != nil {
				t.Fatal(err)
			}
			got.ForgetLines()
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("\n got %+v\nwant %+v", *got, want)
			}
		})
	}
}

// TestLAppSNotices holds what is said of single things.
func TestLAppSNotices(t *testing.T) {
	tests := []struct{ name, server, services, want string }{
		{"nothing to say", `{"listeners": 1, "tls": false}`, `{"services": {"clock": {"standalone": true}}}`, ""},
		{"the limit of one", `{"workers": {"max_connections": 5}}`, `{}`, "ws.json:1: workers.max_connections: is the limit of each of 1 workers, and so read as 5 of the server\n"},
		{"no limit", `{"workers": {"max_connections": 0}}`, `{}`, "ws.json:1: workers.max_connections: 0 means no limit here\n"},
		{"unknown keys", "{\"prot\": 1,\n\"zzz\": {}}", `{"sevices": {}}`, "ws.json:1: prot: unknown key, ignored; did you mean \"port\"?\nws.json:2: zzz: unknown key, ignored\n" +
			"lapps.json:1: sevices: unknown key, ignored; did you mean \"services\"?\n"},
		{"of classes", `{"acl": {"exclude": ["10.0.0.0", "10.1.0.0", "172.16.0.0", "172.16.1.0", "192.168.1.0", "192.168.1.1", "224.0.0.0", "::"]}}`, `{}`,
			"ws.json:1: acl.exclude[0]: read as this one address; in LAppS it was a network: write 10.0.0.0/8 for that\n" +
				"ws.json:1: acl.exclude[2]: read as this one address; in LAppS it was a network: write 172.16.0.0/16 for that\n" +
				"ws.json:1: acl.exclude[4]: read as this one address; in LAppS it was a network: write 192.168.1.0/24 for that\n"},
		{"host bits", `{"acl": {"exclude": ["192.168.1.5/24", "0.0.0.0/0", "1.2.3.4/0", "2001:db8::1/32", "10.0.0.0/8"]}}`, `{}`,
			"ws.json:1: acl.exclude[0]: read as 192.168.1.0/24\n" +
				"ws.json:1: acl.exclude[1]: read as 0.0.0.0/0, every IPv4 address; in LAppS it was none\n" +
				"ws.json:1: acl.exclude[2]: read as 0.0.0.0/0, every IPv4 address; in LAppS it was none\n" +
				"ws.json:1: acl.exclude[3]: read as 2001:db8::/32\n"},
		{"an absolute directory", `{}`, `{"directories": {"applications": "/lua"}}`, "lapps.json:1: directories.applications: read as a path below LAppS's home, as all its directories are\n"},
		{"the old name", `{}`, "{\"services\": {\"a\": {\"internal\": true},\n\"b\": {\"internal\": true, \"standalone\": true}}}",
			"lapps.json:1: services.a.internal: read as standalone, its name since LAppS 0.9.0\n" +
				"lapps.json:2: services.b.internal: has no meaning here: it is the old name of standalone, which is given\n"},
		{"encryption", `{"tls": true, "tls_server_version": 4, "tls_certificates": {"cert": "/a", "key": "/b"}}`, `{}`, ""},
		{"encryption of LAppS's defaults", "{\"tls\": true}", `{}`,
			"ws.json:1: tls_server_version: is missing, and so read as 4, as in LAppS: TLS 1.3\n" +
				"ws.json:1: tls_certificates.cert: is missing, and so read as \"/opt/lapps/etc/ssl/certs/localhost.crt\", LAppS's default\n" +
				"ws.json:1: tls_certificates.key: is missing, and so read as \"/opt/lapps/etc/ssl/certs/localhost.key\", LAppS's default\n"},
		{"encryption, half of LAppS's defaults", "{\"tls\": true,\n\"tls_server_version\": 2,\n\"tls_certificates\": {\n\"cert\": \"a\"}}", `{}`,
			"ws.json:2: tls_server_version: read as 4, as in LAppS: TLS 1.3\n" +
				"ws.json:3: tls_certificates.key: is missing, and so read as \"/opt/lapps/etc/ssl/certs/localhost.key\", LAppS's default\n" +
				"ws.json:4: tls_certificates.cert: read as a path below LAppS's home; in LAppS it was one below the working directory\n"},
		{"no encryption", `{"tls": false, "tls_server_version": 3, "tls_client_version": 3, "tls_certificates": {"ca": "/c"}}`, `{}`,
			"ws.json:1: tls_server_version: has no meaning, since tls is not true\n" +
				"ws.json:1: tls_certificates: has no meaning, nor have its members but ca, since tls is not true: no certificate is loaded\n" +
				"ws.json:1: tls_client_version: has no meaning here: cws speaks TLS 1.2 and 1.3\n" +
				"ws.json:1: tls_certificates.ca: is trusted besides the system's authorities, not instead of them, by services that connect to others; clients are asked for no certificate\n"},
		{"encryption is not asked for", `{"tls_certificates": {}}`, `{}`, "ws.json:1: tls_certificates: has no meaning, nor have its members but ca, since tls is not true: no certificate is loaded\n"},
		{"a sub-protocol", `{}`, `{"services": {"a": {"request_target": "/a", "proto_alias": "chat"}, "b": {"standalone": true, "proto_alias": "chat"}}}`,
			"lapps.json:1: services.b.proto_alias: has no meaning here: a standalone service has no connections\n" +
				"lapps.json:1: services.a.proto_alias: read as the only one of subprotocols: told to clients that offer it, in LAppS to all\n"},
		{"a client", `{}`, "{\"services\": {\"a\": {\"standalone\": true, \"preload\": [\"nap\",\n\"cws\"]}}}",
			"lapps.json:2: services.a.preload: cws may connect to everything but link-local addresses and the like; a native configuration grants what is needed (grants.network)\n"},
		{"a native key", `{}`, `{"services": {"a": {"request_target": "/a", "outbox_bytes": 1}}}`, "lapps.json:1: services.a.outbox_bytes: unknown key of LAppS, ignored; the native form has it, which lapps import writes\n"},
		{"many", `{"a":1` + strings.Repeat(",\n\"a\":1", 100_000) + `}`, `{}`, many(999) + "ws.json:1000: too many notices, the others are not listed\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, notices, err := config.ParseLAppS([]byte(tt.server), []byte(tt.services), "")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(lines(notices), "etc/conf/", ""); got != tt.want {
				t.Errorf("got\n%.2000s\nwant\n%.2000s", got, tt.want)
			}
		})
	}
}

// many returns the notices of n unknown keys in as many lines.
func many(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "ws.json:%d: a: unknown key, ignored\n", i+1)
	}
	return text.String()
}

// lappsMistakes are pairs with mistakes.
var lappsMistakes = []struct{ name, server, services, want string }{
	{"in both files", "{\n\"port\": 65536}", "{\n\"services\": []}", "ws.json:2: port: must be between 0 and 65535, not 65536\nlapps.json:2: services: must be an object, not a list"},
	{"of syntax in one", `{`, `{"services": {"a": 1}}`, "ws.json:1: column 2: the file ends here: expected a value, or a key in double quotes\nlapps.json:1: services.a: must be an object, not 1"},
	{"not objects", `[]`, `null`, "ws.json:1: must be an object, not a list\nlapps.json:1: must be an object, not null"},
	{"wss, no paths", `{"tls": true, "tls_certificates": {"cert": "", "key": 1}}`, `{}`, "ws.json:1: tls_certificates.cert: must be a path: not empty, and without NUL, not \"\"\nws.json:1: tls_certificates.key: must be a string, not 1"},
	{"ws, no path of authorities", `{"tls_certificates": {"ca": ""}}`, `{}`, "ws.json:1: tls_certificates.ca: must be a path: not empty, and without NUL, not \"\""},
	{"wss, a list", `{"tls": true, "tls_certificates": []}`, `{}`, "ws.json:1: tls_certificates: must be an object, not a list"},
	{"wss, a version in words", `{"tls": true, "tls_server_version": "3"}`, `{}`, `ws.json:1: tls_server_version: must be a whole number, not "3"`},
	{"wss twice", `{"tls": true, "tls": false}`, `{}`, `ws.json:1: tls: is given twice, first in line 1`},
	{"wss in words", `{"tls": "true"}`, `{}`, `ws.json:1: tls: must be true or false, not "true"`},
	{"port in words", `{"port": "5083"}`, `{}`, `ws.json:1: port: must be a whole number, not "5083"`},
	{"a negative number of listeners", `{"listeners": -1}`, `{}`, "ws.json:1: listeners: must be between 0 and 2147483647, not -1"},
	{"no listeners", "{\n\"listeners\": 0}", "{\"services\": {\"clock\": {\"standalone\": true},\n\"echo\": {\"request_target\": \"/\"}}}", "ws.json:2: listeners: must be at least 1, since service echo has connections (etc/conf/lapps.json:2)"},
	{"no address", `{"ip": ""}`, `{}`, `ws.json:1: ip: must be an IP address or a name, like 0.0.0.0, :: or localhost, not ""`},
	{"brackets", `{"ip": "[::1]"}`, `{}`, `ws.json:1: ip: must be an IP address or a name, like 0.0.0.0, :: or localhost, not "[::1]"`},
	{"half an address", `{"ip": "127.0.0"}`, `{}`, `ws.json:1: ip: must be an IP address or a name, like 0.0.0.0, :: or localhost, not "127.0.0"`},
	{"policy", `{"acl": {"policy": "none"}}`, `{}`, `ws.json:1: acl.policy: must be "allow" or "deny", not "none"`},
	{"a long prefix", `{"acl": {"exclude": ["10.0.0.0/33"]}}`, `{}`, `ws.json:1: acl.exclude[0]: the prefix length must be between 0 and 32, not 33`},
	{"a very long prefix", `{"acl": {"exclude": ["10.0.0.0/` + strings.Repeat("1", 50) + `"]}}`, `{}`, `ws.json:1: acl.exclude[0]: the prefix length must be between 0 and 32, not ` + strings.Repeat("1", 40)},
	{"a name in an acl", `{}`, `{"services": {"a": {"request_target": "/", "acl": {"exclude": ["localhost"]}}}}`, `lapps.json:1: services.a.acl.exclude[0]: ` + prefixRule + `, not "localhost"`},
	{"the old name says otherwise", `{}`, "{\"services\": {\"a\": {\"standalone\": false,\n\"internal\": true}}}", "lapps.json:2: services.a.internal: must be left out: it is the old name of standalone, and says otherwise"},
	{"the old name twice", `{}`, `{"services": {"a": {"internal": false, "internal": true}}}`, "lapps.json:1: services.a.standalone: is given twice, first in line 1"},
	{"the old name in words", `{}`, `{"services": {"a": {"internal": "true"}}}`, `lapps.json:1: services.a.internal: must be true or false, not "true"`},
	{"key twice", `{}`, "{\"services\": {\"a\": {\"instances\": 1,\n\"instances\": 0}}}", "lapps.json:2: services.a.instances: is given twice, first in line 1"},
	{"target with a query", `{}`, `{"services": {"a": {"request_target": "/a?b=c"}}}`, `lapps.json:1: services.a.request_target: must be without a query, since only the path is compared here, not "/a?b=c"`},
	{"target with a space", `{}`, `{"services": {"a": {"request_target": "/a b"}}}`, `lapps.json:1: services.a.request_target: ` + targetRule + `, not "/a b"`},
	{"target twice", `{}`, "{\"services\": {\"a\": {\"request_target\": \"/b\"},\n\"b\": {}}}", `lapps.json:2: services.b.request_target: "/b", the default, is the request target of service a already (line 1)`},
	{"protocol", `{}`, `{"services": {"a": {"protocol": "RAW"}}}`, `lapps.json:1: services.a.protocol: must be "raw" or "LAppS", not "RAW"`},
	{"header", `{}`, `{"services": {"a": {"extra_headers": {"X": 1}}}}`, `lapps.json:1: services.a.extra_headers.X: must be a string, not 1`},
	{"sub-protocol", `{}`, `{"services": {"a": {"proto_alias": "a b"}}}`, `lapps.json:1: services.a.proto_alias: ` + tokenRule + `, not "a b"`},
	{"sub-protocol, a list", `{}`, `{"services": {"a": {"proto_alias": ["a"]}}}`, `lapps.json:1: services.a.proto_alias: must be a string, not a list`},
	{"sub-protocol twice", `{}`, `{"services": {"a": {"proto_alias": "a", "proto_alias": "b"}}}`, `lapps.json:1: services.a.proto_alias: is given twice, first in line 1`},
	{"module", `{}`, `{"services": {"a": {"preload": ["a b"]}}}`, `lapps.json:1: services.a.preload[0]: ` + moduleRule + `, not "a b"`},
	{"circle", `{}`, `{"services": {"a": {"depends": ["nobody", "b"]}, "b": {"depends": ["a"]}}}`, `lapps.json:1: services.a.depends[1]: services depend on each other: a -> b -> a`},
	{"service name", `{}`, `{"services": {"a b": {"standalone": true}}}`, `lapps.json:1: services["a b"]: ` + nameRule + `, not "a b"`},
	{"a native file", `{}`, "{\"listeners\": [],\n\"limits\": {}, \"services\": {}}", "lapps.json:1: listeners: is no key of LAppS's lapps.json but of a native configuration: give the path of that file, not of its directory\n" +
		"lapps.json:2: limits: is no key of LAppS's lapps.json but of a native configuration: give the path of that file, not of its directory"},
}

func TestLAppSMistakes(t *testing.T) {
	for _, tt := range lappsMistakes {
		t.Run(tt.name, func(t *testing.T) {
			c, _, err := config.ParseLAppS([]byte(tt.server), []byte(tt.services), "")
			if c != nil || err == nil {
				t.Fatalf("got %+v, %v", c, err)
			}
			got := strings.ReplaceAll("\n"+err.Error(), "\netc/conf/", "\n")
			if got != "\n"+tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestLoadLAppSFiles: a file that is missing means LAppS's defaults.
func TestLoadLAppSFiles(t *testing.T) {
	dir := t.TempDir()
	server, services := filepath.Join(dir, "ws.json"), filepath.Join(dir, "lapps.json")
	_, _, err := config.LoadLAppS(dir, config.LAppSFiles{}, dir)
	if want := "config: " + dir + " holds neither ws.json nor lapps.json"; config.IsLAppS(dir, config.LAppSFiles{}) || err == nil || err.Error() != want {
		t.Errorf("an empty directory: got %v", err)
	}
	if err := os.Mkdir(server, 0o755); err != nil {
		t.Fatal(err)
	}
	if config.IsLAppS(dir, config.LAppSFiles{}) {
		t.Error("a directory is taken for a file")
	}
	if err := os.WriteFile(services, []byte(`{"services": {"clock": {"standalone": true}}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err = config.LoadLAppS(dir, config.LAppSFiles{}, dir)
	if want := "config: " + server + " is no regular file"; !config.IsLAppS(dir, config.LAppSFiles{}) || err == nil || err.Error() != want {
		t.Errorf("a directory for a file: got %v", err)
	}
	if err := os.Remove(server); err != nil {
		t.Fatal(err)
	}
	c, notices, err := config.LoadLAppS(dir, config.LAppSFiles{}, dir)
	want := server + ":1: there is no such file: LAppS's defaults are used, and all addresses listened on, at port 5083, without encryption\n"
	if err != nil || lines(notices) != want || c.Listeners[0].Address != "0.0.0.0:5083" || len(c.Services) != 1 {
		t.Errorf("no ws.json: got %+v, %v, %v", c, notices, err)
	}
	if err := os.Rename(services, server); err != nil {
		t.Fatal(err)
	}
	c, notices, err = config.LoadLAppS(dir, config.LAppSFiles{}, dir)
	want = services + ":1: there is no such file: there are no services\n" + server + ":1: services: unknown key of LAppS, ignored; the native form has it, which lapps import writes\n"
	if err != nil || lines(notices) != want || len(c.Services) != 0 {
		t.Errorf("no lapps.json: got %+v, %v, %v", c, notices, err)
	}
	_, _, err = config.LoadLAppS(filepath.Join(dir, "missing"), config.LAppSFiles{}, dir)
	if want := "config: " + filepath.Join(dir, "missing") + " holds neither ws.json nor lapps.json"; err == nil || err.Error() != want {
		t.Errorf("no directory: got %v", err)
	}
}

// TestAdopt: auto_fragment is of all services, those that bundles bring as well.
func TestAdopt(t *testing.T) {
	for _, tt := range []struct {
		server string
		want   int
	}{{`{"workers": {"auto_fragment": true}}`, 1392}, {`{}`, 0}} {
		c, _, err := config.ParseLAppS([]byte(tt.server), []byte(`{}`), "/opt/lapps")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Adopt(config.Service{}).FragmentBytes; got != tt.want {
			t.Errorf("%s: fragments of %d bytes, want %d", tt.server, got, tt.want)
		}
		if got := c.Adopt(config.Service{Standalone: true}).FragmentBytes; got != 0 {
			t.Errorf("%s: fragments of %d bytes of a standalone service", tt.server, got)
		}
		if got := c.Adopt(config.Service{FragmentBytes: 500}).FragmentBytes; got != 500 {
			t.Errorf("%s: fragments of %d bytes, want the 500 of its own", tt.server, got)
		}
	}
}
