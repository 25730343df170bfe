package wire

import (
	"reflect"
	"strings"
	"testing"
)

// pieces cuts s into pieces of sizes that sizes says, over and over; at most
// as many bytes as it says, and 1 at least.
func pieces(s string, sizes []byte) (p []string) {
	if len(sizes) == 0 {
		return []string{s}
	}
	for i := 0; s != ""; i++ {
		n := min(len(s), 1+int(sizes[i%len(sizes)]))
		p, s = append(p, s[:n]), s[n:]
	}
	return p
}

// FuzzDecoder holds the decoder, fed in pieces, against its twin, and against
// itself fed at once.
func FuzzDecoder(f *testing.F) {
	for i, tt := range decodeTests {
		f.Add(tt.in, []byte{byte(i)}, byte(tt.role), uint16(i), uint16(2*i))
	}
	f.Fuzz(func(t *testing.T, stream string, sizes []byte, role byte, frame, message uint16) {
		r, limits := Role(role%2), Limits{int(frame), int(message)}
		cut := pieces(stream, sizes)
		compareWithTwin(t, r, limits, cut)
		got, want := decode(r, &limits, cut...), decode(r, &limits, stream)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("in pieces:\n got %v\nwhole %v", got, want)
		}
	})
}

// FuzzHandshake feeds a head at once and in pieces, to both roles, and reads
// again what is written for a request that is accepted.
func FuzzHandshake(f *testing.F) {
	for i, tt := range badHandshakes {
		f.Add(tt.in, []byte{byte(i)}, uint16(0))
	}
	f.Add(with()+"\x81\x00", []byte{3}, uint16(300))
	f.Add(also("Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Extensions: x"), []byte{0}, uint16(200))
	f.Add("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", []byte{9}, uint16(0))
	f.Fuzz(func(t *testing.T, in string, sizes []byte, limit uint16) {
		limits := HeadLimits{Bytes: int(limit), Line: int(limit) / 2, Headers: int(limit) / 20}
		cut := pieces(in, sizes)
		whole, wholeRest, wholeErr := shake(limits, in)
		r, rest, err := shake(limits, cut...)
		if !reflect.DeepEqual(r, whole) || rest != wholeRest || !reflect.DeepEqual(err, wholeErr) {
			t.Fatalf("in pieces: got %+v, rest %q, %v\nwhole: %+v, rest %q, %v", r, rest, err, whole, wholeRest, wholeErr)
		}
		compareClients(t, in, cut, limits)
		if r == nil {
			return
		}
		compareWithHTTP(t, in)
		answer := r.AppendAccept(nil, strings.Join(r.Subprotocols[:min(1, len(r.Subprotocols))], ""), nil)
		c := ClientHandshake{Key: r.Key, Subprotocols: r.Subprotocols}
		if resp, _, err := c.Feed(answer); resp == nil || err != nil {
			t.Fatalf("our own answer %q: %v", answer, err)
		}
	})
}

func compareClients(t *testing.T, in string, cut []string, limits HeadLimits) {
	t.Helper()
	feed := func(pieces []string) (r *Response, err error) {
		h := ClientHandshake{Key: "dGhlIHNhbXBsZSBub25jZQ==", Limits: limits}
		for _, p := range pieces {
			if r, _, err = h.Feed([]byte(p)); r != nil || err != nil {
				break
			}
		}
		return r, err
	}
	got, err := feed(cut)
	want, wantErr := feed([]string{in})
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
		t.Fatalf("client in pieces: got %+v, %v\nwhole: %+v, %v", got, err, want, wantErr)
	}
}

// FuzzCloseFrame: whatever is made into a Close frame can be parsed.
func FuzzCloseFrame(f *testing.F) {
	f.Add(uint16(1000), "bye")
	f.Add(uint16(1005), "é\xff")
	f.Add(uint16(4000), strings.Repeat("€", 50))
	f.Fuzz(func(t *testing.T, code uint16, reason string) {
		frame := CloseFrame(Code(code), reason)
		got, _, err := ParseClose([]byte(frame.Payload))
		want := Code(code)
		if !want.Sendable() {
			want = NoStatus
		}
		if err != nil || got != want || len(frame.Payload) > maxControl {
			t.Fatalf("got %d, %v, %d bytes, want %d", got, err, len(frame.Payload), want)
		}
	})
}
