package config_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"lapps/config"
)

const (
	topKeys     = "listeners, acl, limits, timeouts, directories, log, loops, processors, outgoing, services, $schema"
	timeoutKeys = "handshake_ms, idle_ms, ping_ms, pong_ms, message_ms, busy_ms, gone_ms, close_ms, shutdown_ms"
	limitKeys   = "connections, connections_per_prefix, accepts_per_s, handshakes, header_bytes, buffered_mb, handler_ms, inline_ms, instance_mb, queue_messages, queue_mb, dry_run"
	serviceKeys = "standalone, auto_start, instances, preload, depends, strict_globals, grants, protocol, ordered, execution, request_target, max_inbound_message_size, acl, connections, first_message_ms, messages_per_s, " +
		"messages_burst, bytes_per_s, bytes_burst, max_age_ms, max_age_jitter_ms, outbox_bytes, fragment_bytes, slow_consumer, origins, subprotocols, extra_headers, on_redeploy, drain_ms, compression"
	logKeys         = "level, format, file"
	grantKeys       = "files, network, private_ranges, environment, modules"
	addressRule     = "must be host:port, like 127.0.0.1:5083, [::1]:5083, localhost:5083 or :5083"
	prefixRule      = "must be an IP address or a prefix, like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"
	nameRule        = "the name must be a letter or _ and at most 63 letters, digits, _ and -, since it names a Lua global and a directory"
	targetRule      = "must be a path of visible ASCII characters that starts with / and has no ? and no #"
	moduleRule      = "must be the name of a module: a letter or _ and at most 63 letters, digits and _"
	aloneRule       = "must be left out: a standalone service has no connections"
	tokenRule       = "must be a token (RFC 9110, section 5.6.2) of at most 255 characters"
	pair            = `"certificates": [{"cert": "a.pem", "key": "a.key"}]` // of a tls
	plainRule       = "must be left out: without certificates the listener is plain"
	originRule      = "must be scheme://host or scheme://host:port in lower case and without a path, like https://example.com, https://*.example.com or http://localhost:8080, or null"
	destinationRule = "must be host:port, like example.com:443, *.example.org:8000-8100, 10.0.0.0/8:5432, [2001:db8::/32]:443 or *:443"
	privateRule     = "must lie within the addresses that are private, like 127.0.0.1, 10.0.0.0/8, fd00::/8"
	ownRule         = "that field is the handshake's own"
)

// Reasons why the schema accepts what the checker refuses.
const (
	twice     = "JSON Schema sees values, and no key twice"
	integral  = "to JSON Schema 5.0 is an integer"
	elsewhere = "JSON Schema does not compare two places"
	finer     = "finer than a pattern"
)

