package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"lapps/config"
)

// FuzzParse: Parse never panics; a mistake has a line of the file; what is
// accepted, the schema accepts too, and written out it means the same.
func FuzzParse(f *testing.F) {
	for _, m := range mistakes {
		f.Add([]byte(m.text))
	}
	for _, text := range []string{
		"", "\ufeff{} // a", "{", "[[[[", "{\"a", "/*", "{\"a\": \"\\", "\n\n\n{",
		`{"services": {"echo": {"acl": {"policy": "deny", "exclude": ["::1"]}, "extra_headers": {"X-A": "b"}}}}`,
		`{"listeners": [{"address": "localhost:1"}], "timeouts": {"ping_ms": 0}, "$schema": "x"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		c, err := config.Parse("lapps.json", text)
		if !bytes.Equal(text, before) {
			t.Fatal("the text was changed")
		}
		if err != nil {
			var e *config.Error
			if !errors.As(err, &e) || len(e.Mistakes) == 0 || c != nil {
				t.Fatalf("got %v, %v", c, err)
			}
			lines, last := 1+bytes.Count(text, []byte("\n")), 1
			for _, m := range e.Mistakes {
				if m.Line < last || m.Line > lines || m.File != "lapps.json" || m.Msg == "" {
					t.Fatalf("a bad mistake: %+v", m)
				}
				last = m.Line
			}
			return
		}
		if err := validate(t, text); err != nil {
			t.Fatalf("accepted, but not by the schema: %v", err)
		}
		written, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Parse("lapps.json", written)
		if again != nil {
			again.ForgetLines()
		}
		c.ForgetLines()
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("got %+v, %v\nwant %+v", again, err, c)
		}
	})
}
