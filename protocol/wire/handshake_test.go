package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// greeting is a correct opening handshake, as lines. The tests change it.
var greeting = []string{
	"GET /chat?room=1 HTTP/1.1",
	"Host: example.com:8080",
	"Upgrade: websocket",
	"Connection: keep-alive, Upgrade",
	"Sec-WebSocket-Version: 13",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
}

// with returns greeting with lines in place of those of the same name, and
// the rest added. A line "Name" without a colon removes; the request line
// is the one that ends in HTTP/x.
func with(lines ...string) string {
	out := append([]string(nil), greeting...)
	for _, l := range lines {
		name, _, found := strings.Cut(l, ":")
		if strings.Contains(l, " HTTP/") {
			out[0] = l
			continue
		}
		at := len(out)
		for i := 1; i < len(greeting); i++ {
			if strings.HasPrefix(greeting[i], name+":") {
				at = i
			}
		}
		switch {
		case at == len(out):
			out = append(out, l)
		case found:
			out[at] = l
		default:
			out[at] = "X-Removed: yes"
		}
	}
	return strings.Join(out, "\r\n") + "\r\n\r\n"
}

// also returns greeting with lines added, whatever their names.
func also(lines ...string) string {
	return strings.Join(append(greeting[:len(greeting):len(greeting)], lines...), "\r\n") + "\r\n\r\n"
}

// shake feeds the pieces to a new Handshake. rest is what followed the head.
func shake(limits HeadLimits, pieces ...string) (r *Request, rest string, err error) {
	h := Handshake{Limits: limits}
	for i, piece := range pieces {
		p := []byte(piece)
		r, after, err := h.Feed(p)
		if err != nil {
			return nil, "", err
		}
		rest := string(after)
		clear(p) // nothing of it is kept
		if r != nil {
			return r, rest + strings.Join(pieces[i+1:], ""), nil
		}
	}
	return nil, "", nil
}

