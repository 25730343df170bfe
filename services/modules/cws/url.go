package cws

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// maxURL is how long a URL may be, in bytes.
const maxURL = 8192

// A target is what a URL says.
type target struct {
	secure bool   // wss
	name   string // of the server, or its IP address: without port and brackets
	port   string
	host   string // for the header Host: with the port where it is not the default one
	path   string // for the request, with the query; bytes that are not ASCII are not escaped yet
}

// address is what is dialled.
func (t target) address() string { return net.JoinHostPort(t.name, t.port) }

// parseURL reads a URL (RFC 6455, section 3). The error is fit for Lua, and does not repeat
// the URL, which may have secrets in it.
func parseURL(s string) (t target, err error) {
	if len(s) > maxURL {
		return t, errors.New("the URL is longer than 8192 bytes")
	}
	u, err := url.Parse(s)
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		return t, errors.New("not a URL: " + err.Error())
	}
	switch {
	case u.Scheme != "ws" && u.Scheme != "wss":
		return t, errors.New("the URL must begin with ws:// or wss://")
	case u.User != nil:
		return t, errors.New("the URL must not have a user name or a password: send the header Authorization")
	case u.Fragment != "" || strings.Contains(s, "#"):
		return t, errors.New("the URL must not have a fragment: write # as %23")
	case u.Hostname() == "":
		return t, errors.New("the URL has no host")
	}
	t.secure = u.Scheme == "wss"
	t.name, t.port, t.host = u.Hostname(), u.Port(), u.Host
	for i := range len(t.name) {
		if t.name[i] >= 0x80 {
			return t, errors.New("the host must be written in ASCII: international names begin with xn--")
		}
	}
	t.setPort()
	if t.path = u.RawPath; t.path == "" { // as it was written; wire escapes what has to be
		t.path = u.EscapedPath()
	}
	if t.path == "" {
		t.path = "/"
	}
	if u.RawQuery != "" || u.ForceQuery {
		t.path += "?" + u.RawQuery
	}
	return t, nil
}

// setPort fills in the default port, and takes it off the host.
func (t *target) setPort() {
	standard := "80"
	if t.secure {
		standard = "443"
	}
	if t.port == "" {
		t.port = standard
	}
	if t.port == standard {
		t.host = t.name
		if strings.Contains(t.name, ":") {
			t.host = "[" + t.name + "]"
		}
	}
}
