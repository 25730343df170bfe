package wire

import (
	"errors"
	"strings"
	"testing"
)

// lookalikes are heads that are nearly right, or right in a place where
// another parser looks: what TestBadHandshakes does not have. want is "" for
// those that are right, more for those that are not complete.
var lookalikes = []struct {
	name string // begins with the section of RFC 6455, 9110 or 9112
	in   string
	want string
}{
	{"9112 2.1 no header lines", "GET / HTTP/1.1\r\n\r\n", bad400("there are 0 Host lines, want 1")},
	{"9112 2.1 HTTP/0.9", "GET /\r\n", more}, // and not an answer at once
	{"9112 2.2 NUL first", "\x00GET / HTTP/1.1\r\n", bad400("line 1, byte 1: control character 0x00")},
	{"9112 2.2 NUL in the target", "GET /\x00 HTTP/1.1\r\n", bad400("line 1, byte 6: control character 0x00")},
	{"9112 2.2 NUL in a name", "GET / HTTP/1.1\r\nHo\x00st: a\r\n", bad400("line 2, byte 3: control character 0x00")},
	{"9112 2.2 CR in the target", "GET /\r HTTP/1.1\r\n", bad400("line 1, byte 7: CR without LF after it")},
	{"9112 2.2 LF CR", "GET / HTTP/1.1\n\r", bad400("line 1, byte 15: LF without CR before it")},
	{"9112 2.2 LF first", "\nGET / HTTP/1.1\r\n", bad400("line 1, byte 1: LF without CR before it")},
	{"9112 2.2 CR first, without LF", "\rGET / HTTP/1.1\r\n", bad400("line 1, byte 2: CR without LF after it")},
	{"9112 2.2 the last line ends in LF", strings.TrimSuffix(with(), "\r\n") + "\n", bad400("line 7, byte 1: LF without CR before it")},
	{"9112 2.2 the last line ends in CR CR LF", strings.TrimSuffix(with(), "\r\n") + "\r\r\n", bad400("line 7, byte 2: CR without LF after it")},
	{"9112 2.2 white space before the empty line", strings.TrimSuffix(with(), "\r\n") + " \r\n\r\n", bad400("header line 6: a folded line")},

	{"9112 3 tab behind the method", "GET\t/ HTTP/1.1\r\n", bad400("line 1, byte 4: this is not HTTP")},
	{"9112 3 two spaces behind the method", with("GET  / HTTP/1.1"), bad400(notLine)},
	{"9112 3 two spaces behind the target", with("GET /  HTTP/1.1"), bad400(`the version is " HTTP/1.1", want HTTP/1.1`)},
	{"9112 3 tab behind the target", "GET /\tHTTP/1.1\r\n\r\n", bad400(notLine)},
	{"9112 2.3 http/1.1", strings.Replace(with(), "HTTP/1.1", "http/1.1", 1), bad400(`the version is "http/1.1", want HTTP/1.1`)},
	{"9112 2.3 HTTP/1.2", with("GET / HTTP/1.2"), bad400(`the version is "HTTP/1.2", want HTTP/1.1`)},
	{"9112 2.3 HTTP/1.10", with("GET / HTTP/1.10"), bad400(`the version is "HTTP/1.10", want HTTP/1.1`)},
	{"9112 2.3 HTTP/01.1", with("GET / HTTP/01.1"), bad400(`the version is "HTTP/01.1", want HTTP/1.1`)},
	{"9112 2.3 a long version is cut", with("GET / HTTP/" + strings.Repeat("1", 30)), bad400(`the version is "HTTP/111111111111111", want HTTP/1.1`)},
	{"9110 9.3.6 CONNECT", with("CONNECT example.com:80 HTTP/1.1"), `wire: 405 Method Not Allowed: the method is "CONNECT", want GET`},
	{"9110 9.3.7 OPTIONS", with("OPTIONS * HTTP/1.1"), `wire: 405 Method Not Allowed: the method is "OPTIONS", want GET`},
	{"9110 9.1 a long method is cut", with(strings.Repeat("X", 30) + " / HTTP/1.1"), `wire: 405 Method Not Allowed: the method is "` + strings.Repeat("X", 20) + `", want GET`},
	{"9110 9.1 every byte of a token", with("!#$%&'*+-.^_`|~ / HTTP/1.1"), `wire: 405 Method Not Allowed: the method is "!#$%&'*+-.^_` + "`" + `|~", want GET`},
	{"9110 5.6.2 no token", "GE(T / HTTP/1.1\r\n", bad400("line 1, byte 3: this is not HTTP")},

	{"9112 3.2 relative", with("GET chat HTTP/1.1"), bad400(notPath)},
	{"9112 3.2 query only", with("GET ?a HTTP/1.1"), bad400(notPath)},
	{"9112 3.2 DEL is a control character already", "GET /\x7f HTTP/1.1\r\n", bad400("line 1, byte 6: control character 0x7F")},
	{"9112 3.2 fragment in an absolute form", with("GET ws://a/#b HTTP/1.1"), bad400("the request target has a byte 0x23 at 7")},
	{"9112 3.2.2 scheme without slashes", with("GET ws:a HTTP/1.1"), bad400(notPath)},
	{"9112 3.2.2 scheme of another length", with("GET wsss://a/ HTTP/1.1"), bad400(notPath)},
	{"9112 3.2.2 port only", with("GET ws://:80/ HTTP/1.1"), bad400("the request target has no proper host")},
	{"9112 3.2.2 the target's host counts", with("GET ws://b/ HTTP/1.1", "Host: a"), ""},
	{"9112 3.2.2 a bad Host beside an absolute target", with("GET ws://b/ HTTP/1.1", "Host: a b"), bad400(badHost)},
	{"9112 3.2 the same Host twice", also("Host: example.com:8080"), bad400("there are 2 Host lines, want 1")},
	{"9112 3.2 Host in two cases", also("hOST: a"), bad400("there are 2 Host lines, want 1")},
	{"9112 3.2 user in Host", with("Host: me@a"), bad400(badHost)},
	{"9112 3.2 scheme in Host", with("Host: ws://a"), bad400(badHost)},
	{"9112 3.2 byte above 127 in Host", with("Host: \xc3\xa9"), bad400(badHost)},

	{"9110 8.6 Content-Length 00", also("Content-Length: 00"), ""},
	{"9110 8.6 negative Content-Length", also("Content-Length: -1"), bad400("Content-Length is not one number")},
	{"9110 8.6 hexadecimal Content-Length", also("Content-Length: 0x0"), bad400("Content-Length is not one number")},
	{"9112 6.3 Content-Lengths that differ", also("Content-Length: 0", "Content-Length: 5"), bad400("Content-Length is not one number")},
	{"9112 6.1 empty Transfer-Encoding", also("Transfer-Encoding:"), bad413("Transfer-Encoding" + noBody)},

	{"6455 4.2.1 empty Upgrade", with("Upgrade:"), bad426("Upgrade does not ask for websocket")},
	{"6455 4.2.1 Upgrade with a version", with("Upgrade: websocket/13"), bad426("Upgrade does not ask for websocket")},
	{"6455 4.2.1 Upgrade in quotes", with(`Upgrade: "websocket"`), bad426("Upgrade does not ask for websocket")},
	{"6455 4.2.1 Upgrade twice", also("Upgrade: websocket"), ""},
	{"6455 4.2.1 empty elements around it", with("Upgrade: ,, websocket ,", "Connection: , upgrade,"), ""},
	{"6455 4.2.1 empty Connection", with("Connection:"), bad426("Connection does not say upgrade")},
	{"6455 4.2.1 Connection with a parameter", with("Connection: upgrade;q=1"), bad426("Connection does not say upgrade")},
	{"6455 4.2.1 Connection that begins with it", with("Connection: Upgraded"), bad426("Connection does not say upgrade")},
	{"6455 4.2.1 Connection: close, upgrade", with("Connection: close, upgrade"), ""},
	{"6455 4.2.1 empty version", with("Sec-WebSocket-Version:"), bad426(`Sec-WebSocket-Version is "", want 13`)},
	{"6455 4.1 version with a zero before it", with("Sec-WebSocket-Version: 013"), bad426(`Sec-WebSocket-Version is "013", want 13`)},
	{"6455 4.1 version with a sign", with("Sec-WebSocket-Version: +13"), bad426(`Sec-WebSocket-Version is "+13", want 13`)},
	{"6455 4.4 two versions that differ", also("Sec-WebSocket-Version: 8"), bad400("there are 2 Sec-WebSocket-Version lines, want 1")},
	{"6455 11.3.1 two keys that differ", also("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), bad400("there are 2 Sec-WebSocket-Key lines, want 1")},
	{"6455 11.3.1 list of keys", with("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==, AAAAAAAAAAAAAAAAAAAAAA=="), bad400(badKey)},
	{"6455 4.2.1 key without its padding", with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"), bad400(badKey)},
	{"6455 4.2.1 key with a space inside", with("Sec-WebSocket-Key: dGhlIHNhbXBs ZSBub25jZQ="), bad400(badKey)},
	{"6455 4.2.1 key with padding inside", with("Sec-WebSocket-Key: dGhlIHNhbXB=ZSBub25jZQ=="), bad400(badKey)},
	{"6455 4.1 subprotocol on the second line is bad", also("Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b/c"), bad400(badList)},
	{"6455 4.1 empty subprotocol", also("Sec-WebSocket-Protocol:"), bad400("Sec-WebSocket-Protocol is empty")},

	// Which fault is told where there are several: the one that stands first in
	// what is read, then the order of HTTP before WebSocket.
	{"6455 4.2.1 version before method", with("POST / HTTP/1.0"), bad400(`the version is "HTTP/1.0", want HTTP/1.1`)},
	{"6455 4.2.1 method before target", with("POST * HTTP/1.1"), `wire: 405 Method Not Allowed: the method is "POST", want GET`},
	{"6455 4.2.1 Host before body", with("Host", "Content-Length: 5"), bad400("there are 0 Host lines, want 1")},
	{"6455 4.2.1 body before Upgrade", with("Upgrade", "Content-Length: 5"), bad413("Content-Length" + noBody)},
	{"6455 4.2.1 Upgrade before version", with("Upgrade", "Sec-WebSocket-Version: 8"), bad426("Upgrade does not ask for websocket")},
	{"6455 4.4 version before key", with("Sec-WebSocket-Version: 8", "Sec-WebSocket-Key"), bad426(`Sec-WebSocket-Version is "8", want 13`)},
	{"6455 4.2.1 key before subprotocols", with("Sec-WebSocket-Key: x", "Sec-WebSocket-Protocol: ,"), bad400(badKey)},
}

const more = "more bytes are needed"

func TestLookalikes(t *testing.T) {
	for _, tt := range lookalikes {
		t.Run(tt.name, func(t *testing.T) {
			cuts(tt.in, func(how string, pieces []string) {
				r, _, err := shake(HeadLimits{}, pieces...)
				got := ""
				var refusal *Refusal
				switch {
				case errors.As(err, &refusal):
					got = refusal.Error()
				case r == nil:
					got = more
				}
				if got != tt.want {
					t.Fatalf("%s:\n got %q\nwant %q", how, got, tt.want)
				}
			})
			compareWithHTTP(t, tt.in)
		})
	}
}
