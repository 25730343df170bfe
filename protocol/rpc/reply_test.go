package rpc

import "testing"

// TestReplies: what is told to a Builder is, byte for byte, what the section
// says, and a reply.
func TestReplies(t *testing.T) {
	for _, tt := range []struct {
		name string
		tell func(b Builder)
		kind Kind
		want string
	}{
		{"no result", func(b Builder) { BeginResult(b, 0); EndResult(b) }, Result, `{"cid": 0, "result": [], "status": 1}`},
		{"two results", func(b Builder) {
			BeginResult(b, 2)
			b.Text("pong")
			b.Map(0)
			b.End()
			EndResult(b)
		}, Result, `{"cid": 0, "result": ["pong", {}], "status": 1}`},
		{"an error", func(b Builder) { PutError(b, MethodNotFound, "there is no method \"x\"", nil) }, Failure,
			`{"cid": 0, "error": {"code": -32601, "message": "there is no method \"x\""}, "status": 0}`},
		{"an error with data", func(b Builder) { PutError(b, 17, "full", func() { b.Array(1); b.Int(3); b.End() }) }, Failure,
			`{"cid": 0, "error": {"code": 17, "data": [3], "message": "full"}, "status": 0}`},
	} {
		p := encode(tt.tell)
		if got := diagnose(p); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		if p != slowEncode(walk(p)) {
			t.Errorf("%s: the members are not in order", tt.name)
		}
		if kind, err := ParseReply(p); kind != tt.kind || err != nil {
			t.Errorf("%s: got kind %d, %v, want %d", tt.name, kind, err, tt.kind)
		}
	}
}

func TestError(t *testing.T) {
	_, e := ParseRequest("\xa1\x65lapps\x01")
	if got, want := e.Error(), "rpc: method is missing (-32600)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := Check("\x00"); err != nil {
		t.Errorf("a nil *Error became %#v", err)
	}
}