func TestHandshake(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	type want struct {
		target, path, query, host string
		subprotocols              []string
		extensions, rest          string
	}
	usual := want{target: "/chat?room=1", path: "/chat", query: "room=1", host: "example.com:8080"}
	change := func(f func(*want)) want { w := usual; f(&w); return w }
	for _, tt := range []struct {
		name string // begins with the section of RFC 6455, 9110 or 9112
		in   string
		want want
	}{
		{"6455 4.2.1 usual", with(), usual},
		{"6455 4.2.1 frames behind it", with() + "\x81\x80\r\n\r\n", change(func(w *want) { w.rest = "\x81\x80\r\n\r\n" })},
		{"6455 4.2.1 names and tokens in any case", "GET /chat?room=1 HTTP/1.1\r\nhOST:example.com:8080\r\nUPGRADE:WebSocket\r\n" +
			"connection:upgrade\r\nsec-websocket-version:13\r\nsec-webSocket-KEY:" + key + "\r\n\r\n", usual},
		{"6455 4.2.1 token among others", with("Upgrade: h2c , websocket", "Connection: keep-alive,\tUpgrade ,x"), usual},
		{"9110 5.3 lists on two lines", also("Upgrade: h2c", "Connection: close"), usual},
		{"9110 5.5 white space around values", with("Host: \t example.com:8080 \t"), usual},
		{"9110 5.5 bytes above 127 in a value", also("X-Name: J\xf6rg"), usual},
		{"6455 4.1 subprotocols", also("Sec-WebSocket-Protocol: chat, superchat ,v1.2"),
			change(func(w *want) { w.subprotocols = []string{"chat", "superchat", "v1.2"} })},
		{"6455 11.3.4 subprotocols on lines of their own", also("Sec-WebSocket-Protocol: b,, a", "X: y", "sec-websocket-protocol:c,"),
			change(func(w *want) { w.subprotocols = []string{"b", "a", "c"} })},
		{"6455 9.1 extensions", also("Sec-WebSocket-Extensions: a; b=1, c", "Sec-WebSocket-Extensions: d"),
			change(func(w *want) { w.extensions = "a; b=1, c, d" })},
		{"9112 3.2.1 root", with("GET / HTTP/1.1"), change(func(w *want) { w.target, w.path, w.query = "/", "/", "" })},
		{"9112 3.2.1 escapes stay", with("GET /a%2Fb%20/?x=%3f?y HTTP/1.1"),
			change(func(w *want) { w.target, w.path, w.query = "/a%2Fb%20/?x=%3f?y", "/a%2Fb%20/", "x=%3f?y" })},
		{"9112 3.2.1 two slashes are a path", with("GET //other/x HTTP/1.1"),
			change(func(w *want) { w.target, w.path, w.query = "//other/x", "//other/x", "" })},
		{"9112 3.2.2 absolute form", with("GET ws://other:1/x?y HTTP/1.1"),
			change(func(w *want) { *w = want{target: "ws://other:1/x?y", path: "/x", query: "y", host: "other:1"} })},
		{"9112 3.2.2 absolute form without a path", with("GET HTTPS://other?y HTTP/1.1"),
			change(func(w *want) { *w = want{target: "HTTPS://other?y", path: "/", query: "y", host: "other"} })},
		{"9112 3.2.2 absolute form with nothing behind it", with("GET http://other HTTP/1.1"),
			change(func(w *want) { *w = want{target: "http://other", path: "/", host: "other"} })},
		{"9112 3.2 address of IPv6", with("Host: [::1]:80"), change(func(w *want) { w.host = "[::1]:80" })},
		{"9112 2.2 an empty line before", "\r\n" + with(), usual},
		{"9112 6.3 Content-Length 0", also("Content-Length: 0"), usual},
		{"6455 4.2.1 key with padding bits", with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="), usual},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cuts(tt.in, func(how string, pieces []string) {
				r, rest, err := shake(HeadLimits{}, pieces...)
				if r == nil {
					t.Fatalf("%s: got no request, %v", how, err)
				}
				got := want{r.Target, r.Path, r.Query, r.Host, r.Subprotocols, r.Extensions, rest}
				if !reflect.DeepEqual(got, tt.want) {
					t.Fatalf("%s:\n got %+v\nwant %+v", how, got, tt.want)
				}
				if r.Header.Get("Sec-WebSocket-Key") != r.Key || !strings.HasPrefix(r.Key, key[:21]) {
					t.Fatalf("%s: got key %q, header %q", how, r.Key, r.Header)
				}
			})
			compareWithHTTP(t, tt.in)
		})
	}
}

// net/http reads the same headers, where it accepts the request.
func compareWithHTTP(t *testing.T, in string) {
	t.Helper()
	r, _, err := shake(HeadLimits{}, in)
	if err != nil || r == nil {
		return
	}
	twin, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.TrimPrefix(in, "\r\n"))))
	if err != nil {
		t.Logf("net/http refuses: %v", err)
		return
	}
	got := r.Header.Clone()
	got.Del("Host") // net/http keeps it elsewhere, and changes these
	for _, name := range []string{"Pragma", "Cache-Control", "Trailer"} {
		got.Del(name)
		twin.Header.Del(name)
	}
	if twin.Host != r.Host || twin.RequestURI != r.Target || !reflect.DeepEqual(got, twin.Header) {
		t.Errorf("got %q %q %q, net/http says %q %q %q", r.Host, r.Target, got, twin.Host, twin.RequestURI, twin.Header)
	}
}

// bad400 and the others are what a Refusal says.
func bad400(reason string) string { return "wire: 400 Bad Request: " + reason }
func bad413(reason string) string { return "wire: 413 Request Entity Too Large: " + reason }
func bad426(reason string) string { return "wire: 426 Upgrade Required: " + reason }

const (
	notLine = `the request line is not "method target version"`
	notHTTP = "this is not HTTP"
	notPath = `the request target does not begin with "/"`
	badHost = "Host is not a host and port"
	noBody  = ": a handshake has no body"
	badKey  = "Sec-WebSocket-Key is not 16 bytes of base64"
	badList = "Sec-WebSocket-Protocol has an element that is not a token"
)

