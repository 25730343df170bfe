package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tailscale/hujson"

	"lapps/config"
)

var update = flag.Bool("update", false, "rewrite testdata/lapps.schema.json")

// compiled is the schema in the hands of a validator that is none of ours. It
// checks the schema against the draft's own schema, too.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("lapps.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("lapps.schema.json")
})

// validate holds a file without syntax mistakes against the schema.
func validate(t testing.TB, text []byte) error {
	t.Helper()
	s, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.TrimPrefix(bytes.Clone(text), []byte("\ufeff"))
	standard, err := hujson.Standardize(append(text, '\n'))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(standard))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestSchemaIsTheGoldenOne(t *testing.T) {
	const golden = "testdata/lapps.schema.json"
	if *update {
		if err := os.WriteFile(golden, config.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(config.Schema(), want) {
		t.Errorf("the schema is not that of %s; if it should have changed, run go test -update", golden)
	}
}

// TestDefaultsRoundTrip: the defaults, written out, are a file that the
// schema accepts and that means the defaults.
func TestDefaultsRoundTrip(t *testing.T) {
	c := config.Default()
	c.Services["echo"] = echo()
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, text); err != nil {
		t.Errorf("the schema refuses the defaults: %v", err)
	}
	got, err := config.Parse("lapps.json", text)
	if err != nil {
		t.Fatal(err)
	}
	got.ForgetLines()
	if !reflect.DeepEqual(*got, c) {
		t.Errorf("\n got %+v\nwant %+v", *got, c)
	}
}

// TestEveryKeyIsDescribed: editors show a description for every key, and a
// default for every value but those that have none.
func TestEveryKeyIsDescribed(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(config.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	noDefault := map[string]bool{
		".$schema": true, ".listeners[].address": true, ".listeners[].tls.client_ca": true, ".listeners[].tls.certificates[].cert": true,
		".listeners[].tls.certificates[].key": true, ".services.*.request_target": true,
		".outgoing.ca_file": true, ".services.*.grants.files[].path": true, ".services.*.grants.files[].access": true,
	}
	var walk func(path string, s map[string]any)
	walk = func(path string, s map[string]any) {
		properties, _ := s["properties"].(map[string]any)
		if properties != nil && s["additionalProperties"] != false {
			t.Errorf("%s: is open", path)
		}
		for name, p := range properties {
			p, here := p.(map[string]any), path+"."+name
			if p["description"] == nil {
				t.Errorf("%s: no description", here)
			}
			if p["properties"] == nil && (p["default"] == nil) != noDefault[here] {
				t.Errorf("%s: default is %v", here, p["default"])
			}
			if p["type"] == "integer" && (p["minimum"] == nil || p["maximum"] == nil) {
				t.Errorf("%s: no bounds", here)
			}
			walk(here, p)
		}
		if items, ok := s["items"].(map[string]any); ok {
			walk(path+"[]", items)
		}
		if values, ok := s["additionalProperties"].(map[string]any); ok {
			walk(path+".*", values)
		}
	}
	walk("", root)
}
