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

// TestMarshalNative holds what is written: what differs from the defaults.
func TestMarshalNative(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", `{}`, `{
  "directories": {
    "applications": "/etc/apps"
  }
}
`},
		{"the defaults in words", `{"listeners": [{"address": "127.0.0.1:5083"}], "acl": {"policy": "allow", "exclude": []}, "timeouts": {"idle_ms": 120000}, "loops": 0}`, `{
  "directories": {
    "applications": "/etc/apps"
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
			"listeners": [{"address": ":1"}, {"address": ":2"}],
			"timeouts": {"ping_ms": 0},
			"directories": {"applications": "/srv//lua"}
		}`, `{
  "listeners": [
    {
      "address": ":1"
    },
    {
      "address": ":2"
    }
  ],
  "timeouts": {
    "ping_ms": 0,
    "pong_ms": 0
  },
  "directories": {
    "applications": "/srv//lua"
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
    "applications": "/etc/apps"
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
	noUTF8, large := config.Default(), config.Default()
	noUTF8.Directories.Applications = "/srv/\xff"
	large.Directories.Applications = "/" + strings.Repeat("a", 16<<20)
	for _, tt := range []struct {
		c    config.Config
		want string
	}{
		{noUTF8, `config: directories.applications: JSON has no way to write the path "/srv/\xff", which is not UTF-8`},
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
	for range 2000 {
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
		c.Directories.Applications = absolute(t, c.Directories.Applications)
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
			c.Listeners = append(c.Listeners, config.Listener{Address: fmt.Sprintf("[::1]:%d", i+1)})
		}
	}
	c.ACL = randomACL(r)
	c.Limits = config.Limits{Connections: r.IntN(2), HeaderBytes: 8192 + r.IntN(2)}
	c.Timeouts.Idle = oneOf(r, 0, 120_000, config.Milliseconds(r.IntN(100_000)))
	c.Timeouts.Ping = oneOf(r, 0, 25_000, 1+config.Milliseconds(r.IntN(100_000)))
	if c.Timeouts.Ping == 0 {
		c.Timeouts.Pong = 0
	}
	c.Directories.Applications = oneOf(r, "apps", "/apps", "../<é>&\u2028\"\\")
	c.Loops = r.IntN(3)
	return c
}

func randomService(r *rand.Rand, name string) config.Service {
	s := echo()
	s.RequestTarget = oneOf(r, "/"+name, "/"+name+"/<&>;%20\"")
	s.AutoStart = r.IntN(2) == 0
	s.Instances = 1 + r.IntN(3)
	s.Preload = oneOf(r, []string{}, []string{"nap", "time"})
	if r.IntN(3) == 0 {
		s.Standalone, s.RequestTarget = true, ""
		return s
	}
	s.Protocol = oneOf(r, "raw", "LAppS")
	s.MaxInboundMessageSize = oneOf(r, 0, 1<<20, 1<<30)
	s.ACL = randomACL(r)
	s.OutboxBytes = oneOf(r, 0, 1<<20, 1<<30)
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
