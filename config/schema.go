package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

// Bounds of the numbers; both ends are allowed. Those of limits are in
// limits.go.
const (
	maxTimeout   = 24 * 60 * 60 * 1000 // ms; who means longer means 0
	maxLoops     = 1024
	maxInstances = 1024
	maxRatio     = 100_000 // DEFLATE has 1032 at most
)

// schema returns the schema of the file: the types, their tags, the bounds
// and the defaults. It is shared and must not be modified.
var schema = sync.OnceValue(func() *jsonschema.Schema {
	s := schemaOf[Config]()
	setDefaults(s, Default())
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "lapps configuration"
	s.Description = "JSON with comments and trailing commas. Every key may be left out and has then its default."
	s.Properties["$schema"] = &jsonschema.Schema{Type: "string", Description: "Where editors find the schema. Not read."}
	s.PropertyOrder = append(s.PropertyOrder, "$schema")
	constrain(s)
	return s
})

// schemaText is what Schema returns a copy of.
var schemaText = sync.OnceValue(func() []byte {
	text, err := json.MarshalIndent(schema(), "", "  ")
	if err != nil {
		panic(fmt.Sprintf("config: schema: %v", err)) // it is a constant
	}
	return append(text, '\n')
})

// Schema returns the JSON Schema (draft 2020-12) of the file, indented, for
// editors. The slice belongs to the caller.
func Schema() []byte { return slices.Clone(schemaText()) }

// schemaOf returns the schema of T's fields.
func schemaOf[T any]() *jsonschema.Schema {
	s, err := jsonschema.For[T](nil)
	if err != nil {
		panic(fmt.Sprintf("config: schema: %v", err)) // the types are constants
	}
	tidy(s)
	return s
}

// tidy undoes what inference says that is not so of a file: that fields must
// be given, and that lists may be null.
func tidy(s *jsonschema.Schema) {
	s.Required = nil
	if s.Types != nil {
		s.Type, s.Types = "array", nil
		tidy(s.Items)
	}
	for _, p := range s.Properties {
		tidy(p)
	}
	if isMap(s) {
		tidy(s.AdditionalProperties)
	}
}

// isMap reports whether s is an object whose keys are its user's.
func isMap(s *jsonschema.Schema) bool { return s.Type == "object" && s.Properties == nil }

// setDefaults notes the members of v, an object, at the properties they are
// the defaults of.
func setDefaults(s *jsonschema.Schema, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("config: schema: %v", err)) // defaults are constants
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		panic(fmt.Sprintf("config: schema: %v", err))
	}
	for name, def := range members {
		if p := s.Properties[name]; p.Properties != nil {
			setDefaults(p, def)
		} else {
			p.Default = def
		}
	}
}

// constrain adds what the types cannot say.
func constrain(s *jsonschema.Schema) {
	p := s.Properties
	between(p["loops"], 0, maxLoops)
	between(p["processors"], 0, maxLoops)
	constrainListener(p["listeners"].Items)
	constrainACL(p["acl"], prefix)
	constrainLimits(p["limits"])
	constrainTimeouts(p["timeouts"])
	formatted(p["outgoing"].Properties["ca_file"], filePath)
	for _, dir := range p["directories"].Properties {
		formatted(dir, filePath)
	}

	constrainLog(p["log"])

	services := p["services"]
	services.PropertyNames = formatted(new(jsonschema.Schema), serviceName)
	setDefaults(services.AdditionalProperties, defaultService())
	constrainService(services.AdditionalProperties)

	// noListener checks this.
	s.If = where("services", &jsonschema.Schema{AdditionalProperties: isStandalone()})
	s.Else = where("listeners", some())
}

func constrainLog(s *jsonschema.Schema) {
	p := s.Properties
	p["level"].Enum = words([]string{"debug", "info", "warn", "error"})
	p["format"].Enum = words([]string{"auto", "text", "json"})
	formatted(p["file"], optionalPath)
}

// isStandalone returns the schema of services without connections.
func isStandalone() *jsonschema.Schema { return given("standalone", constant(true)) }

func constrainACL(s *jsonschema.Schema, entry *format) {
	s.Properties["policy"].Enum = words([]string{"allow", "deny"})
	formatted(s.Properties["exclude"].Items, entry)
}

func constrainHeaders(s *jsonschema.Schema) {
	s.PropertyNames = formatted(new(jsonschema.Schema), headerName)
	formatted(s.AdditionalProperties, headerValue)
}

