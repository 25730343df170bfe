package config_test

import (
	"testing"

	"lapps/config"
)

func TestListenerMistake(t *testing.T) {
	native := func(text string) *config.Config {
		c, err := config.Parse("lapps.json", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	lapps := func(server string) *config.Config {
		c, _, err := config.ParseLAppS([]byte(server), []byte("{}"), "/opt/lapps")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct {
		name string
		cfg  *config.Config
		i    int
		want string
	}{
		{"first", native("{\"listeners\": [\n{\"address\": \":80\"},\n{\"address\": \":443\"}]}"), 0, "lapps.json:2: listeners[0].tls.client_ca: is missing"},
		{"second", native("{\"listeners\": [\n{\"address\": \":80\"},\n{\"address\": \":443\"}]}"), 1, "lapps.json:3: listeners[1].tls.client_ca: is missing"},
		{"default", native("{}"), 0, "lapps.json:1: listeners[0].tls.client_ca: is missing"},
		{"LAppS", lapps("{\"tls\": true,\n\"tls_certificates\": {\"cert\": \"c\", \"key\": \"k\"}}"), 0, "etc/conf/ws.json:2: tls_certificates: is missing"},
		{"LAppS's default", lapps("{}"), 0, "etc/conf/ws.json:1: tls_certificates: is missing"},
	} {
		if got := c.cfg.ListenerMistake(c.i, "tls.client_ca", "is missing").String(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
