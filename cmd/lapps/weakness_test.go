package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// weaknesses are those of LAppS, under the letters of the list that was made of them:
// what clients, applications and operators could do to it, and what it did wrong by
// itself. Each is played once, over real connections. What is behind it is tested where it
// is done.
var weaknesses = []struct {
	name string
	play func(t *testing.T)
}{
	{"a: an unknown path", unknownPath},
	{"b: an invalid message", invalidMessage},
	{"c: a missing key", missingKey},
	{"d: a bad Lua file", badLua},
	{"e: services that depend on each other", dependsCycle},
	{"f: bad bundles", badBundles},
	{"g: a slow reader", slowReader},
	{"h: half a TLS record", halfRecord},
	{"i: a shutdown that hangs", hangingShutdown},
	{"j: a mistyped auto_start", mistypedAutoStart},
	{"k: access lists", accessLists},
	{"l: the access list of a new bundle", bundledAccessList},
	{"m: IPv6", overIPv6},
	{"n: paths that lead out of a bundle", escapingPaths},
	{"o: a set-uid binary", setUIDBinary},
	{"p: forged handlers", forgedHandlers},
	{"q: foreign origins", foreignOrigins},
	{"r: whom the client trusts", clientTrust},
	{"s: too much of everything", tooMuch},
	{"t: the sandbox", sandboxed},
	{"u: abrupt loss", abruptLosses},
	{"v: HTTP as it comes", oddRequests},
	{"w: an unsolicited sub-protocol", unsolicitedSubprotocol},
	{"x: ws:close", closeCloses},
	{"y: nap's arithmetic", napArithmetic},
	{"z: quirks", quirks},
}

// TestWeakness does to lapps what LAppS did not stand. One of them is
//
//	go test -run 'Weakness/k:' ./cmd/lapps
func TestWeakness(t *testing.T) {
	for i, w := range weaknesses {
		if !strings.HasPrefix(w.name, string(rune('a'+i))+": ") {
			t.Errorf("%q does not begin with the letter %c", w.name, 'a'+i)
		}
		t.Run(w.name, w.play)
	}
}

// unharmed has somebody whom nobody means to harm echo.
func unharmed(t testing.TB, c client) {
	t.Helper()
	message := []byte("still here")
	c.send(t, false, message)
	mustReceive(t, c, false, message)
}

// needModule skips the test of a module that is not there yet.
func needModule(t testing.TB, name string) {
	t.Helper()
	if why := moduleMistake("preload", []string{name}); why != "" {
		t.Skip(why)
	}
}

// answerTo sends a request, in these pieces, and returns the answer. Where it is a
// refusal it has to be whole, and the last thing on the connection.
func answerTo(t testing.TB, c net.Conn, pieces ...string) *http.Response {
	t.Helper()
	for _, p := range pieces {
		io.WriteString(c, p)
	}
	r := bufio.NewReader(c)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return response
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || int64(len(body)) != response.ContentLength || !response.Close {
		t.Errorf("body %q, %v, Content-Length %d, close %v", body, err, response.ContentLength, response.Close)
	}
	if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
		t.Errorf("after the refusal: %q, %v", rest, err)
	}
	return response
}

