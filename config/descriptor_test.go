package config_test

import (
	"reflect"
	"strings"
	"testing"

	"lapps/config"
)

// TestDescriptor holds what bundles say of their services.
func TestDescriptor(t *testing.T) {
	native := func(change func(s *config.Service)) config.Service {
		s := echo()
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name, text string
		lapps      bool
		want       config.Service
		notices    string
	}{
		{"nothing", `{}`, false, echo(), ""},
		{"a name, and comments", "// of echo\n{\"name\": \"echo\", \"instances\": 3,}", false, native(func(s *config.Service) { s.Instances = 3 }), ""},
		{"standalone", `{"standalone": true, "depends": ["clock"]}`, false, native(func(s *config.Service) {
			s.Standalone, s.RequestTarget, s.Depends = true, "", []string{"clock"}
		}), ""},
		{"LAppS's", `{"name": "echo", "internal": false, "instances": 1, "request_target": "/e", "protocol": "LAppS", "preload": null, "proto_alias": "chat",
			"depends": ["clock", "clock"], "acl": {"policy": "deny", "exclude": ["10.1.2.3/8"]}}`, true, native(func(s *config.Service) {
			s.Instances, s.RequestTarget, s.Protocol, s.Subprotocols, s.Depends = 1, "/e", "LAppS", []string{"chat"}, []string{"clock"}
			s.ACL = config.ACL{Policy: "deny", Exclude: []string{"10.0.0.0/8"}}
		}), "services.echo.internal: read as standalone"},
		{"with a key of the native form", `{"request_target": "/e", "origins": ["https://good.example"], "connections": 1}`, true, native(func(s *config.Service) {
			s.RequestTarget, s.Origins, s.Connections = "/e", []string{"https://good.example"}, 1
		}), ""},
		{"LAppS's, with a key that is none", `{"request_target": "/e", "what": 1}`, true, native(func(s *config.Service) { s.RequestTarget = "/e" }), "services.echo.what: unknown key, ignored"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, notices, err := config.ParseDescriptor("echo.json", []byte(tt.text), "echo", tt.lapps)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%v\n got %+v\nwant %+v", err, got, tt.want)
			}
			var all strings.Builder
			for _, n := range notices {
				all.WriteString(n.String() + "\n")
			}
			if tt.notices == "" && len(notices) > 0 || !strings.Contains(all.String(), tt.notices) {
				t.Errorf("notices %q, want %q", all.String(), tt.notices)
			}
		})
	}
}

// TestDescriptorMistakes compares whole messages.
func TestDescriptorMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		lapps      bool
		want       string
	}{
		{"no object", `[]`, false, `echo.json:1: must be an object, not a list`},
		{"no JSON", `{`, false, `echo.json:1: column 2: the file ends here: expected a value, or a key in double quotes`},
		{"another name", "{\n\"name\": \"other\"}", false, `echo.json:2: name: must be the name of the service's directory, "echo", not "other"`},
		{"grants", `{"grants": {"network": ["*:*"]}}`, false, `echo.json:1: grants: must be left out: what a service is granted only the server's configuration says`},
		{"grants in LAppS's", `{"grants": {}}`, true, `echo.json:1: grants: must be left out: what a service is granted only the server's configuration says`},
		{"an unknown key", `{"instancse": 1}`, false, `echo.json:1: services.echo.instancse: unknown key, did you mean "instances"?`},
		{"a bad value", "{\n\n\"instances\": 0}", false, `echo.json:3: services.echo.instances: must be between 1 and 1024, not 0`},
		{"a native one with an unknown key", `{"origins": ["https://good.example"], "typo_key": 1}`, true, `echo.json:1: services.echo.typo_key: unknown key`},
		{"a native one, misspelt", `{"request_target": "/e", "orgins": ["https://good.example"]}`, true, `echo.json:1: services.echo.orgins: unknown key, did you mean "origins"?`},
		{"a native one with one of LAppS's", `{"internal": false, "connections": 1}`, true, `echo.json:1: services.echo.internal: unknown key`},
		{"none of LAppS's", `{"instances": 0}`, true, `echo.json:1: services.echo.instances: must be at least 1`},
		{"standalone with a target", `{"standalone": true, "request_target": "/x"}`, false, `echo.json:1: services.echo.request_target: must be left out: a standalone service has no connections`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := config.ParseDescriptor("echo.json", []byte(tt.text), "echo", tt.lapps)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("\n got %v\nwant %s", err, tt.want)
			}
		})
	}
}
