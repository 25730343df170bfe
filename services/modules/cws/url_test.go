package cws

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, c := range []struct{ url, address, host, path, err string }{
		{"ws://example.com", "example.com:80", "example.com", "/", ""},
		{"wss://example.com", "example.com:443", "example.com", "/", ""},
		{"WSS://example.com:443/", "example.com:443", "example.com", "/", ""},
		{"ws://example.com:80", "example.com:80", "example.com", "/", ""},
		{"ws://example.com:443", "example.com:443", "example.com:443", "/", ""},
		{"wss://example.com:8443/a/b?c=d&e", "example.com:8443", "example.com:8443", "/a/b?c=d&e", ""},
		{"ws://example.com?q", "example.com:80", "example.com", "/?q", ""},
		{"ws://example.com/x?", "example.com:80", "example.com", "/x?", ""},
		{"ws://example.com/a%2Fb/%20/é", "example.com:80", "example.com", "/a%2Fb/%20/é", ""},
		{"ws://example.com//evil.test/x", "example.com:80", "example.com", "//evil.test/x", ""},
		{"ws://[::1]/x", "[::1]:80", "[::1]", "/x", ""},
		{"wss://[2001:db8::1]:8443/x", "[2001:db8::1]:8443", "[2001:db8::1]:8443", "/x", ""},
		{"ws://127.0.0.1:5083/echo", "127.0.0.1:5083", "127.0.0.1:5083", "/echo", ""},
		{"ws://xn--bcher-kva.example/", "xn--bcher-kva.example:80", "xn--bcher-kva.example", "/", ""},
		{"ws://example.com:/x", "example.com:80", "example.com", "/x", ""},

		{"", "", "", "", "the URL must begin with ws:// or wss://"},
		{"example.com", "", "", "", "the URL must begin with ws:// or wss://"},
		{"http://example.com", "", "", "", "the URL must begin with ws:// or wss://"},
		{"//example.com", "", "", "", "the URL must begin with ws:// or wss://"},
		{"ws:example.com", "", "", "", "the URL has no host"},
		{"ws:///x", "", "", "", "the URL has no host"},
		{"ws://:80/x", "", "", "", "the URL has no host"},
		{"ws://user@example.com", "", "", "", "the URL must not have a user name or a password: send the header Authorization"},
		{"ws://user:secret@example.com", "", "", "", "the URL must not have a user name or a password: send the header Authorization"},
		{"ws://example.com/x#y", "", "", "", "the URL must not have a fragment: write # as %23"},
		{"ws://example.com/x#", "", "", "", "the URL must not have a fragment: write # as %23"},
		{"ws://bücher.example", "", "", "", "the host must be written in ASCII: international names begin with xn--"},
		{"ws://example.com:x", "", "", "", `not a URL: invalid port ":x" after host`},
		{"ws://example.com/\r\nX: y", "", "", "", "not a URL: net/url: invalid control character in URL"},
		{"ws://[::1/x", "", "", "", "not a URL: missing ']' in host"},
		{"ws://example.com/%zz", "", "", "", `not a URL: invalid URL escape "%zz"`},
		{"ws://example.com/" + strings.Repeat("x", 8192), "", "", "", "the URL is longer than 8192 bytes"},
	} {
		got, err := parseURL(c.url)
		switch {
		case c.err != "":
			if err == nil || err.Error() != c.err {
				t.Errorf("%.100s:\n got %v\nwant %s", c.url, err, c.err)
			}
		case err != nil || got.address() != c.address || got.host != c.host || got.path != c.path || got.secure != strings.HasPrefix(strings.ToLower(c.url), "wss"):
			t.Errorf("%s: %+v, %v", c.url, got, err)
		}
	}
}
