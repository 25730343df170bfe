package generator

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/gorilla/websocket"
)

// The example of the protocol's specification, section 6.
func TestRequest(t *testing.T) {
	got := hex.EncodeToString(appendRequest(nil, []byte("hello")))
	if want := "a3656c6170707301666d6574686f64646563686f66706172616d73816568656c6c6f"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Requests and responses are what another implementation of CBOR takes them
// for, and makes, at every length of a text's head.
func TestDialect(t *testing.T) {
	for _, size := range []int{16, 23, 24, 255, 256, 65535, 65536} {
		f := newFrames(LAppS, Binary, size, 3)
		p, n := f.take(digits(7), 15, 3)
		if n == 0 || len(p) != n*f.length {
			t.Fatalf("size %d: took %d frames, %d bytes", size, n, len(p))
		}
		frame := p[:f.length]
		if n > 1 {
			frame = p[f.length : 2*f.length]
		}
		h, err := parseHead(append([]byte{frame[0], frame[1] &^ 0x80}, frame[2:]...))
		if err != nil || h.op != byte(Binary) {
			t.Fatalf("size %d: %+v, %v", size, h, err)
		}
		key, payload := frame[h.length:h.length+4], bytes.Clone(frame[h.length+4:])
		for i := range payload {
			payload[i] ^= key[i&3]
		}
		var request struct {
			LAppS  int      `cbor:"lapps"`
			Method string   `cbor:"method"`
			Params []string `cbor:"params"`
		}
		if err := cbor.Unmarshal(payload, &request); err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		number := int64(15)
		if n > 1 {
			number = 16
		}
		want := string(newFrames(Raw, Binary, size, 1).payload(digits(7), number))
		if request.LAppS != 1 || request.Method != "echo" || !slices.Equal(request.Params, []string{want}) {
			t.Errorf("size %d: got %.100v", size, request)
		}
		response := responseTo(t, want)
		if !f.is(response, digits(7), number) || f.is(response, digits(7), number+1) || f.is(response, digits(8), number) {
			t.Errorf("size %d: % .60x is not taken as it should", size, response)
		}
		for i := range response { // not a byte may differ
			response[i] ^= 1
			if (size < 100 || i%1000 == 0) && f.is(response, digits(7), number) {
				t.Errorf("size %d: byte %d is not looked at", size, i)
			}
			response[i] ^= 1
		}
	}
}

// responseTo encodes a response as section 2.2 of the specification has it:
// keys in the order of their bytes.
func responseTo(t *testing.T, text string) []byte {
	t.Helper()
	mode, err := cbor.EncOptions{Sort: cbor.SortBytewiseLexical}.EncMode()
	if err != nil {
		t.Fatal(err)
	}
	p, err := mode.Marshal(map[string]any{"cid": 0, "status": 1, "result": []string{text}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lapps answers requests as a server of the protocol does.
func lapps(t *testing.T, change func(n int, response []byte) []byte) func(*websocket.Conn) {
	return func(c *websocket.Conn) {
		each(c, func(n, op int, p []byte) bool {
			_, text, ok := strings.Cut(string(p), requestStart)
			if !ok || op != websocket.BinaryMessage {
				t.Errorf("got opcode %d, % x", op, p)
				return false
			}
			text = text[len(appendTextHead(nil, len(text))):]
			before, behind := responseAround(len(text))
			return c.WriteMessage(op, change(n, append(append(before, text...), behind...))) == nil
		})
	}
}

func TestLAppSEcho(t *testing.T) {
	target := serve(t, lapps(t, func(_ int, p []byte) []byte { return p }))
	for _, size := range []int{16, 20, 100, 200} {
		cfg := bounded(target, 3, 5, 60)
		cfg.Size, cfg.Dialect = size, LAppS
		r := mustEcho(t, cfg)
		if r.Verified != 60 || r.Dialect != "lapps" || r.Size != size || len(r.Failures) > 0 {
			t.Errorf("size %d: got %+v", size, r)
		}
	}
}

func TestLAppSFailures(t *testing.T) {
	target := serve(t, lapps(t, func(n int, p []byte) []byte {
		if n == 2 { // an error response
			return []byte("\xa3\x63cid\x00\x65error\xa2\x64code\x11\x67message\x60\x66status\x00")
		}
		return p
	}))
	cfg := bounded(target, 1, 1, 5)
	cfg.Dialect = LAppS
	r := mustEcho(t, cfg)
	want := []Failure{{WrongEcho, 1, "connection 0: message 2: binary of 36 bytes, expected binary of 88"}}
	if !slices.Equal(r.Failures, want) || r.Verified != 2 {
		t.Errorf("got  %+v\nwant %+v", r.Failures, want)
	}
}
