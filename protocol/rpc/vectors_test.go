package rpc

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// A vector is one of testdata/vectors.json; testdata/README.md says what its
// fields mean.
type vector struct {
	Name       string   `json:"name"`
	Section    string   `json:"section"`
	Direction  string   `json:"direction"`
	Hex        string   `json:"hex"`
	Diagnostic string   `json:"diagnostic,omitempty"`
	Valid      *meaning `json:"valid,omitempty"`
	Error      *refusal `json:"error,omitempty"`
}

// A meaning is what a valid message says. Requests have a type, a method and
// parameters, replies a channel and what their kind asks for.
type meaning struct {
	Kind    string `json:"kind"`
	Type    int    `json:"type,omitempty"`
	Method  string `json:"method,omitempty"`
	Params  *int   `json:"params,omitempty"`
	CID     *int64 `json:"cid,omitempty"`
	Results *int   `json:"results,omitempty"`
	Message *int   `json:"message,omitempty"`
	Code    *int64 `json:"code,omitempty"`
}

// A refusal is why a message is invalid. What a client refuses has a code only
// where it is not CBOR.
type refusal struct {
	Code    Code   `json:"code,omitempty"`
	Message string `json:"message"`
}

func loadVectors(t testing.TB) (all []vector) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// bytes are those of the message.
func (v *vector) bytes(t testing.TB) string {
	t.Helper()
	p, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	return string(p)
}

func TestVectors(t *testing.T) {
	var valid, invalid int
	for _, v := range loadVectors(t) {
		t.Run(v.Direction+"/"+v.Name, func(t *testing.T) {
			p := v.bytes(t)
			read := map[string]func(string) (*meaning, *refusal){"request": readRequest, "reply": readReply}[v.Direction]
			m, e := read(p)
			if !reflect.DeepEqual(m, v.Valid) || !reflect.DeepEqual(e, v.Error) {
				t.Errorf("got  %s\nwant %s", asJSON(m, e), asJSON(v.Valid, v.Error))
			}
			if d := diagnose(p); d != v.Diagnostic {
				t.Errorf("diagnostic notation\ngot  %s\nwant %s", d, v.Diagnostic)
			}
		})
		if v.Valid != nil {
			valid++
		} else {
			invalid++
		}
	}
	if valid < 30 || invalid < 60 {
		t.Errorf("%d valid and %d invalid vectors are too few", valid, invalid)
	}
}

func asJSON(v ...any) string {
	p, _ := json.Marshal(v)
	return string(p)
}

// readRequest says what p means to a server.
func readRequest(p string) (*meaning, *refusal) {
	r, e := ParseRequest(p)
	if e != nil {
		return nil, &refusal{e.Code, e.Message}
	}
	m := &meaning{Kind: "request", Type: 3, Method: r.Method}
	if r.Notification {
		m.Kind, m.Type, m.CID = "notification", 1, &r.CID
	}
	n := 0
	if r.Params != "" {
		n = len(walk(r.Params).([]tree))
		m.Type++
	}
	m.Params = &n
	return m, nil
}

// readReply says what p means to a client.
func readReply(p string) (*meaning, *refusal) {
	if e := check(p); e != nil {
		return nil, &refusal{e.Code, e.Message}
	}
	kind, err := ParseReply(p)
	if err != nil {
		return nil, &refusal{0, err.Error()}
	}
	t := walk(p).(map[string]tree)
	cid, _ := slowInteger(t["cid"])
	m := &meaning{CID: &cid}
	switch kind {
	case Result:
		n := len(t["result"].([]tree))
		m.Kind, m.Results = "result", &n
	case Failure, ChannelFailure:
		code, _ := slowInteger(t["error"].(map[string]tree)["code"])
		m.Kind, m.Code = "failure", &code
	case Notification:
		n := len(t["message"].([]tree))
		m.Kind, m.Message = "OON", &n
	}
	return m, nil
}

// diagnose returns p in diagnostic notation; "": it is not well-formed.
func diagnose(p string) string {
	mode, err := cbor.DiagOptions{MaxNestedLevels: 1000}.DiagMode()
	if err != nil {
		panic(err)
	}
	text, err := mode.Diagnose([]byte(p))
	if err != nil {
		return ""
	}
	return text
}

// TestVectorsTwin holds the vectors against the twin, so that no mistake of ours
// becomes a golden one.
func TestVectorsTwin(t *testing.T) {
	for _, v := range loadVectors(t) {
		p := v.bytes(t)
		decoded, err := slowDecode(p)
		switch {
		case v.Error != nil && (v.Error.Code == ParseError) != (err != nil):
			t.Errorf("%s: the twin says %v", v.Name, err)
		case v.Direction == "request":
			if _, code := slowParseRequest(p); v.Error != nil && code != v.Error.Code || v.Error == nil && code != 0 {
				t.Errorf("%s: the twin says %d", v.Name, code)
			}
		case err == nil:
			kind, err := slowParseReply(decoded)
			want := Kind(0)
			if v.Valid != nil {
				want = Kind(1 + slices.Index([]string{"result", "failure", "OON"}, v.Valid.Kind))
				if want == Failure && *v.Valid.CID > 0 {
					want = ChannelFailure
				}
			}
			if kind != want {
				t.Errorf("%s: the twin says %d, %v", v.Name, kind, err)
			}
		}
	}
}
