package server_test

import (
	"strings"
	"testing"

	"lapps/server"
	"lapps/services"
)

func TestOrigins(t *testing.T) {
	admit(t, func(_ *server.Listener, c *services.Config) {
		c.Origins = []string{"https://example.com", "https://*.example.org"}
	}, func(t *testing.T, w *world, _ *server.Listener) {
		for _, c := range []struct {
			status string
			lines  []string
		}{
			{"101", nil}, // not a web page
			{"101", []string{"Origin: https://example.com"}},
			{"101", []string{"origin:   HTTPS://A.Example.ORG:443"}},
			{"403", []string{"Origin: https://example.org"}},
			{"403", []string{"Origin: null"}},
			{"403", []string{"Origin:"}},
			{"403", []string{"Origin: https://example.com, https://example.com"}},
			{"400", []string{"Origin: https://example.com", "Origin: https://example.com"}},
		} {
			if c.status == "101" { // others must not get as far as onConnect
				openGate()
			}
			w.ask(t, someone, "?wait", c.lines...).status(c.status)
		}
	})
}

// TestSubprotocols agrees on the one that the service prefers.
func TestSubprotocols(t *testing.T) {
	for _, c := range []struct {
		ours, offer, want string
	}{
		{"v2 v1", "v1, v2", "v2"},
		{"v2 v1", "v3,v1", "v1"},
		{"v2 v1", "V2", ""},
		{"v2 v1", "", ""},
		{"", "v1", ""},
	} {
		admit(t, func(_ *server.Listener, cfg *services.Config) {
			cfg.Subprotocols = strings.Fields(c.ours)
		}, func(t *testing.T, w *world, _ *server.Listener) {
			var lines []string
			if c.offer != "" {
				lines = []string{"Sec-WebSocket-Protocol: " + c.offer}
			}
			p := w.ask(t, someone, "", lines...)
			head := p.status("101")
			told := "nil"
			if c.want != "" {
				told = c.want
				if !strings.Contains(head, "\r\nSec-WebSocket-Protocol: "+c.want+"\r\n") {
					t.Errorf("%q of %q: received %q", c.offer, c.ours, head)
				}
			} else if strings.Contains(head, "Sec-WebSocket-Protocol") {
				t.Errorf("%q of %q: received %q", c.offer, c.ours, head)
			}
			p.expect(0x81, "192.0.2.1:1 "+told+" nil")
		})
	}
}