// dialFrom is a TCP connection from an address of this machine.
func dialFrom(t testing.TB, address, to string) *net.TCPConn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	c, err := d.DialContext(patience(t), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// unknownPath: the thread that read the request ended for good.
func unknownPath(t *testing.T) {
	d := startDaemon(t, `{"loops": 2, "services": {"echo": {"instances": 1}}}`, echoApp)
	c := dialCoder(t, d.url("/echo"), nil)
	for _, path := range []string{"/nowhere", "/", "/echo/", "/ech%6f", "/" + strings.Repeat("x", 4000)} {
		for range 4 { // each loop has its share
			if status := statusOf(t, d.addr(), upgrade(path)); status != 404 {
				t.Errorf("%.20s: status %d, want 404", path, status)
			}
		}
	}
	unharmed(t, c)
	mustEcho(t, d.url("/echo"))
}

// judgeLua is LAppS's form of a service, which does what its messages ask for.
const judgeLua = `
local judge = {}
function judge.onMessage(handler, kind, message)
  if message.method == "echo" then return ws:send(handler, {cid = 0, status = 1, result = message.params}) end
  if message.method == "fail" then error("no") end
  if message.method == "refuse" then return false end
  ws:send(handler, {cid = 0, status = 1, result = {}})
  if message.method == "number" then return 42 end
end
return judge`

// invalidMessage: the instance ended for good, whoever else it served.
func invalidMessage(t *testing.T) {
	d := startDaemon(t, `{"services": {"judge": {"protocol": "LAppS", "instances": 1}}}`, map[string]string{"judge/judge.lua": judgeLua})
	other := dialLAppS(t, d.url("/judge"))
	attacker := dialLAppS(t, d.url("/judge"))
	well := func(what string) {
		t.Helper()
		if got := other.call(t, "echo", what); got[0] != what {
			t.Errorf("after %s the other one receives %v", what, got)
		}
	}
	for _, c := range []struct {
		name string
		data []byte
		code int64
	}{
		{"nothing", []byte{}, -32700},
		{"cut CBOR", []byte{0x82, 0x01}, -32700},
		{"a byte behind it", []byte{0xa0, 0x00}, -32700},
		{"a tag", []byte{0xc1, 0x00}, -32700},
		{"no map", marshal(t, 1), -32600},
		{"no version", marshal(t, object{"method": "echo"}), -32600},
		{"version 2", marshal(t, object{"lapps": 2, "method": "echo"}), -32600},
		{"no method", marshal(t, object{"lapps": 1}), -32600},
		{"an empty method", marshal(t, object{"lapps": 1, "method": ""}), -32600},
		{"a reserved method", marshal(t, object{"lapps": 1, "method": "_echo"}), -32600},
		{"a method with a dot", marshal(t, object{"lapps": 1, "method": "e.cho"}), -32600},
		{"a cid that is a text", marshal(t, object{"lapps": 1, "method": "echo", "cid": "5"}), -32600},
		{"an error in Lua", marshal(t, object{"lapps": 1, "method": "fail"}), -32603},
	} {
		attacker.send(t, true, c.data)
		m := attacker.response(t)
		if e, _ := m["error"].(object); e["code"] != c.code {
			t.Errorf("%s: %v, want the error %d", c.name, m, c.code)
		}
		well(c.name)
	}
	for _, method := range []string{"nothing", "number"} { // is what onMessage returns
		if got := attacker.call(t, method); len(got) > 0 {
			t.Errorf("%s: %v", method, got)
		}
		well(method)
	}
	attacker.request(t, "refuse")
	if code, reason := attacker.closed(t); code != 1008 || reason != "refused by the service" {
		t.Errorf("refused with %d %q", code, reason)
	}
	well("false")
	text := dialLAppS(t, d.url("/judge"))
	text.send(t, false, []byte("text"))
	if code, _ := text.closed(t); code != 1003 {
		t.Errorf("a text is refused with %d", code)
	}
	well("a text")
}

// keysLua looks at what may not be there.
const keysLua = `
local keys = {}
function keys.onMessage(handler, kind, m)
  local who = m.params and m.params[1]
  local found
  if m.method == "careful" then
    found = {type(m.nothing), type(m.params[99]), type(m.params[-1]), type(who.nothing), type(nljson.find(who, "nothing"))}
  elseif m.method == "careless" then
    found = {who.name.first}
  else
    found = {m.params.name}
  end
  return ws:send(handler, {cid = 0, status = 1, result = found})
end
return keys`

// missingKey: reading a key that is not there aborted the process.
func missingKey(t *testing.T) {
	d := startDaemon(t, `{"services": {"keys": {"protocol": "LAppS", "instances": 1}}}`, map[string]string{"keys/keys.lua": keysLua})
	c := dialLAppS(t, d.url("/keys"))
	ask := func() {
		t.Helper()
		if got := fmt.Sprint(c.call(t, "careful", object{})); got != "[nil nil nil nil nil]" {
			t.Errorf("what is not there is %s", got)
		}
	}
	ask()
	for _, params := range [][]any{nil, {object{}}, {object{"name": 5}}, {[]any{}}, {nil}, {"text"}} {
		c.refused(t, -32603, "internal error", "careless", params...)
		ask()
	}
	c.refused(t, -32603, "internal error", "a key of the wrong kind", 1)
	ask()
}

// badLua: the process died at the first message to a service whose file is no good.
func badLua(t *testing.T) {
	p := startProcess(t, 1, `{"timeouts": {"close_ms": 300}, "services": {"echo": {}, "cut": {}, "raises": {}, "poor": {}, "needy": {}, "bytes": {}, "starts": {}}}`, map[string]string{
		"echo/echo.lua":     echoLua,
		"cut/cut.lua":       "return {onMessage = function(",
		"raises/raises.lua": `error("not today")`,
		"poor/poor.lua":     "return {}",
		"needy/needy.lua":   `return require "nowhere"`,
		"bytes/bytes.lua":   "\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00",
		"starts/starts.lua": `return {onStart = function() error("never") end, onMessage = print}`,
	})
	for _, name := range []string{"cut", "raises", "poor", "needy", "bytes", "starts"} {
		for range 3 {
			if status := statusOf(t, p.addr, upgrade("/"+name)); status != 503 {
				t.Errorf("%s: status %d, want 503", name, status)
			}
		}
		if p.log.count(`"service":"`+name+`"`) == 0 {
			t.Errorf("%s is not named in the log:\n%s", name, p.log)
		}
	}
	mustEcho(t, "ws://"+p.addr+"/echo")
	p.cmd.Process.Signal(syscall.SIGTERM)
	if status := p.wait(t); status != exitOK {
		t.Errorf("exit status %d\n%s", status, p.log)
	}
}

// dependsCycle: services were started until the stack was full.
func dependsCycle(t *testing.T) {
	const cycle = `{"services": {"a": {"depends": ["b"]}, "b": {"depends": ["c"]}, "c": {"depends": ["a"]}}}`
	apps := map[string]string{"a/a.lua": echoLua, "b/b.lua": echoLua, "c/c.lua": echoLua}
	native := writeApps(t, apps)
	lapps := writeApps(t, apps)
	if err := os.WriteFile(filepath.Join(lapps, "lapps.json"), []byte(cycle), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"native": writeConfig(t, native, cycle), "LAppS's": lapps} {
		status, _, stderr := command(t, "run", "-c", path)
		if want := "services depend on each other: a -> b -> c -> a"; status != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit status %d, %s", name, status, stderr)
		}
	}
}

