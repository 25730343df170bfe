package wire

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestKey(t *testing.T) {
	var nonce [16]byte
	copy(nonce[:], "the sample nonce") // RFC 6455, section 1.3
	if got, want := Key(nonce), "dGhlIHNhbXBsZSBub25jZQ=="; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAppendUpgrade(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	const fixed = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	for _, tt := range []struct {
		name              string
		host, target, key string
		subprotocols      []string
		extra             []HeaderField
		want              string
	}{
		{"plain", "a:1", "/x?y", key, nil, nil, "GET /x?y HTTP/1.1\r\nHost: a:1\r\n" + fixed + "Sec-WebSocket-Key: " + key + "\r\n\r\n"},
		{"no target", "a", "", key, nil, nil, "GET / HTTP/1.1\r\nHost: a\r\n" + fixed + "Sec-WebSocket-Key: " + key + "\r\n\r\n"},
		{"query only", "a", "?y", key, nil, nil, "GET /?y HTTP/1.1\r\nHost: a\r\n" + fixed + "Sec-WebSocket-Key: " + key + "\r\n\r\n"},
		{"escapes stay", "a", "/%20", key, nil, nil, "GET /%20 HTTP/1.1\r\nHost: a\r\n" + fixed + "Sec-WebSocket-Key: " + key + "\r\n\r\n"},
		{"offers and extra", "a", "/", key, []string{"b", "c"}, []HeaderField{{"Origin", "http://o"}},
			"GET / HTTP/1.1\r\nHost: a\r\n" + fixed + "Sec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Protocol: b, c\r\nOrigin: http://o\r\n\r\n"},
		{"nothing ends its line", "a\r\nX: y", "/ HTTP/1.1\r\né#", "k\r\nX: y", []string{"p\r\nX: y", "q, r"},
			[]HeaderField{{"X", "y\r\nZ: z"}, {"Host", "b"}, {"sec-websocket-extensions", "x"}},
			"GET /%20HTTP/1.1%0D%0A%C3%A9%23 HTTP/1.1\r\n" + fixed + "\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := append([]string(nil), tt.subprotocols...)
			got := string(AppendUpgrade([]byte("before"), tt.host, tt.target, tt.key, tt.subprotocols, tt.extra))
			if got != "before"+tt.want {
				t.Errorf("got %q\nwant %q", got, "before"+tt.want)
			}
			if !reflect.DeepEqual(before, tt.subprotocols) && len(before) > 0 {
				t.Errorf("the subprotocols passed became %q", tt.subprotocols)
			}
		})
	}
}

// A server's Handshake reads what AppendUpgrade writes, and so does net/http.
func TestUpgradeIsRead(t *testing.T) {
	in := string(AppendUpgrade(nil, "a:1", "/x?y", Key([16]byte{7}), []string{"b", "c"}, []HeaderField{{"Origin", "http://o"}}))
	r, rest, err := shake(HeadLimits{}, in)
	if err != nil || r == nil || rest != "" {
		t.Fatalf("got %v, rest %q, %v", r, rest, err)
	}
	if r.Target != "/x?y" || r.Host != "a:1" || !reflect.DeepEqual(r.Subprotocols, []string{"b", "c"}) || r.Header.Get("Origin") != "http://o" {
		t.Errorf("got %+v", r)
	}
	compareWithHTTP(t, in)
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(r.AppendAccept(nil, "c", "", nil))), nil)
	if err != nil || resp.StatusCode != 101 {
		t.Errorf("net/http reads the answer: %v, %v", resp, err)
	}
}