// protocols are what a service may speak.
func protocols() []any { return words([]string{"raw", "LAppS"}) }

func constrainTimeouts(s *jsonschema.Schema) {
	for _, p := range s.Properties {
		between(p, 0, maxTimeout)
	}
	// pongWithoutPing checks this.
	s.If = given("ping_ms", constant(0))
	s.Then = where("pong_ms", constant(0))
}

func constrainService(s *jsonschema.Schema) {
	p := s.Properties
	p["request_target"].Default = nil // it comes of the name
	between(p["instances"], 1, maxInstances)
	p["preload"].UniqueItems = true
	formatted(p["preload"].Items, moduleName)
	p["depends"].UniqueItems = true
	p["execution"].Enum = words([]string{"isolated", "inline"})
	p["strict_globals"].Enum = words([]string{"off", "warn", "fail"})
	constrainGrants(p["grants"])
	p["protocol"].Enum = protocols()
	formatted(p["request_target"], requestTarget)
	between(p["max_inbound_message_size"], 0, maxBytes)
	constrainACL(p["acl"], prefix)
	constrainRates(s)
	between(p["outbox_bytes"], 0, maxBytes)
	between(p["fragment_bytes"], 0, maxBytes)
	p["slow_consumer"].Enum = words([]string{"close", "drop_newest", "drop_oldest", "latest"})
	p["origins"].UniqueItems = true
	formatted(p["origins"].Items, origin)
	p["subprotocols"].UniqueItems = true
	formatted(p["subprotocols"].Items, subprotocol)
	constrainHeaders(p["extra_headers"])
	p["on_redeploy"].Enum = words([]string{"drain", "close"})
	between(p["drain_ms"], 0, maxTimeout)
	constrainCompression(p["compression"])

	// keysOfConnections checks this.
	s.If = isStandalone()
	s.Then = &jsonschema.Schema{Properties: make(map[string]*jsonschema.Schema)}
	for _, key := range connectionKeys {
		s.Then.Properties[key] = nothing()
	}
	// slowWithoutLimit checks this.
	s.AllOf = append(s.AllOf, &jsonschema.Schema{
		If:   given("outbox_bytes", constant(0)),
		Then: where("slow_consumer", constant("close")),
	})
	// looseLAppS checks this.
	s.AllOf = append(s.AllOf, &jsonschema.Schema{
		If:   given("protocol", constant("LAppS")),
		Then: where("ordered", constant(true)),
	})
}

func constrainCompression(s *jsonschema.Schema) {
	p := s.Properties
	between(p["level"], 1, 9)
	between(p["min_size"], 0, maxBytes)
	between(p["max_window_bits"], 9, 15) // zlib cannot compress with 8
	between(p["max_ratio"], 0, maxRatio)
}

// between bounds an integer.
func between(s *jsonschema.Schema, low, high float64) {
	s.Minimum, s.Maximum = &low, &high
}

// formatted has the strings that s describes be of format f. It returns s.
func formatted(s *jsonschema.Schema, f *format) *jsonschema.Schema {
	s.Pattern = f.pattern.String()
	return s
}

// words returns strings as an enumeration.
func words(all []string) []any {
	enum := make([]any, len(all))
	for i, word := range all {
		enum[i] = word
	}
	return enum
}

// where returns the schema of objects whose key, where they have it, is of s.
func where(key string, s *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{key: s}}
}

// given returns the schema of objects that have a key, and it is of s.
func given(key string, s *jsonschema.Schema) *jsonschema.Schema {
	object := where(key, s)
	object.Required = []string{key}
	return object
}

// constant returns the schema of one value.
func constant(v any) *jsonschema.Schema { return &jsonschema.Schema{Const: &v} }

// not returns the schema of what is not of s.
func not(s *jsonschema.Schema) *jsonschema.Schema { return &jsonschema.Schema{Not: s} }

// nothing returns the schema that no value is of.
func nothing() *jsonschema.Schema { return not(&jsonschema.Schema{}) }

// some returns the schema of lists with elements.
func some() *jsonschema.Schema { return &jsonschema.Schema{MinItems: jsonschema.Ptr(1)} }

// none returns the schema of the empty list.
func none() *jsonschema.Schema { return &jsonschema.Schema{MaxItems: jsonschema.Ptr(0)} }