// mistakes are files with one mistake each, or a few that go together. The schema refuses them too, but
// for those with a reason why it does not.
var mistakes = []struct{ name, text, want, beyond string }{
	{"not an object", `[]`, `1: must be an object, not a list`, ""},
	{"null", `null`, `1: must be an object, not null`, ""},
	{"a section is null", `{"acl": null}`, `1: acl: must be an object, not null`, ""},
	{"line of the value", "{\n\"loops\":\n\n-1}", `4: loops: must be between 0 and 1024, not -1`, ""},
	{"line after a byte order mark", "\ufeff{\n\"loops\": -1}", `2: loops: must be between 0 and 1024, not -1`, ""},
	{"line after comments", "/*\n*/ { // {\n\"loops\": -1}", `3: loops: must be between 0 and 1024, not -1`, ""},

	{"unknown key", `{"zzz": 1}`, `1: zzz: unknown key, known here: ` + topKeys, ""},
	{"near miss", `{"timeout": {}}`, `1: timeout: unknown key, did you mean "timeouts"? Known here: ` + topKeys, ""},
	{"near miss, a letter", `{"timeouts": {"idel_ms": 1}}`, `1: timeouts.idel_ms: unknown key, did you mean "idle_ms"? Known here: ` + timeoutKeys, ""},
	{"near miss, the unit", `{"timeouts": {"handshake": 1}}`, `1: timeouts.handshake: unknown key, did you mean "handshake_ms"? Known here: ` + timeoutKeys, ""},
	{"near miss, case", `{"Loops": 1}`, `1: Loops: unknown key, did you mean "loops"? Known here: ` + topKeys, ""},
	{"near miss, in a service", `{"services": {"a": {"autostart": true}}}`, `1: services.a.autostart: unknown key, did you mean "auto_start"? Known here: ` + serviceKeys, ""},
	{"near miss, in the log", `{"log": {"levle": "debug"}}`, `1: log.levle: unknown key, did you mean "level"? Known here: ` + logKeys, ""},
	{"no level", `{"log": {"level": "trace"}}`, `1: log.level: must be "debug", "info", "warn" or "error", not "trace"`, ""},
	{"no format", `{"log": {"format": "JSON"}}`, `1: log.format: must be "auto", "text" or "json", not "JSON"`, ""},
	{"no path of a log", `{"log": {"file": "a\u0000"}}`, `1: log.file: must be a path without NUL, not "a\x00"`, ""},
	{"a level is null", `{"log": {"level": null}}`, `1: log.level: must be a string, not null`, ""},
	{"of LAppS", `{"services": {"a": {"internal": true}}}`, `1: services.a.internal: unknown key, known here: ` + serviceKeys, ""},
	{"empty key", `{"": 1}`, `1: [""]: unknown key, known here: ` + topKeys, ""},
	{"odd key", `{"limits": {"a.b\n": 1}}`, `1: limits["a.b\n"]: unknown key, known here: ` + limitKeys, ""},
	{"long key", `{"limits": {"` + strings.Repeat("é", 90) + `": 1}}`, `1: limits["` + strings.Repeat("é", 40) + `"…]: unknown key, known here: ` + limitKeys, ""},
	{"key twice", "{\"loops\": 1,\n\"loops\": 1}", `2: loops: is given twice, first in line 1`, twice},
	{"key twice, escaped", `{"loops": 1, "l\u006fops": 1}`, `1: loops: is given twice, first in line 1`, twice},
	{"service twice", "{\"services\": {\n\"a\": {},\n\"a\": {\"instances\": 0}}}", `3: services.a: is given twice, first in line 2`, ""},

	{"a string for a number", `{"loops": "2"}`, `1: loops: must be a whole number, not "2"`, ""},
	{"null for a number", `{"loops": null}`, `1: loops: must be a whole number, not null`, ""},
	{"a list for a number", `{"loops": [2]}`, `1: loops: must be a whole number, not a list`, ""},
	{"a number for a boolean", `{"services": {"a": {"auto_start": 1}}}`, `1: services.a.auto_start: must be true or false, not 1`, ""},
	{"a string for a boolean", `{"services": {"a": {"auto_start": "true"}}}`, `1: services.a.auto_start: must be true or false, not "true"`, ""},
	{"a number for a string", `{"directories": {"applications": 1}}`, `1: directories.applications: must be a string, not 1`, ""},
	{"an object for a list", `{"listeners": {"address": ":1"}}`, `1: listeners: must be a list, not an object`, ""},
	{"a string for a list", `{"acl": {"exclude": "::1"}}`, `1: acl.exclude: must be a list, not "::1"`, ""},
	{"a list for an object", `{"services": []}`, `1: services: must be an object, not a list`, ""},
	{"true for a service", `{"services": {"a": true}}`, `1: services.a: must be an object, not true`, ""},
	{"a number in a list", `{"acl": {"exclude": ["::1", 1]}}`, `1: acl.exclude[1]: must be a string, not 1`, ""},
	{"a number for a header", `{"services": {"a": {"extra_headers": {"X": 1}}}}`, `1: services.a.extra_headers.X: must be a string, not 1`, ""},

	{"a fraction", `{"loops": 1.5}`, `1: loops: must be a whole number without fraction and exponent, not 1.5`, ""},
	{"an empty fraction", `{"loops": 5.0}`, `1: loops: must be a whole number without fraction and exponent, not 5.0`, integral},
	{"an exponent", `{"loops": 1e2}`, `1: loops: must be a whole number without fraction and exponent, not 1e2`, integral},
	{"too small", `{"services": {"echo": {"instances": -2}}}`, `1: services.echo.instances: must be between 1 and 1024, not -2`, ""},
	{"just too small", `{"limits": {"header_bytes": 255}}`, `1: limits.header_bytes: must be between 256 and 1048576, not 255`, ""},
	{"just too large", `{"services": {"a": {"max_inbound_message_size": 1073741825}}}`, `1: services.a.max_inbound_message_size: must be between 0 and 1073741824, not 1073741825`, ""},
	{"beyond 64 bits", `{"limits": {"connections": 18446744073709551617}}`, `1: limits.connections: must be between 0 and 10000000, not 18446744073709551617`, ""},
	{"beyond all bounds", `{"limits": {"connections": ` + strings.Repeat("9", 99) + `}}`, `1: limits.connections: must be between 0 and 10000000, not ` + strings.Repeat("9", 40), ""},
	{"negative timeout", `{"timeouts": {"message_ms": -1}}`, `1: timeouts.message_ms: must be between 0 and 86400000, not -1`, ""},
	{"long timeout", `{"timeouts": {"shutdown_ms": 86400001}}`, `1: timeouts.shutdown_ms: must be between 0 and 86400000, not 86400001`, ""},
	{"negative outbox", `{"services": {"a": {"outbox_bytes": -1}}}`, `1: services.a.outbox_bytes: must be between 0 and 1073741824, not -1`, ""},
	{"redeployment", `{"services": {"a": {"on_redeploy": "kill"}}}`, `1: services.a.on_redeploy: must be "drain" or "close", not "kill"`, ""},
	{"time to drain", `{"services": {"a": {"drain_ms": -1}}}`, `1: services.a.drain_ms: must be between 0 and 86400000, not -1`, ""},
	{"a directory that is none", `{"directories": {"run": ""}}`, `1: directories.run: must be a path: not empty, and without NUL, not ""`, ""},
	{"compression, level", `{"services": {"a": {"compression": {"level": 0}}}}`, `1: services.a.compression.level: must be between 1 and 9, not 0`, ""},
	{"compression, size", `{"services": {"a": {"compression": {"min_size": -1}}}}`, `1: services.a.compression.min_size: must be between 0 and 1073741824, not -1`, ""},
	{"compression, window", `{"services": {"a": {"compression": {"max_window_bits": 8}}}}`, `1: services.a.compression.max_window_bits: must be between 9 and 15, not 8`, ""},
	{"compression, ratio", `{"services": {"a": {"compression": {"max_ratio": 100001}}}}`, `1: services.a.compression.max_ratio: must be between 0 and 100000, not 100001`, ""},
	{"compression, on", `{"services": {"a": {"compression": true}}}`, `1: services.a.compression: must be an object, not true`, ""},
	{"compression, a wrong key", `{"services": {"a": {"compression": {"levle": 1}}}}`, `1: services.a.compression.levle: unknown key, did you mean "level"? Known here: enabled, level, min_size, context_takeover, max_window_bits, max_ratio`, ""},
	{"pong without ping", "{\"timeouts\": {\"ping_ms\": 0,\n\"pong_ms\": 1}}", `2: timeouts.pong_ms: must be 0 or left out, since ping_ms is 0 (line 1) and no ping is sent`, ""},
	{"pong before ping", "{\"timeouts\": {\"pong_ms\": 1,\n\"ping_ms\": 0}}", `1: timeouts.pong_ms: must be 0 or left out, since ping_ms is 0 (line 2) and no ping is sent`, ""},

	{"no listener", `{"listeners": [], "services": {"a": {}}}`, `1: listeners: must have at least 1`, ""},
	{"no listener for one service", "{\"services\": {\"a\": {\"standalone\": true}, \"b\": {\"standalone\": false}},\n\"listeners\": []}", `2: listeners: must have at least 1`, ""},
	{"no address", `{"listeners": [{"address": ":1"}, {}]}`, `1: listeners[1].address: is missing`, ""},
	{"no port", `{"listeners": [{"address": "127.0.0.1"}]}`, `1: listeners[0].address: ` + addressRule + `, not "127.0.0.1"`, ""},
	{"empty address", `{"listeners": [{"address": ""}]}`, `1: listeners[0].address: ` + addressRule + `, not ""`, ""},
	{"empty port", `{"listeners": [{"address": "127.0.0.1:"}]}`, `1: listeners[0].address: ` + addressRule + `, not "127.0.0.1:"`, ""},
	{"named port", `{"listeners": [{"address": "127.0.0.1:http"}]}`, `1: listeners[0].address: ` + addressRule + `, not "127.0.0.1:http"`, ""},
	{"negative port", `{"listeners": [{"address": "127.0.0.1:-1"}]}`, `1: listeners[0].address: ` + addressRule + `, not "127.0.0.1:-1"`, ""},
	{"large port", `{"listeners": [{"address": "127.0.0.1:65536"}]}`, `1: listeners[0].address: the port must be between 0 and 65535, not 65536`, finer},
	{"no brackets", `{"listeners": [{"address": "::1:80"}]}`, `1: listeners[0].address: ` + addressRule + `, not "::1:80"`, ""},
	{"empty brackets", `{"listeners": [{"address": "[]:80"}]}`, `1: listeners[0].address: ` + addressRule + `, not "[]:80"`, ""},
	{"IPv4 in brackets", `{"listeners": [{"address": "[127.0.0.1]:80"}]}`, `1: listeners[0].address: the host must be an IP address, a name or nothing, not "[127.0.0.1]"`, finer},
	{"misspelt IPv4", `{"listeners": [{"address": "127.0.0.1.1:80"}]}`, `1: listeners[0].address: the host must be an IP address, a name or nothing, not "127.0.0.1.1"`, finer},
	{"misspelt IPv6", `{"listeners": [{"address": "[::1::]:80"}]}`, `1: listeners[0].address: the host must be an IP address, a name or nothing, not "[::1::]"`, finer},
	{"misspelt name", `{"listeners": [{"address": "a..b:80"}]}`, `1: listeners[0].address: the host must be an IP address, a name or nothing, not "a..b"`, finer},
	{"a URL", `{"listeners": [{"address": "ws://localhost:80"}]}`, `1: listeners[0].address: ` + addressRule + `, not "ws://localhost:80"`, ""},
	{"address twice", "{\"listeners\": [{\"address\": \"127.0.0.1:80\"},\n{\"address\": \"127.0.0.1:80\"}]}", `2: listeners[1].address: "127.0.0.1:80" is listened on already (line 1)`, elsewhere},
	{"address twice, otherwise spelt", `{"listeners": [{"address": "[0::1]:80"}, {"address": "[::1]:0080"}]}`, `1: listeners[1].address: "[::1]:0080" is listened on already (line 1)`, elsewhere},
	{"name twice, otherwise spelt", `{"listeners": [{"address": "localhost:80"}, {"address": "LOCALHOST:80"}]}`, `1: listeners[1].address: "LOCALHOST:80" is listened on already (line 1)`, elsewhere},
	{"all addresses twice", `{"listeners": [{"address": ":80"}, {"address": "[::]:80"}]}`, `1: listeners[1].address: "[::]:80" is listened on already (line 1)`, elsewhere},

	{"encryption, on", `{"listeners": [{"address": ":1", "tls": true}]}`, `1: listeners[0].tls: must be an object, not true`, ""},
	{"encryption, one file", `{"listeners": [{"address": ":1", "tls": {"certificates": [{"cert": "a"}]}}]}`, `1: listeners[0].tls.certificates[0].key: is missing`, ""},
	{"encryption, the other file", `{"listeners": [{"address": ":1", "tls": {"certificates": [{"key": "a"}]}}]}`, `1: listeners[0].tls.certificates[0].cert: is missing`, ""},
	{"encryption, an empty path", `{"listeners": [{"address": ":1", "tls": {"certificates": [{"key": "a", "cert": ""}]}}]}`, `1: listeners[0].tls.certificates[0].cert: must be a path: not empty, and without NUL, not ""`, ""},
	{"encryption, an old version", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "min_version": "1.1"}}]}`, `1: listeners[0].tls.min_version: must be "1.2" or "1.3", not "1.1"`, ""},
	{"encryption, a number for a version", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "min_version": 1.3}}]}`, `1: listeners[0].tls.min_version: must be a string, not 1.3`, ""},
	{"encryption, a curve", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "curves": ["P-224"]}}]}`, `1: listeners[0].tls.curves[0]: must be "X25519MLKEM768", "X25519", "P-256", "P-384" or "P-521", not "P-224"`, ""},
	{"encryption, a curve twice", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "curves": ["P-256", "P-256"]}}]}`, `1: listeners[0].tls.curves[1]: "P-256" is given twice, first in line 1`, ""},
	{"encryption, a weak suite", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "cipher_suites": ["TLS_RSA_WITH_AES_128_CBC_SHA"]}}]}`, `1: listeners[0].tls.cipher_suites[0]: ` + suiteRule() + `, not "TLS_RSA_WITH_AES_128_CBC_SHA"`, ""},
	{"encryption, a suite of TLS 1.3", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "cipher_suites": ["TLS_AES_128_GCM_SHA256"]}}]}`, `1: listeners[0].tls.cipher_suites[0]: ` + suiteRule() + `, not "TLS_AES_128_GCM_SHA256"`, ""},
	{"encryption, suites for TLS 1.3", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "min_version": "1.3", "cipher_suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]}}]}`,
		`1: listeners[0].tls.cipher_suites: must be left out or empty: they are of TLS 1.2, and min_version is "1.3"`, ""},
	{"encryption, clients", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "client_auth": "on"}}]}`, `1: listeners[0].tls.client_auth: must be "off", "optional" or "required", not "on"`, ""},
	{"encryption, clients of nobody", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "client_auth": "required"}}]}`, `1: listeners[0].tls.client_ca: is missing, and client_auth is "required"`, ""},
	{"encryption, clients of somebody, off", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "client_ca": "ca.pem", "client_auth": "off"}}]}`, `1: listeners[0].tls.client_ca: must be left out, since client_auth is "off"`, ""},
	{"encryption, clients of somebody", `{"listeners": [{"address": ":1", "tls": {` + pair + `, "client_ca": "ca.pem"}}]}`, `1: listeners[0].tls.client_ca: must be left out, since client_auth is "off"`, ""},
	{"encryption, no certificate", "{\"listeners\": [{\"address\": \":1\", \"tls\": {\"certificates\": [],\n\"min_version\": \"1.3\",\n\"client_ca\": \"ca.pem\"}}]}",
		"2: listeners[0].tls.min_version: " + plainRule + "\nlapps.json:3: listeners[0].tls.client_ca: " + plainRule, ""},
	{"encryption, certificates left out", `{"listeners": [{"address": ":1", "tls": {"client_auth": "required", "session_tickets": false, "curves": ["P-256"]}}]}`,
		"1: listeners[0].tls.client_auth: " + plainRule + "\nlapps.json:1: listeners[0].tls.session_tickets: " + plainRule + "\nlapps.json:1: listeners[0].tls.curves: " + plainRule, ""},

	{"proxies, on", `{"listeners": [{"address": ":1", "proxy_protocol": "on", "trusted_proxies": ["::1"]}]}`, `1: listeners[0].proxy_protocol: must be "off", "optional" or "required", not "on"`, ""},
	{"proxies, a name", `{"listeners": [{"address": ":1", "proxy_protocol": "required", "trusted_proxies": ["lb"]}]}`, `1: listeners[0].trusted_proxies[0]: ` + prefixRule + `, not "lb"`, ""},
	{"proxies, host bits", `{"listeners": [{"address": ":1", "proxy_protocol": "required", "trusted_proxies": ["10.0.0.1/8"]}]}`,
		`1: listeners[0].trusted_proxies[0]: 10.0.0.1/8 has host bits set: write 10.0.0.0/8 for the network, or 10.0.0.1 for the one address`, finer},
	{"proxies of nobody", "{\"listeners\": [{\"address\": \":1\",\n\"proxy_protocol\": \"optional\"}]}", `2: listeners[0].trusted_proxies: is missing, and proxy_protocol is "optional"`, ""},
	{"proxies, none", "{\"listeners\": [{\"address\": \":1\", \"proxy_protocol\": \"required\",\n\"trusted_proxies\": []}]}", `2: listeners[0].trusted_proxies: must have at least 1, since proxy_protocol is "required"`, ""},
	{"proxies, hops of nobody", `{"listeners": [{"address": ":1", "forwarded_hops": 1}]}`, `1: listeners[0].trusted_proxies: is missing, and forwarded_hops is 1`, ""},
	{"proxies for nothing", `{"listeners": [{"address": ":1", "trusted_proxies": ["::1"]}]}`, `1: listeners[0].trusted_proxies: must be left out or empty, since proxy_protocol is "off" and forwarded_hops is 0`, ""},
	{"proxies for nothing, in words", `{"listeners": [{"address": ":1", "trusted_proxies": ["::1"], "proxy_protocol": "off", "forwarded_hops": 0}]}`,
		`1: listeners[0].trusted_proxies: must be left out or empty, since proxy_protocol is "off" and forwarded_hops is 0`, ""},
	{"proxies, hops", `{"listeners": [{"address": ":1", "forwarded_hops": 33, "trusted_proxies": ["::1"]}]}`, `1: listeners[0].forwarded_hops: must be between 0 and 32, not 33`, ""},
	{"proxies, header", `{"listeners": [{"address": ":1", "forwarded_hops": 1, "trusted_proxies": ["::1"], "forwarded_header": "X-Real-IP"}]}`,
		`1: listeners[0].forwarded_header: must be "X-Forwarded-For" or "Forwarded", not "X-Real-IP"`, ""},
	{"connections of a listener", `{"listeners": [{"address": ":1", "connections": -1}]}`, `1: listeners[0].connections: must be between 0 and 10000000, not -1`, ""},

	{"connections of a prefix", `{"limits": {"connections_per_prefix": -1}}`, `1: limits.connections_per_prefix: must be between 0 and 10000000, not -1`, ""},
	{"accepts", `{"limits": {"accepts_per_s": 1000001}}`, `1: limits.accepts_per_s: must be between 0 and 1000000, not 1000001`, ""},
	{"handshakes", `{"limits": {"handshakes": 65537}}`, `1: limits.handshakes: must be between 0 and 65536, not 65537`, ""},
	{"buffers", `{"limits": {"buffered_mb": 1048577}}`, `1: limits.buffered_mb: must be between 0 and 1048576, not 1048577`, ""},
	{"dry run", `{"limits": {"dry_run": ["idle"]}}`, `1: limits.dry_run[0]: ` + oneOfRule(config.LimitNames()) + `, not "idle"`, ""},
	{"dry run twice", `{"limits": {"dry_run": ["idle_ms", "idle_ms"]}}`, `1: limits.dry_run[1]: "idle_ms" is given twice, first in line 1`, ""},
	{"dry run, on", `{"limits": {"dry_run": true}}`, `1: limits.dry_run: must be a list, not true`, ""},

	{"connections of a service", `{"services": {"a": {"connections": 10000001}}}`, `1: services.a.connections: must be between 0 and 10000000, not 10000001`, ""},
	{"first message", `{"services": {"a": {"first_message_ms": 86400001}}}`, `1: services.a.first_message_ms: must be between 0 and 86400000, not 86400001`, ""},
	{"messages", `{"services": {"a": {"messages_per_s": 1000001}}}`, `1: services.a.messages_per_s: must be between 0 and 1000000, not 1000001`, ""},
	{"messages at once", `{"services": {"a": {"messages_per_s": 1, "messages_burst": 1000001}}}`, `1: services.a.messages_burst: must be between 0 and 1000000, not 1000001`, ""},
	{"messages at once only", `{"services": {"a": {"messages_burst": 1}}}`, `1: services.a.messages_burst: must be 0 or left out, since messages_per_s is 0`, ""},
	{"bytes", `{"services": {"a": {"bytes_per_s": 1073741825}}}`, `1: services.a.bytes_per_s: must be between 0 and 1073741824, not 1073741825`, ""},
	{"bytes at once", `{"services": {"a": {"bytes_per_s": 1, "bytes_burst": 1073741825}}}`, `1: services.a.bytes_burst: must be between 0 and 1073741824, not 1073741825`, ""},
	{"bytes at once only", "{\"services\": {\"a\": {\"bytes_per_s\": 0,\n\"bytes_burst\": 1}}}", `2: services.a.bytes_burst: must be 0 or left out, since bytes_per_s is 0`, ""},
	{"age", `{"services": {"a": {"max_age_ms": -1}}}`, `1: services.a.max_age_ms: must be between 0 and 86400000, not -1`, ""},
	{"jitter", `{"services": {"a": {"max_age_ms": 1, "max_age_jitter_ms": -1}}}`, `1: services.a.max_age_jitter_ms: must be between 0 and 86400000, not -1`, ""},
	{"jitter only", `{"services": {"a": {"max_age_jitter_ms": 1}}}`, `1: services.a.max_age_jitter_ms: must be 0 or left out, since max_age_ms is 0`, ""},
	{"slow consumer", `{"services": {"a": {"slow_consumer": "drop"}}}`, `1: services.a.slow_consumer: must be "close", "drop_newest", "drop_oldest" or "latest", not "drop"`, ""},
	{"execution", `{"services": {"a": {"execution": "on"}}}`, `1: services.a.execution: must be "isolated" or "inline", not "on"`, ""},
	{"strict globals", `{"services": {"a": {"strict_globals": "on"}}}`, `1: services.a.strict_globals: must be "off", "warn" or "fail", not "on"`, ""},
	{"grants, a wrong key", `{"services": {"a": {"grants": {"file": []}}}}`, `1: services.a.grants.file: unknown key, did you mean "files"? Known here: ` + grantKeys, ""},
	{"grants, all", `{"services": {"a": {"grants": "*"}}}`, `1: services.a.grants: must be an object, not "*"`, ""},
	{"grants, a path alone", `{"services": {"a": {"grants": {"files": ["data"]}}}}`, `1: services.a.grants.files[0]: must be an object, not "data"`, ""},
	{"grants, no path", `{"services": {"a": {"grants": {"files": [{"access": "read"}]}}}}`, `1: services.a.grants.files[0].path: is missing`, ""},
	{"grants, an empty path", `{"services": {"a": {"grants": {"files": [{"path": "", "access": "read"}]}}}}`, `1: services.a.grants.files[0].path: must be a path: not empty, and without NUL, not ""`, ""},
	{"grants, no access", `{"services": {"a": {"grants": {"files": [{"path": "data"}]}}}}`, `1: services.a.grants.files[0].access: is missing`, ""},
	{"grants, another access", `{"services": {"a": {"grants": {"files": [{"path": "data", "access": "rw"}]}}}}`, `1: services.a.grants.files[0].access: must be "read" or "write", not "rw"`, ""},
	{"grants, a path twice", "{\"services\": {\"a\": {\"grants\": {\"files\": [{\"path\": \"data\", \"access\": \"read\"},\n{\"path\": \"./data/\", \"access\": \"write\"}]}}}}", `2: services.a.grants.files[1].path: "./data/" is granted already (line 1)`, elsewhere},
	{"grants, no port", `{"services": {"a": {"grants": {"network": ["example.com"]}}}}`, `1: services.a.grants.network[0]: ` + destinationRule + `, not "example.com"`, ""},
	{"grants, a URL", `{"services": {"a": {"grants": {"network": ["wss://example.com:443"]}}}}`, `1: services.a.grants.network[0]: ` + destinationRule + `, not "wss://example.com:443"`, ""},
	{"grants, an asterisk within", `{"services": {"a": {"grants": {"network": ["a.*.com:443"]}}}}`, `1: services.a.grants.network[0]: ` + destinationRule + `, not "a.*.com:443"`, ""},
	{"grants, IPv6 without brackets", `{"services": {"a": {"grants": {"network": ["2001:db8::/32:443"]}}}}`, `1: services.a.grants.network[0]: ` + destinationRule + `, not "2001:db8::/32:443"`, ""},
	{"grants, a large port", `{"services": {"a": {"grants": {"network": ["a:65536"]}}}}`, `1: services.a.grants.network[0]: the port must be between 1 and 65535, not 65536`, finer},
	{"grants, port 0", `{"services": {"a": {"grants": {"network": ["a:0-1"]}}}}`, `1: services.a.grants.network[0]: the port must be between 1 and 65535, not 0`, finer},
	{"grants, ports backwards", `{"services": {"a": {"grants": {"network": ["a:80-79"]}}}}`, `1: services.a.grants.network[0]: the range of ports 80-79 is empty`, finer},
	{"grants, host bits", `{"services": {"a": {"grants": {"network": ["10.0.0.1/8:1"]}}}}`, `1: services.a.grants.network[0]: 10.0.0.1/8 has host bits set: write 10.0.0.0/8 for the network, or 10.0.0.1 for the one address`, finer},
	{"grants, IPv4 in brackets", `{"services": {"a": {"grants": {"network": ["[10.0.0.1]:1"]}}}}`, `1: services.a.grants.network[0]: the host must be an IP address or prefix, a name or *, not "[10.0.0.1]"`, finer},
	{"grants, a misspelt address", `{"services": {"a": {"grants": {"network": ["10.0.0:1"]}}}}`, `1: services.a.grants.network[0]: the host must be an IP address or prefix, a name or *, not "10.0.0"`, finer},
	{"grants, addresses below", `{"services": {"a": {"grants": {"network": ["*.0.0.1:1"]}}}}`, `1: services.a.grants.network[0]: the host must be an IP address or prefix, a name or *, not "*.0.0.1"`, finer},
	{"grants, a destination twice", `{"services": {"a": {"grants": {"network": ["a:1", "a:1"]}}}}`, `1: services.a.grants.network[1]: "a:1" is given twice, first in line 1`, ""},
	{"grants, a name for a range", `{"services": {"a": {"grants": {"private_ranges": ["private"]}}}}`, `1: services.a.grants.private_ranges[0]: ` + prefixRule + `, not "private"`, ""},
	{"grants, a range that is not private", `{"services": {"a": {"grants": {"private_ranges": ["0.0.0.0/0"]}}}}`, `1: services.a.grants.private_ranges[0]: ` + privateRule + `, not "0.0.0.0/0"`, elsewhere},
	{"grants, a pattern of variables", `{"services": {"a": {"grants": {"environment": ["APP_*"]}}}}`, `1: services.a.grants.environment[0]: must be the name of an environment variable: letters, digits and _, not "APP_*"`, ""},
	{"grants, a module's file", `{"services": {"a": {"grants": {"modules": ["a.lua"]}}}}`, `1: services.a.grants.modules[0]: must be the name of a module, or *, not "a.lua"`, ""},
	{"loose LAppS", "{\"services\": {\"a\": {\"protocol\": \"LAppS\",\n\"ordered\": false}}}", `2: services.a.ordered: must be true or left out, since protocol is "LAppS" (line 1), where answers come in the order of requests`, ""},
	{"slow consumer, no limit", "{\"services\": {\"a\": {\"outbox_bytes\": 0,\n\"slow_consumer\": \"latest\"}}}", `2: services.a.slow_consumer: must be "close" or left out, since outbox_bytes is 0 (line 1) and no limit`, ""},

	{"origin, a host", `{"services": {"a": {"origins": ["example.com"]}}}`, `1: services.a.origins[0]: ` + originRule + `, not "example.com"`, ""},
	{"origin, a path", `{"services": {"a": {"origins": ["https://example.com/"]}}}`, `1: services.a.origins[0]: ` + originRule + `, not "https://example.com/"`, ""},
	{"origin, case of the host", `{"services": {"a": {"origins": ["https://Example.com"]}}}`, `1: services.a.origins[0]: ` + originRule + `, not "https://Example.com"`, ""},
	{"origin, case of the scheme", `{"services": {"a": {"origins": ["HTTPS://example.com"]}}}`, `1: services.a.origins[0]: ` + originRule + `, not "HTTPS://example.com"`, ""},
	{"origin, everything", `{"services": {"a": {"origins": ["*"]}}}`, `1: services.a.origins[0]: ` + originRule + `, not "*"`, ""},
	{"origin, a wildcard inside", `{"services": {"a": {"origins": ["https://a.*.example.com"]}}}`, `1: services.a.origins[0]: ` + originRule + `, not "https://a.*.example.com"`, ""},
	{"origin, a wildcard without a dot", `{"services": {"a": {"origins": ["https://*example.com"]}}}`, `1: services.a.origins[0]: ` + originRule + `, not "https://*example.com"`, ""},
	{"origin, any port", `{"services": {"a": {"origins": ["https://example.com:*"]}}}`, `1: services.a.origins[0]: ` + originRule + `, not "https://example.com:*"`, ""},
	{"origin, a line break", `{"services": {"a": {"origins": ["https://example.com\n"]}}}`, `1: services.a.origins[0]: ` + originRule + `, not "https://example.com\n"`, ""},
	{"origin, a large port", `{"services": {"a": {"origins": ["https://example.com:65536"]}}}`, `1: services.a.origins[0]: the port must be between 1 and 65535, not 65536`, finer},
	{"origin, a zero before the port", `{"services": {"a": {"origins": ["https://[::1]:080"]}}}`, `1: services.a.origins[0]: the port must be between 1 and 65535, not 080`, finer},
	{"origin, a wildcard for an address", `{"services": {"a": {"origins": ["https://*.192.0.2.1"]}}}`, `1: services.a.origins[0]: must be a name after *., not "192.0.2.1"`, finer},
	{"origin, a long address", `{"services": {"a": {"origins": ["https://[0:0::1]"]}}}`, `1: services.a.origins[0]: the host must be written [::1], as browsers do`, finer},
	{"origin, half an address", `{"services": {"a": {"origins": ["https://192.0.2"]}}}`, `1: services.a.origins[0]: the host must be an IP address or a name, not "192.0.2"`, finer},
	{"origin, an empty label", `{"services": {"a": {"origins": ["https://*..com"]}}}`, `1: services.a.origins[0]: the host must be an IP address or a name, not ".com"`, finer},
	{"origin, brackets", `{"services": {"a": {"origins": ["app://[1.2.3.4]"]}}}`, `1: services.a.origins[0]: the host must be an IP address or a name, not "[1.2.3.4]"`, finer},
	{"origin twice", `{"services": {"a": {"origins": ["null", "null"]}}}`, `1: services.a.origins[1]: "null" is given twice, first in line 1`, ""},
	{"sub-protocol", `{"services": {"a": {"subprotocols": ["a b"]}}}`, `1: services.a.subprotocols[0]: ` + tokenRule + `, not "a b"`, ""},
	{"two sub-protocols in one", `{"services": {"a": {"subprotocols": ["a, b"]}}}`, `1: services.a.subprotocols[0]: ` + tokenRule + `, not "a, b"`, ""},
	{"empty sub-protocol", `{"services": {"a": {"subprotocols": [""]}}}`, `1: services.a.subprotocols[0]: ` + tokenRule + `, not ""`, ""},
	{"sub-protocol twice", `{"services": {"a": {"subprotocols": ["a", "b", "a"]}}}`, `1: services.a.subprotocols[2]: "a" is given twice, first in line 1`, ""},

	{"policy", `{"acl": {"policy": "Deny"}}`, `1: acl.policy: must be "allow" or "deny", not "Deny"`, ""},
	{"policy of a service", `{"services": {"a": {"acl": {"policy": ""}}}}`, `1: services.a.acl.policy: must be "allow" or "deny", not ""`, ""},
	{"a name in an acl", `{"acl": {"exclude": ["localhost"]}}`, `1: acl.exclude[0]: ` + prefixRule + `, not "localhost"`, ""},
	{"half an address", `{"acl": {"exclude": ["10.0.0"]}}`, `1: acl.exclude[0]: ` + prefixRule + `, not "10.0.0"`, finer},
	{"a zone", `{"acl": {"exclude": ["fe80::1%eth0"]}}`, `1: acl.exclude[0]: ` + prefixRule + `, not "fe80::1%eth0"`, ""},
	{"a mask", `{"acl": {"exclude": ["10.0.0.0/255.0.0.0"]}}`, `1: acl.exclude[0]: ` + prefixRule + `, not "10.0.0.0/255.0.0.0"`, ""},
	{"a long prefix", `{"acl": {"exclude": ["10.0.0.0/33"]}}`, `1: acl.exclude[0]: the prefix length must be between 0 and 32, not 33`, finer},
	{"a zero before the length", `{"acl": {"exclude": ["10.0.0.0/08"]}}`, `1: acl.exclude[0]: the prefix length must be between 0 and 32, not 08`, finer},
	{"a long IPv6 prefix", `{"acl": {"exclude": ["::/129"]}}`, `1: acl.exclude[0]: the prefix length must be between 0 and 128, not 129`, finer},
	{"a short mapped prefix", `{"acl": {"exclude": ["::ffff:10.0.0.0/8"]}}`, `1: acl.exclude[0]: the prefix length must be between 96 and 128, not 8`, finer},
	{"host bits", `{"services": {"a": {"acl": {"exclude": ["::1", "192.168.1.5/24"]}}}}`, `1: services.a.acl.exclude[1]: 192.168.1.5/24 has host bits set: write 192.168.1.0/24 for the network, or 192.168.1.5 for the one address`, finer},

	{"empty directory", `{"directories": {"applications": ""}}`, `1: directories.applications: must be a path: not empty, and without NUL, not ""`, ""},
	{"NUL in a directory", `{"directories": {"applications": "a\u0000b"}}`, `1: directories.applications: must be a path: not empty, and without NUL, not "a\x00b"`, ""},

	{"service name with a digit first", `{"services": {"9a": {}}}`, `1: services.9a: ` + nameRule + `, not "9a"`, ""},
	{"service name with a space", `{"services": {"a b": {"request_target": "/a"}}}`, `1: services["a b"]: ` + nameRule + `, not "a b"`, ""},
	{"service name that leaves its directory", `{"services": {"../a": {}}}`, `1: services["../a"]: ` + nameRule + `, not "../a"`, ""},
	{"empty service name", `{"services": {"": {}}}`, `1: services[""]: ` + nameRule + `, not ""`, ""},
	{"long service name", `{"services": {"` + strings.Repeat("a", 65) + `": {}}}`, `1: services["` + strings.Repeat("a", 40) + `"…]: ` + nameRule + `, not "` + strings.Repeat("a", 40) + `"…`, ""},
	{"protocol", `{"services": {"a": {"protocol": "rwa"}}}`, `1: services.a.protocol: must be "raw" or "LAppS", not "rwa"`, ""},
	{"protocol, case", `{"services": {"a": {"protocol": "lapps"}}}`, `1: services.a.protocol: must be "raw" or "LAppS", not "lapps"`, ""},
	{"empty target", `{"services": {"a": {"request_target": ""}}}`, `1: services.a.request_target: ` + targetRule + `, not ""`, ""},
	{"relative target", `{"services": {"a": {"request_target": "a"}}}`, `1: services.a.request_target: ` + targetRule + `, not "a"`, ""},
	{"target with a query", `{"services": {"a": {"request_target": "/a?b"}}}`, `1: services.a.request_target: ` + targetRule + `, not "/a?b"`, ""},
	{"target with a fragment", `{"services": {"a": {"request_target": "/a#b"}}}`, `1: services.a.request_target: ` + targetRule + `, not "/a#b"`, ""},
	{"target with a space", `{"services": {"a": {"request_target": "/a b"}}}`, `1: services.a.request_target: ` + targetRule + `, not "/a b"`, ""},
	{"target with a line break", `{"services": {"a": {"request_target": "/a\r\n"}}}`, `1: services.a.request_target: ` + targetRule + `, not "/a\r\n"`, ""},
	{"target beyond ASCII", `{"services": {"a": {"request_target": "/é"}}}`, `1: services.a.request_target: ` + targetRule + `, not "/é"`, ""},
	{"target twice", "{\"services\": {\"a\": {\"request_target\": \"/x\"},\n\"b\": {\"request_target\": \"/x\"}}}", `2: services.b.request_target: "/x" is the request target of service a already (line 1)`, elsewhere},
	{"target of a default", "{\"services\": {\"a\": {},\n\"b\": {\"request_target\": \"/a\"}}}", `2: services.b.request_target: "/a" is the request target of service a already (line 1)`, elsewhere},
	{"default is a target", "{\"services\": {\"b\": {\n\"request_target\": \"/a\"},\n\"a\": {}}}", `3: services.a.request_target: "/a", the default, is the request target of service b already (line 2)`, elsewhere},

	{"names of two lines", `{"services": {"a\nb": {"request_target": "/x"}, "b": {"request_target": "/x"}}}`, "1: services[\"a\\nb\"]: " + nameRule + ", not \"a\\nb\"\n" +
		`lapps.json:1: services.b.request_target: "/x" is the request target of service "a\nb" already (line 1)`, ""},

	{"module", `{"services": {"a": {"preload": ["nap", "a-b"]}}}`, `1: services.a.preload[1]: ` + moduleRule + `, not "a-b"`, ""},
	{"empty module", `{"services": {"a": {"preload": [""]}}}`, `1: services.a.preload[0]: ` + moduleRule + `, not ""`, ""},
	{"module twice", "{\"services\": {\"a\": {\"preload\": [\"nap\",\n\"nap\"]}}}", `2: services.a.preload[1]: "nap" is given twice, first in line 1`, ""},
	{"null for modules", `{"services": {"a": {"preload": null}}}`, `1: services.a.preload: must be a list, not null`, ""},

	{"dependency", `{"services": {"a": {"depends": ["b"]}}}`, `1: services.a.depends[0]: must be the name of a service, and there is no "b"`, elsewhere},
	{"dependency, no name", `{"services": {"a": {"depends": ["b", 1]}, "b": {}}}`, `1: services.a.depends[1]: must be a string, not 1`, ""},
	{"dependency twice", `{"services": {"a": {"depends": ["b", "b"]}, "b": {}}}`, `1: services.a.depends[1]: "b" is given twice, first in line 1`, ""},
	{"dependency on itself", `{"services": {"a": {"depends": ["a"]}}}`, `1: services.a.depends[0]: must be the name of another service, not the service's own`, elsewhere},
	{"two that depend on each other", "{\"services\": {\n\"a\": {\"depends\": [\"b\"]},\n\"b\": {\"depends\": [\"a\"]}}}", `2: services.a.depends[0]: services depend on each other: a -> b -> a`, elsewhere},
	{"three that depend on each other", `{"services": {"x": {"depends": ["c"]}, "a": {"depends": ["y", "b"]}, "b": {"depends": ["c"]}, "c": {"depends": ["y", "a"]}, "y": {}}}`, `1: services.c.depends[1]: services depend on each other: c -> a -> b -> c`, elsewhere},
	{"two circles", `{"services": {"a": {"depends": ["b", "c"]}, "b": {"depends": ["a"]}, "c": {"depends": ["a"]}}}`, `1: services.a.depends[0]: services depend on each other: a -> b -> a` + "\n" +
		`lapps.json:1: services.a.depends[1]: services depend on each other: a -> c -> a`, elsewhere},
	{"many that depend on each other", `{"services": {` + chain(20) + `}}`, `1: services.s0.depends[0]: services depend on each other: s0 -> s1 -> s2 -> s3 -> s4 -> … (12 more) -> s17 -> s18 -> s19 -> s0`, elsewhere},
	{"nine that depend on each other", `{"services": {` + chain(9) + `}}`, `1: services.s0.depends[0]: services depend on each other: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> s7 -> s8 -> s0`, elsewhere},

	{"standalone, a target", "{\"services\": {\"a\": {\n\"request_target\": \"/a\",\n\"standalone\": true}}}", `2: services.a.request_target: ` + aloneRule, ""},
	{"standalone, a protocol", `{"services": {"a": {"standalone": true, "protocol": "raw"}}}`, `1: services.a.protocol: ` + aloneRule, ""},
	{"standalone, messages", `{"services": {"a": {"standalone": true, "max_inbound_message_size": 1}}}`, `1: services.a.max_inbound_message_size: ` + aloneRule, ""},
	{"standalone, an acl", `{"services": {"a": {"standalone": true, "acl": {}}}}`, `1: services.a.acl: ` + aloneRule, ""},
	{"standalone, an outbox", `{"services": {"a": {"standalone": true, "outbox_bytes": 1}}}`, `1: services.a.outbox_bytes: ` + aloneRule, ""},
	{"standalone, headers", `{"services": {"a": {"standalone": true, "extra_headers": {}}}}`, `1: services.a.extra_headers: ` + aloneRule, ""},
	{"standalone, compression", `{"services": {"a": {"standalone": true, "compression": {}}}}`, `1: services.a.compression: ` + aloneRule, ""},
	{"standalone, in words", `{"services": {"a": {"standalone": "yes", "acl": {}}}}`, `1: services.a.standalone: must be true or false, not "yes"`, ""},

	{"header name", `{"services": {"a": {"extra_headers": {"X A": ""}}}}`, `1: services.a.extra_headers["X A"]: the name must be a token (RFC 9110, section 5.6.2), not "X A"`, ""},
	{"header name with a colon", `{"services": {"a": {"extra_headers": {"X:": ""}}}}`, `1: services.a.extra_headers["X:"]: the name must be a token (RFC 9110, section 5.6.2), not "X:"`, ""},
	{"empty header name", `{"services": {"a": {"extra_headers": {"": ""}}}}`, `1: services.a.extra_headers[""]: the name must be a token (RFC 9110, section 5.6.2), not ""`, ""},
	{"header of the handshake", `{"services": {"a": {"extra_headers": {"upgrade": "x"}}}}`, `1: services.a.extra_headers.upgrade: the name must not be "upgrade": ` + ownRule, finer},
	{"header of WebSocket", `{"services": {"a": {"extra_headers": {"Sec-Websocket-Protocol": "x"}}}}`, `1: services.a.extra_headers.Sec-Websocket-Protocol: the name must not be "Sec-Websocket-Protocol": ` + ownRule, finer},
	{"header with a line break", `{"services": {"a": {"extra_headers": {"X": "a\r\nY: b"}}}}`, `1: services.a.extra_headers.X: must be without line breaks and control characters, not "a\r\nY: b"`, ""},
	{"header with a control character", `{"services": {"a": {"extra_headers": {"X": "a\u007f"}}}}`, `1: services.a.extra_headers.X: must be without line breaks and control characters, not "a\x7f"`, ""},
}