func TestClientHandshake(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	const good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	const says = "wire: the server's answer: "
	const badAccept = says + "Sec-WebSocket-Accept does not belong to the key"
	const saysTLS = says + "this port speaks TLS: the address begins with wss://, not ws://"
	const badProtocol = says + "Sec-WebSocket-Protocol is not one that was offered"
	replace := func(old, new string) string { return strings.Replace(good, old, new, 1) + "\r\n" }
	for _, tt := range []struct {
		name        string
		in          string
		subprotocol string
		rest        string
		status      int
		err         string
	}{
		{"usual", good + "\r\n", "", "", 0, ""},
		{"frames behind it", good + "\r\n\x81\x00", "", "\x81\x00", 0, ""},
		{"no reason phrase", replace(" Switching Protocols", ""), "", "", 0, ""},
		{"any case", strings.ToLower(good[len("HTTP/1.1 101"):strings.Index(good, "Sec-")]), "", "", 0, says + `line 1, byte 1: this is not HTTP`},
		{"token in any case", replace("websocket", "WebSocket"), "", "", 0, ""},
		{"subprotocol", good + "Sec-WebSocket-Protocol: b\r\n\r\n", "b", "", 0, ""},
		{"subprotocol not offered", good + "Sec-WebSocket-Protocol: x\r\n\r\n", "", "", 101, badProtocol},
		{"two subprotocols", good + "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n\r\n", "", "", 101, badProtocol},
		{"empty subprotocol", good + "Sec-WebSocket-Protocol:\r\n\r\n", "", "", 101, badProtocol},
		{"extension", good + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "", "", 101, says + "Sec-WebSocket-Extensions, but none were offered"},
		{"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "", "", 404, says + "404 Not Found, want 101"},
		{"302", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "", "", 302, says + "302 Found, want 101"},
		{"200 with correct headers", replace("101", "200"), "", "", 200, says + "200 OK, want 101"},
		{"a status nobody knows", "HTTP/1.1 799\r\n\r\n", "", "", 799, says + "799, want 101"},
		{"HTTP/1.0", replace("HTTP/1.1", "HTTP/1.0"), "", "", 0, says + `"HTTP/1.0 101 Switching Protocols" is not a status line of HTTP/1.1`},
		{"two digits", replace("101", "10"), "", "", 0, says + `"HTTP/1.1 10 Switching Protocols" is not a status line of HTTP/1.1`},
		{"no digits", replace("101", "1O1"), "", "", 0, says + `"HTTP/1.1 1O1 Switching Protocols" is not a status line of HTTP/1.1`},
		{"four digits", replace("101", "1011"), "", "", 0, says + `"HTTP/1.1 1011 Switching Protocols" is not a status line of HTTP/1.1`},
		{"no Upgrade", replace("Upgrade: websocket\r\n", ""), "", "", 101, says + "Upgrade does not say websocket"},
		{"no Connection", replace("Connection: Upgrade\r\n", ""), "", "", 101, says + "Connection does not say upgrade"},
		{"no Accept", replace("Sec-WebSocket-Accept", "X"), "", "", 101, badAccept},
		{"another Accept", replace("s3p", "S3p"), "", "", 101, badAccept},
		{"Accept twice", good + good[strings.Index(good, "Sec-"):] + "\r\n", "", "", 101, badAccept},
		{"no colon", good + "X\r\n\r\n", "", "", 101, says + "header line 4: there is no colon"},
		{"LF alone", "HTTP/1.1 101\n", "", "", 0, says + "line 1, byte 13: LF without CR before it"},
		{"TLS", "\x16\x03\x03\x00\x7a\x02", "", "", 0, saysTLS},
		{"an alert of TLS", "\x15\x03\x01\x00\x02\x02\x0a", "", "", 0, saysTLS},
		{"TLS's byte later", "H\x16", "", "", 0, says + "line 1, byte 2: control character 0x16"},
		{"SSH", "SSH-2.0-OpenSSH_9.6\r\n", "", "", 0, says + "line 1, byte 20: this is not HTTP"},
		{"too large", good + strings.Repeat("X: y\r\n", 100), "", "", 0, says + "more than 100 header lines"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cuts(tt.in, func(how string, pieces []string) {
				h := ClientHandshake{Key: key, Subprotocols: []string{"a", "b"}}
				var r *Response
				var rest string
				var err error
				for i := 0; i < len(pieces) && r == nil && err == nil; i++ {
					var after []byte
					r, after, err = h.Feed([]byte(pieces[i]))
					rest = string(after) + strings.Join(pieces[i+1:], "")
				}
				if tt.err != "" {
					var failure *ResponseError
					if r != nil || !errors.As(err, &failure) || failure.Error() != tt.err || failure.Status != tt.status {
						t.Fatalf("%s:\n got %v, %v\nwant %d, %s", how, r, err, tt.status, tt.err)
					}
					return
				}
				if err != nil || r == nil || r.Subprotocol != tt.subprotocol || rest != tt.rest || r.Header.Get("Upgrade") == "" {
					t.Fatalf("%s: got %+v, rest %q, %v", how, r, rest, err)
				}
			})
		})
	}
}