var badHandshakes = []struct {
	name string // begins with the section of RFC 6455, 9110 or 9112
	in   string
	want string
}{
	{"9112 2.1 TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", bad400("this port speaks no TLS: the address begins with ws://, not wss://")},
	{"9112 2.1 binary", "\xff\x00", bad400("line 1, byte 1: " + notHTTP)},
	{"9112 2.1 a frame", masked(0x81, "hello"), bad400("line 1, byte 1: " + notHTTP)},
	{"9112 2.1 PROXY protocol", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\r\n", bad400(`the version is "192.0.2.1 192.0.2.2 ", want HTTP/1.1`)},
	{"9112 2.2 space first", " GET / HTTP/1.1\r\n", bad400("line 1, byte 1: " + notHTTP)},
	{"9112 2.2 two empty lines before", "\r\n\r\n", bad400("line 1, byte 1: " + notHTTP)},
	{"9112 2.2 LF alone", "GET / HTTP/1.1\nHost: a\n\n", bad400("line 1, byte 15: LF without CR before it")},
	{"9112 2.2 LF alone in a header", "GET / HTTP/1.1\r\nHost: a\n", bad400("line 2, byte 8: LF without CR before it")},
	{"9112 2.2 CR alone", "GET / HTTP/1.1\r\nHost: a\rb", bad400("line 2, byte 9: CR without LF after it")},
	{"9112 2.2 CR twice", "GET / HTTP/1.1\r\r\n", bad400("line 1, byte 16: CR without LF after it")},
	{"9112 3 method only", "GET\r\n", bad400("line 1, byte 4: " + notHTTP)},
	{"9112 3 slash in the method", "GET/ / HTTP/1.1\r\n\r\n", bad400(notLine)},
	{"9112 3 no version", "GET /\r\n\r\n", bad400(notLine)},
	{"9112 3 no target", "GET  HTTP/1.1\r\n\r\n", bad400(notLine)},
	{"9112 3 target with a space", with("GET /a b HTTP/1.1"), bad400(`the version is "b HTTP/1.1", want HTTP/1.1`)},
	{"9112 3 space behind the version", with("GET / HTTP/1.1 "), bad400(`the version is "HTTP/1.1 ", want HTTP/1.1`)},
	{"9112 2.3 HTTP/1.0", with("GET / HTTP/1.0"), bad400(`the version is "HTTP/1.0", want HTTP/1.1`)},
	{"9112 2.3 HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bad400(`the version is "HTTP/2.0", want HTTP/1.1`)},
	{"9112 2.3 lower case", with("GET / http/1.1 HTTP/"), bad400(`the version is "http/1.1 HTTP/", want HTTP/1.1`)},
	{"6455 4.1 POST", with("POST / HTTP/1.1"), `wire: 405 Method Not Allowed: the method is "POST", want GET`},
	{"6455 4.1 HEAD", with("HEAD / HTTP/1.1"), `wire: 405 Method Not Allowed: the method is "HEAD", want GET`},
	{"9110 9.1 methods have a case", with("get / HTTP/1.1"), `wire: 405 Method Not Allowed: the method is "get", want GET`},
	{"9112 3.2.4 asterisk form", with("GET * HTTP/1.1"), bad400(notPath)},
	{"9112 3.2.3 authority form", with("GET example.com:80 HTTP/1.1"), bad400(notPath)},
	{"9112 3.2.2 another scheme", with("GET file:///etc HTTP/1.1"), bad400(notPath)},
	{"9112 3.2.2 no host", with("GET ws:///x HTTP/1.1"), bad400("the request target has no proper host")},
	{"9112 3.2.2 user", with("GET ws://me@a/x HTTP/1.1"), bad400("the request target has no proper host")},
	{"6455 3 fragment", with("GET /a#b HTTP/1.1"), bad400("the request target has a byte 0x23 at 2")},
	{"9112 3.2 byte above 127", with("GET /\xc3\xa9 HTTP/1.1"), bad400("the request target has a byte 0xC3 at 1")},
	{"9112 3.2 tab", with("GET /\t HTTP/1.1"), bad400("the request target has a byte 0x09 at 1")},

	{"9112 5.1 space before the colon", also("X : y"), bad400("header line 6: the name is not a token")},
	{"9112 5.1 no name", also(": y"), bad400("header line 6: the name is not a token")},
	{"9112 5 no colon", also("X"), bad400("header line 6: there is no colon")},
	{"9112 5.2 folded", also("X: y", " z: a"), bad400("header line 7: a folded line")},
	{"9112 5.2 folded by a tab", also("X: y", "\tz"), bad400("header line 7: a folded line")},
	{"9112 5.2 space before the first header", strings.Replace(with(), "Host", " Host", 1), bad400("header line 1: a folded line")},
	{"9110 5.1 name with a slash", also("X/Y: z"), bad400("header line 6: the name is not a token")},
	{"9110 5.1 name with UTF-8", also("Ünicode: z"), bad400("header line 6: the name is not a token")},
	{"9110 5.5 NUL", also("X: a\x00b"), bad400("line 7, byte 5: control character 0x00")},
	{"9110 5.5 escape", also("X: \x1b[1m"), bad400("line 7, byte 4: control character 0x1B")},
	{"9110 5.5 DEL", also("X: \x7f"), bad400("line 7, byte 4: control character 0x7F")},

	{"9112 3.2 no Host", with("Host"), bad400("there are 0 Host lines, want 1")},
	{"9112 3.2 two Hosts", also("Host: a"), bad400("there are 2 Host lines, want 1")},
	{"9112 3.2 empty Host", with("Host: "), bad400(badHost)},
	{"9112 3.2 list of Hosts", with("Host: a, b"), bad400(badHost)},
	{"9112 3.2 path in Host", with("Host: a/b"), bad400(badHost)},
	{"9112 3.2 port only", with("Host: :80"), bad400(badHost)},
	{"9112 3.2 Host is needed beside an absolute target", with("GET ws://a/ HTTP/1.1", "Host"), bad400("there are 0 Host lines, want 1")},

	{"9112 6.1 Transfer-Encoding", also("Transfer-Encoding: chunked"), bad413("Transfer-Encoding" + noBody)},
	{"9112 6.1 Transfer-Encoding and Content-Length", also("Content-Length: 0", "Transfer-Encoding: identity"), bad413("Transfer-Encoding" + noBody)},
	{"9112 6.2 Content-Length", also("Content-Length: 5"), bad413("Content-Length" + noBody)},
	{"9112 6.2 huge Content-Length", also("Content-Length: 99999999999999999999999"), bad413("Content-Length" + noBody)},
	{"9112 6.3 two Content-Lengths", also("Content-Length: 0", "Content-Length: 0"), bad400("Content-Length is not one number")},
	{"9112 6.3 list of Content-Lengths", also("Content-Length: 0, 0"), bad400("Content-Length is not one number")},
	{"9110 8.6 signed Content-Length", also("Content-Length: +0"), bad400("Content-Length is not one number")},
	{"9110 8.6 empty Content-Length", also("Content-Length:"), bad400("Content-Length is not one number")},

	{"6455 4.2.1 no Upgrade", with("Upgrade"), bad426("Upgrade does not ask for websocket")},
	{"6455 4.2.1 another protocol", with("Upgrade: h2c"), bad426("Upgrade does not ask for websocket")},
	{"6455 4.2.1 part of a token", with("Upgrade: websockets"), bad426("Upgrade does not ask for websocket")},
	{"6455 4.2.1 folds to websocket", with("Upgrade: web\u017focket"), bad426("Upgrade does not ask for websocket")},
	{"6455 4.2.1 no Connection", with("Connection"), bad426("Connection does not say upgrade")},
	{"6455 4.2.1 keep-alive", with("Connection: keep-alive"), bad426("Connection does not say upgrade")},
	{"6455 4.2.1 no version", with("Sec-WebSocket-Version"), bad400("there are 0 Sec-WebSocket-Version lines, want 1")},
	{"6455 4.4 version 8", with("Sec-WebSocket-Version: 8"), bad426(`Sec-WebSocket-Version is "8", want 13`)},
	{"6455 4.4 list of versions", with("Sec-WebSocket-Version: 13, 8"), bad426(`Sec-WebSocket-Version is "13, 8", want 13`)},
	{"6455 4.4 two versions", also("Sec-WebSocket-Version: 13"), bad400("there are 2 Sec-WebSocket-Version lines, want 1")},
	{"6455 4.2.1 no key", with("Sec-WebSocket-Key"), bad400("there are 0 Sec-WebSocket-Key lines, want 1")},
	{"6455 11.3.1 two keys", also("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), bad400("there are 2 Sec-WebSocket-Key lines, want 1")},
	{"6455 4.2.1 empty key", with("Sec-WebSocket-Key:"), bad400(badKey)},
	{"6455 4.2.1 key of 15 bytes", with("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA"), bad400(badKey)},
	{"6455 4.2.1 key of 17 bytes", with("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="), bad400(badKey)},
	{"6455 4.2.1 key of 18 bytes", with("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA"), bad400(badKey)},
	{"6455 4.2.1 key not in base64", with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q=="), bad400(badKey)},
	{"6455 4.2.1 key in base64url", with("Sec-WebSocket-Key: ___________________-_w=="), bad400(badKey)},
	{"6455 4.1 subprotocol with a space", also("Sec-WebSocket-Protocol: a b"), bad400(badList)},
	{"6455 4.1 subprotocol with quotes", also("Sec-WebSocket-Protocol: a", `Sec-WebSocket-Protocol: "b"`), bad400(badList)},
	{"6455 4.1 no subprotocol", also("Sec-WebSocket-Protocol: ,"), bad400("Sec-WebSocket-Protocol is empty")},
}

func TestBadHandshakes(t *testing.T) {
	for _, tt := range badHandshakes {
		t.Run(tt.name, func(t *testing.T) {
			cuts(tt.in, func(how string, pieces []string) {
				r, _, err := shake(HeadLimits{}, pieces...)
				var refusal *Refusal
				if r != nil || !errors.As(err, &refusal) || err.Error() != tt.want {
					t.Fatalf("%s:\n got %v, %v\nwant %s", how, r, err, tt.want)
				}
			})
		})
	}
}

func TestHeadLimits(t *testing.T) {
	const (
		longHead  = "wire: 431 Request Header Fields Too Large: the head of the message is longer than %d bytes"
		longLine  = "wire: 431 Request Header Fields Too Large: a line is longer than %d bytes"
		longFirst = "wire: 414 Request URI Too Long: a line is longer than %d bytes"
		longURI   = "wire: 414 Request URI Too Long: the head of the message is longer than %d bytes"
		many      = "wire: 431 Request Header Fields Too Large: more than %d header lines"
	)
	in := with()
	line := len("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
	first := "GET /" + strings.Repeat("x", 100) + " HTTP/1.1\r\n"
	for _, tt := range []struct {
		name   string
		limits HeadLimits
		in     string
		want   string // "" for a request, or none yet
	}{
		{"bytes, exactly", HeadLimits{Bytes: len(in)}, in, ""},
		{"bytes, by one", HeadLimits{Bytes: len(in) - 1}, in, fmt.Sprintf(longHead, len(in)-1)},
		{"bytes without an end of line", HeadLimits{Bytes: 60}, in[:61], fmt.Sprintf(longHead, 60)},
		{"bytes without an end of line, not yet too many", HeadLimits{Bytes: 60}, in[:60], ""},
		{"frames do not count", HeadLimits{Bytes: len(in)}, in + strings.Repeat("x", 300), ""},
		{"line, exactly", HeadLimits{Line: line}, in, ""},
		{"line, by one", HeadLimits{Line: line - 1}, in, fmt.Sprintf(longLine, line-1)},
		{"line without an end", HeadLimits{Line: 40}, "GET / HTTP/1.1\r\n" + strings.Repeat("x", 41), fmt.Sprintf(longLine, 40)},
		{"line without an end, not yet too long", HeadLimits{Line: 40}, "GET / HTTP/1.1\r\n" + strings.Repeat("x", 40), ""},
		{"request line, exactly", HeadLimits{Line: len(first)}, first, ""},
		{"request line, by one", HeadLimits{Line: len(first) - 1}, first, fmt.Sprintf(longFirst, len(first)-1)},
		{"request line longer than a head", HeadLimits{Bytes: 50}, first, fmt.Sprintf(longURI, 50)},
		{"method without an end", HeadLimits{Line: 20}, strings.Repeat("X", 21), fmt.Sprintf(longFirst, 20)},
		{"headers, exactly", HeadLimits{Headers: 5}, in, ""},
		{"headers, by one", HeadLimits{Headers: 4}, in, fmt.Sprintf(many, 4)},
		{"default of bytes", HeadLimits{Line: 1 << 20}, also("X: " + strings.Repeat("x", 8192)), fmt.Sprintf(longHead, 8192)},
		{"default of line", HeadLimits{Bytes: 1 << 20}, also("X: " + strings.Repeat("x", 8192)), fmt.Sprintf(longLine, 8192)},
		{"default of headers, exactly", HeadLimits{}, also(strings.Split(strings.Repeat("X: y\n", 95), "\n")[:95]...), ""},
		{"default of headers, by one", HeadLimits{}, also(strings.Split(strings.Repeat("X: y\n", 96), "\n")[:96]...), fmt.Sprintf(many, 100)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			try := func(how string, pieces []string) {
				_, _, err := shake(tt.limits, pieces...)
				got := ""
				if err != nil {
					got = err.Error()
				}
				if got != tt.want {
					t.Fatalf("%s:\n got %q\nwant %q", how, got, tt.want)
				}
			}
			if len(tt.in) < 1000 {
				cuts(tt.in, try)
			} else {
				try("whole", []string{tt.in})
				try("byte by byte", strings.Split(tt.in, ""))
			}
		})
	}
}

// Without a limit on its first word, or on anything, an endless head would
// be kept: at most Bytes are.
func TestHandshakeKeepsLittle(t *testing.T) {
	var h Handshake
	var err error
	p := []byte("GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 4000))
	for err == nil {
		_, _, err = h.Feed(p)
		if n := cap(h.head.text); n > 2*defaultHeadBytes {
			t.Fatalf("%d bytes are kept", n)
		}
		p = []byte(strings.Repeat("y", 1000))
	}
	if h.head.text != nil {
		t.Error("a refused handshake keeps its bytes")
	}
}

func TestAppendAccept(t *testing.T) {
	r, _, err := shake(HeadLimits{}, with())
	if err != nil {
		t.Fatal(err)
	}
	// The key and its answer are RFC 6455's, section 1.3.
	const begin = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	for _, tt := range []struct {
		name, subprotocol, extensions string
		extra                         []HeaderField
		want                          string
	}{
		{"plain", "", "", nil, begin + "\r\n"},
		{"subprotocol", "chat", "", nil, begin + "Sec-WebSocket-Protocol: chat\r\n\r\n"},
		{"extra", "", "", []HeaderField{{"Server", "lapps"}, {"X-Empty", ""}}, begin + "Server: lapps\r\nX-Empty: \r\n\r\n"},
		{"extension", "", "permessage-deflate; server_no_context_takeover", nil,
			begin + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n"},
		{"extension ends its line", "", "a\r\nX: y", nil, begin + "\r\n"},
		{"subprotocol ends its line", "a\r\nX: y", "", nil, begin + "\r\n"},
		{"subprotocol is a list", "a, b", "", nil, begin + "\r\n"},
		{"value ends its line", "", "", []HeaderField{{"X", "a\r\nY: b"}, {"X", "a\nY: b"}, {"X", "a\r"}, {"X", "\x00"}, {"Z", "z"}}, begin + "Z: z\r\n\r\n"},
		{"name ends its line", "", "", []HeaderField{{"X\r\nY", "a"}, {"X: y\r\nZ", "a"}, {"", "a"}, {"X ", "a"}}, begin + "\r\n"},
		{"part of the handshake", "", "", []HeaderField{
			{"connection", "close"}, {"UPGRADE", "x"}, {"Sec-WebSocket-Accept", "x"}, {"Sec-WebSocket-Protocol", "x"},
			{"Sec-WebSocket-Extensions", "x"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"},
		}, begin + "\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(r.AppendAccept([]byte("before"), tt.subprotocol, tt.extensions, tt.extra)); got != "before"+tt.want {
				t.Errorf("got %q\nwant %q", got, "before"+tt.want)
			}
		})
	}
}

func TestRefusalAppend(t *testing.T) {
	const kind = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
	for _, tt := range []struct {
		name    string
		refusal Refusal
		want    string
	}{
		{"400", Refusal{400, "no", nil}, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n" + kind + "Content-Length: 3\r\n\r\nno\n"},
		{"401 with a header", Refusal{401, "who?", []HeaderField{{"WWW-Authenticate", "Basic"}}},
			"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n" + kind + "Content-Length: 5\r\nWWW-Authenticate: Basic\r\n\r\nwho?\n"},
		{"405", Refusal{405, "", nil}, "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\n" + kind + "Content-Length: 1\r\n\r\n\n"},
		{"426", Refusal{426, "x", nil}, "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\n" + kind + "Content-Length: 2\r\n\r\nx\n"},
		{"429", Refusal{429, "x", []HeaderField{{"retry-after", "60"}}},
			"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n" + kind + "Content-Length: 2\r\nretry-after: 60\r\n\r\nx\n"},
		{"503", Refusal{503, "x", nil}, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n" + kind + "Content-Length: 2\r\n\r\nx\n"},
		{"503 with an unsafe header", Refusal{503, "x", []HeaderField{{"Retry-After", "1\r\nX: y"}}},
			"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n" + kind + "Content-Length: 2\r\n\r\nx\n"},
		{"reserved headers", Refusal{404, "é\r\n", []HeaderField{{"content-length", "9"}, {"Connection", "x"}, {"Transfer-Encoding", "x"}, {"Content-Type", "x"}}},
			"HTTP/1.1 404 Not Found\r\nConnection: close\r\n" + kind + "Content-Length: 5\r\n\r\né\r\n\n"},
		{"not an error", Refusal{399, "x", nil}, "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n" + kind + "Content-Length: 2\r\n\r\nx\n"},
		{"not a status", Refusal{600, "x", nil}, "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n" + kind + "Content-Length: 2\r\n\r\nx\n"},
		{"no status", Refusal{}, "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n" + kind + "Content-Length: 1\r\n\r\n\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := string(tt.refusal.Append([]byte("before")))
			if got != "before"+tt.want {
				t.Errorf("got %q\nwant %q", got, "before"+tt.want)
			}
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(tt.want)), nil)
			if err != nil || !resp.Close {
				t.Errorf("net/http: %v, or does not close", err)
			}
		})
	}
}

// gobwas/ws upgrades what we accept.
func TestHandshakeWithGobwas(t *testing.T) {
	var got bytes.Buffer
	up := ws.Upgrader{Protocol: func(p []byte) bool { return string(p) == "superchat" }}
	in := AppendUpgrade(nil, "example.com", "/x", Key([16]byte{1, 2, 3}), []string{"chat", "superchat"}, nil)
	_, err := up.Upgrade(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(in), &got})
	if err != nil {
		t.Fatal(err)
	}
	h := ClientHandshake{Key: Key([16]byte{1, 2, 3}), Subprotocols: []string{"chat", "superchat"}}
	r, rest, err := h.Feed(got.Bytes())
	if err != nil || r == nil || r.Subprotocol != "superchat" || len(rest) > 0 {
		t.Errorf("got %+v, rest %q, %v", r, rest, err)
	}
}