// suiteRule returns which cipher suites there are.
func suiteRule() string {
	var names []string
	for _, suite := range tls.CipherSuites() {
		if !slices.Equal(suite.SupportedVersions, []uint16{tls.VersionTLS13}) {
			names = append(names, suite.Name)
		}
	}
	return oneOfRule(names)
}

// oneOfRule returns what is said of words that may stand in a place.
func oneOfRule(words []string) string {
	last := len(words) - 1
	return `must be "` + strings.Join(words[:last], `", "`) + `" or "` + words[last] + `"`
}

// TestKeysOfConnections: a standalone service has none of the keys that only
// services with connections have.
func TestKeysOfConnections(t *testing.T) {
	for _, key := range []string{"connections", "first_message_ms", "messages_per_s", "messages_burst", "bytes_per_s", "bytes_burst", "max_age_ms", "max_age_jitter_ms", "slow_consumer", "origins", "subprotocols", "ordered", "execution"} {
		value := "0"
		switch key {
		case "slow_consumer":
			value = `"close"`
		case "execution":
			value = `"inline"`
		case "ordered":
			value = `true`
		case "origins", "subprotocols":
			value = `[]`
		}
		text := []byte(`{"services": {"a": {"standalone": true, "` + key + `": ` + value + `}}}`)
		_, err := config.Parse("lapps.json", text)
		if want := "lapps.json:1: services.a." + key + ": " + aloneRule; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if validate(t, text) == nil {
			t.Errorf("%s: the schema accepts it", key)
		}
	}
}