// badBundles: after one file that was no archive nothing was deployed any more, files that
// were moved were not seen, and of several at once some were lost.
func badBundles(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {"instances": 1}}}`, echoApp)
	c := dialCoder(t, d.url("/echo"), nil)
	in := func(name string) string { return filepath.Join(d.dir, "deploy", name) }
	whole := zipOf(t, map[string]string{"echo/echo.lua": saysLua("replaced")})
	bad := map[string][]byte{
		"empty.lar":     {},
		"noise.lar":     append([]byte("LAR\x01"), bytes.Repeat([]byte("x"), 500)...),
		"boundless.lar": append([]byte("LAR\x01"), bytes.Repeat([]byte{0xff}, 44)...), // sizes of 4 GiB
		"cut.zip":       whole[:len(whole)/2],
		"two.zip":       zipOf(t, map[string]string{"a/a.lua": echoLua, "b/b.lua": echoLua}),
		"syntax.zip":    zipOf(t, map[string]string{"echo/echo.lua": "return ="}),
	}
	for name, data := range bad {
		mustWrite(t, in(name), data)
	}
	mustWrite(t, in("notes.txt"), []byte("hello"))
	for _, err := range []error{
		os.Mkdir(in("directory.zip"), 0o755),
		syscall.Mkfifo(in("pipe.zip"), 0o644),
		os.Symlink(in("cut.zip"), in("link.zip")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all that are bad are refused", func() bool { return d.logged.count("bundle not deployed") == len(bad) })
	const many = 10
	name := func(i int) string { return fmt.Sprintf("many%d", i) }
	for i := range many {
		mustWrite(t, in(name(i)+".zip"), zipOf(t, map[string]string{
			name(i) + "/" + name(i) + ".lua": saysLua(name(i)), name(i) + "/" + name(i) + ".json": `{"instances": 1}`}))
	}
	eventually(t, "all that are good are deployed", func() bool { return d.logged.count("bundle deployed") == many })
	for i := range many {
		mustHear(t, d.url("/"+name(i)), name(i))
	}
	unharmed(t, c)
	if n := d.logged.count("bundle not deployed"); n != len(bad) {
		t.Errorf("%d bundles are refused, want %d:\n%s", n, len(bad), d.logged)
	}
}

// mistypedAutoStart: the server ended with it, and so did one that ran, with a bundle.
func mistypedAutoStart(t *testing.T) {
	path := writeConfig(t, writeApps(t, echoApp), `{"services": {"echo": {"auto_start": "yes"}}}`)
	status, _, stderr := command(t, "run", "-c", path)
	if want := path + `:1: services.echo.auto_start: must be true or false, not "yes"`; status != exitUsage || !strings.Contains(stderr, want) {
		t.Errorf("exit status %d, %s, want %s", status, stderr, want)
	}

	home := writeFiles(t, map[string]string{
		"etc/conf/lapps.json": `{"services": {"echo": {"auto_strat": true, "instances": 1, "request_target": "/echo", "protocol": "raw"}}}`,
		"apps/echo/echo.lua":  echoLua,
	})
	_, notices, err := loadConfig(home)
	if want := `services.echo.auto_strat: unknown key, ignored; did you mean "auto_start"?`; err != nil || !strings.Contains(fmt.Sprint(notices), want) {
		t.Errorf("%v, %v, want %s", notices, err, want)
	}

	d := startOperated(t, `{"services": {"echo": {"instances": 1}}}`, echoApp)
	c := dialCoder(t, d.url("/echo"), nil)
	mustWrite(t, filepath.Join(d.dir, "deploy", "chat.zip"), zipOf(t, map[string]string{"chat/chat.lua": echoLua, "chat/chat.json": `{"auto_start": "yes"}`}))
	eventually(t, "the bundle is refused", func() bool { return d.logged.count("bundle not deployed") == 1 })
	if d.logged.count("auto_start: must be true or false") == 0 {
		t.Errorf("the log does not say why:\n%s", d.logged)
	}
	unharmed(t, c)
}