// TestHeadersOfTheHandshake: fields that the handshake's answer has of itself,
// and what would begin another field, are no extra headers.
func TestHeadersOfTheHandshake(t *testing.T) {
	for _, name := range []string{
		"Connection", "UPGRADE", "content-length", "Transfer-Encoding", "Trailer",
		"Sec-WebSocket-Accept", "sec-websocket-extensions", "Sec-WebSocket-Protocol", "Sec-WebSocket-Version", "Sec-WebSocket-",
	} {
		_, err := config.Parse("lapps.json", []byte(`{"services": {"a": {"extra_headers": {"`+name+`": "x"}}}}`))
		if want := `lapps.json:1: services.a.extra_headers.` + name + `: the name must not be "` + name + `": ` + ownRule; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for _, value := range []string{`a\r`, `a\nb`, `\u0000`, `\u001f`, `\u007f`, `\t`} {
		for _, field := range []string{`"X-A": "` + value + `"`, `"X-A` + value + `": ""`} {
			if _, err := config.Parse("lapps.json", []byte(`{"services": {"a": {"extra_headers": {`+field+`}}}}`)); err == nil {
				t.Errorf("%s is accepted", field)
			}
		}
	}
}

// chain returns n services, each of which depends on the next, and the last
// on the first.
func chain(n int) string {
	services := make([]string, n)
	for i := range services {
		services[i] = fmt.Sprintf(`"s%d": {"depends": ["s%d"]}`, i, (i+1)%n)
	}
	return strings.Join(services, ", ")
}

func TestSingleMistakes(t *testing.T) {
	for _, tt := range mistakes {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse("lapps.json", []byte(tt.text))
			if want := "lapps.json:" + tt.want; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
			err = validate(t, []byte(tt.text))
			if tt.beyond == "" && err == nil {
				t.Error("the schema accepts it")
			}
			if tt.beyond != "" && err != nil {
				t.Errorf("%s, and yet: %v", tt.beyond, err)
			}
		})
	}
}

func TestSyntaxMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", `1: column 1: the file ends here: expected a value, or a key in double quotes`},
		{"only comments", "// a\n/* b */\n", `2: column 8: the file ends here: expected a value, or a key in double quotes`},
		{"not JSON", "listeners:\n", `1: column 1: expected a value, or a key in double quotes, found listeners`},
		{"no closing brace", "{\"loops\": 1\n\n", `1: column 12: the file ends here: expected ',' or '}'`},
		{"no closing bracket", `{"listeners": [{}`, `1: column 18: the file ends here: expected ',' or ']'`},
		{"wrong bracket", `{"listeners": [}`, `1: column 16: expected a value, or a key in double quotes, found '}'`},
		{"no comma", "{\"loops\": 1\n\"acl\": {}}", `2: column 1: expected ',' or '}', found '"'`},
		{"no comma in a list", `[1 2]`, `1: column 4: expected ',' or ']', found '2'`},
		{"two commas", `{"loops": 1,, }`, `1: column 13: expected a value, or a key in double quotes, found ','`},
		{"no colon", `{"loops" 1}`, `1: column 10: expected ':', found '1'`},
		{"nothing after a key", `{"loops"`, `1: column 9: the file ends here: expected ':'`},
		{"no value", `{"loops": }`, `1: column 11: expected a value, or a key in double quotes, found '}'`},
		{"bare key", `{loops: 1}`, `1: column 2: expected a value, or a key in double quotes, found loops`},
		{"single quotes", `{'loops': 1}`, `1: column 2: expected a value, or a key in double quotes, found '\''`},
		{"a number for a key", `{1: 1}`, `1: column 2: expected a key in double quotes, found '1'`},
		{"a bad word", `{"loops": True}`, `1: column 11: expected a value, or a key in double quotes, found True`},
		{"a bad number", `{"loops": 01}`, `1: column 11: expected a value, or a key in double quotes, found 01`},
		{"a hexadecimal number", `{"loops": 0x10}`, `1: column 11: expected a value, or a key in double quotes, found 0x10`},
		{"an open string", `{"loops`, `1: column 8: the file ends here: expected the string's closing quote`},
		{"a string across lines", "{\"a\n\": 1}", `1: column 2: the string "a\n" holds a line break, a control character or a bad escape`},
		{"a bad escape", `{"é": "\x"}`, `1: column 7: the string "\\x" holds a line break, a control character or a bad escape`},
		{"an open comment", "{} /* a", `1: column 8: the file ends here: expected the comment's closing */`},
		{"an odd end of a line", "{} // a\u2028b", `1: column 8: expected no such line separator in a comment, found '\u2028'`},
		{"more", "{}\n{}", `2: column 1: expected the end of the file, found '{'`},
		{"not UTF-8", "{\"é\": \"\xff\"}", `1: column 8: the byte '\xff' is not UTF-8`},
		{"UTF-16", "\xff\xfe{\x00}\x00", `1: column 1: the byte '\xff' is not UTF-8`},
		{"deep", "[\n" + strings.Repeat("[", 1<<20), `2: column 100: nested more than 100 levels deep`},
		{"deep after much that is not", `["[[[", "\"[[[", /* [[[ */ // [[[` + "\n" + strings.Repeat("[], {}, ", 100) + strings.Repeat("[", 100), `2: column 900: nested more than 100 levels deep`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse("lapps.json", []byte(tt.text))
			if want := "lapps.json:" + tt.want; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

// TestManyMistakes: all are reported, in order of lines.
func TestManyMistakes(t *testing.T) {
	text, err := os.ReadFile("testdata/mistakes.json")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.Parse("mistakes.json", text)
	if err == nil || err.Error()+"\n" != string(want) {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if validate(t, text) == nil {
		t.Error("the schema accepts it")
	}
}

// TestLargeGraphs: how long the checks take is linear in a file's length.
func TestLargeGraphs(t *testing.T) {
	names := make([]string, 300)
	for i := range names {
		names[i] = fmt.Sprintf(`"s%d"`, i)
	}
	all := strings.Join(names, ",")
	everyone := `"x": {}`
	for _, name := range names {
		everyone += fmt.Sprintf(`, %s: {"depends": [%s]}`, name, all)
	}
	for _, tt := range []struct{ name, services, want string }{
		{"one circle", chain(20_000), "services depend on each other: s0 -> s1 -> s2 -> s3 -> s4 -> … (19992 more) -> s19997 -> s19998 -> s19999 -> s0"},
		{"one on all", everyone, "too many mistakes, the others are not listed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse("lapps.json", []byte(`{"services": {`+tt.services+`}}`))
			var e *config.Error
			if !errors.As(err, &e) || e.Mistakes[len(e.Mistakes)-1].Msg != tt.want {
				t.Errorf("got %.300v", err)
			}
		})
	}
}

func TestTooManyMistakes(t *testing.T) {
	text := `{"acl": {"exclude": [` + strings.Repeat("1,\n", 100_000) + `]}}`
	_, err := config.Parse("lapps.json", []byte(text))
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	var want []config.Mistake
	for i := range 999 {
		want = append(want, config.Mistake{File: "lapps.json", Line: i + 1, Path: fmt.Sprintf("acl.exclude[%d]", i), Msg: "must be a string, not 1"})
	}
	want = append(want, config.Mistake{File: "lapps.json", Line: 1000, Msg: "too many mistakes, the others are not listed"})
	if !slices.Equal(e.Mistakes, want) {
		t.Errorf("got %d mistakes, the last is %v", len(e.Mistakes), e.Mistakes[len(e.Mistakes)-1])
	}
}
