package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
)

// letterHome copies an installation of LAppS, with a free port, and leaves out the services
// that need modules which are not there.
func letterHome(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	if err := os.CopyFS(home, os.DirFS(filepath.Join("testdata", "lapps_home"))); err != nil {
		t.Fatal(err)
	}
	port := []byte(freePort(t))
	err := filepath.WalkDir(home, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, bytes.ReplaceAll(text, []byte("5083"), port), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	leaveOutUnsupported(t, filepath.Join(home, "etc", "conf", "lapps.json"))
	if err := os.Mkdir(filepath.Join(home, "deploy"), 0o755); err != nil {
		t.Fatal(err)
	}
	return home
}

// freePort is one that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// leaveOutUnsupported takes out of a lapps.json what preloads modules that are not there.
func leaveOutUnsupported(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all object
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	services := all["services"].(object)
	for name, s := range services {
		modules, _ := s.(object)["preload"].([]any)
		if slices.ContainsFunc(modules, func(m any) bool { return moduleMistake("preload", []string{m.(string)}) != "" }) {
			t.Logf("without the service %s: not all of %v is there", name, modules)
			delete(services, name)
		}
	}
	if text, err = json.MarshalIndent(all, "", "  "); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestLetter runs an installation of LAppS, whose services are written to the letter of its
// manual, as it is: with LAPPS_HOME, and no other word on where anything is.
func TestLetter(t *testing.T) {
	home := letterHome(t)
	for name, value := range map[string]string{
		"LAPPS_HOME": home, "LUA_PATH": filepath.Join(home, "lib", "?.lua"), "LAPPS_CONF_DIR": "", "WS_CONFIG": "", "LAPPS_CONFIG": "",
	} {
		t.Setenv(name, value)
	}
	conf := filepath.Join(home, "etc", "conf")
	path, err := configPath("")
	if err != nil || path != conf {
		t.Fatalf("the configuration is %q, %v", path, err)
	}
	before, err := os.ReadFile(filepath.Join(conf, "lapps.json"))
	if err != nil {
		t.Fatal(err)
	}
	if status, stdout, stderr := command(t, "check"); status != exitOK || !strings.HasSuffix(stdout, conf+": ok\n") {
		t.Errorf("check: exit status %d\n%s%s", status, stdout, stderr)
	}
	d := startAgain(t, home, path)
	if d.logged.count(`"level":"ERROR"`) > 0 {
		t.Fatal(d.logged)
	}
	t.Run("notices", func(t *testing.T) { letterNotices(t, path) })
	t.Run("echo", func(t *testing.T) { letterEcho(t, d) })
	t.Run("echo_lapps", func(t *testing.T) { letterLAppS(t, d) })
	t.Run("survey", func(t *testing.T) { letterSurvey(t, d) })
	t.Run("broadcasts", func(t *testing.T) { letterBroadcasts(t, d) })
	t.Run("nosy", func(t *testing.T) { letterNosy(t, d) })
	t.Run("hashes", func(t *testing.T) { letterHashes(t, d) })
	t.Run("mqr", func(t *testing.T) {
		needModule(t, "mqr")
		eventually(t, "numbers are received", func() bool { return d.logged.count(`"msg":"received 15"`) == 1 })
	})
	t.Run("cws", func(t *testing.T) {
		needModule(t, "cws")
		eventually(t, "the client has its echoes", func() bool { return d.logged.count(`"msg":"cws_client: ping!! 1"`) == 1 })
	})
	d.stop()
	for text, want := range map[string]int{
		"echo::onStart()": 2, "echo::onShutdown()": 2, "echo_lapps::onStart()": 3, "echo_lapps::onShutdown()": 3,
		"time_broadcast::init() of instance time_broadcast/1": 1, "time_broadcast::run() ends": 1,
	} {
		if n := d.logged.count(`"msg":"` + text + `"`); n != want {
			t.Errorf("%q was printed %d times, want %d", text, n, want)
		}
	}
	for _, text := range []string{`"level":"ERROR"`, "onMessage():", "run():", "onerror", "should return true"} {
		if d.logged.count(text) > 0 {
			t.Errorf("%q was logged:\n%s", text, d.logged)
		}
	}
	if after, err := os.ReadFile(filepath.Join(conf, "lapps.json")); !bytes.Equal(before, after) {
		t.Errorf("the configuration was written: %v\n%s", err, after)
	}
}

// letterNotices: what has no meaning here is named.
func letterNotices(t *testing.T, path string) {
	_, notices, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, n := range notices {
		fmt.Fprintln(&all, n)
	}
	for _, key := range []string{
		"listeners", "connection_weight", "lapps_config_auto_save", "workers.workers", "workers.max_connections",
		"workers.max_poll_events", "workers.max_poll_wait_ms", "workers.max_inbounds_skip", "workers.input_buffer_size",
		"tls_server_version", "tls_client_version", "tls_certificates", "directories.app_conf_dir", "directories.tmp", "directories.workdir",
		"services.echo.proto_alias", "services.echo_lapps.depends[1]", "services.echo_lapps.depends[2]", "services.placeholder.instances",
	} {
		if strings.Count(all.String(), " "+key+": ") != 1 {
			t.Errorf("%s is not named once:\n%s", key, all.String())
		}
	}
}

func letterEcho(t *testing.T, d *operatedDaemon) {
	mustEcho(t, d.url("/echo"))
	conn, response, err := coder.Dial(patience(t), d.url("/echo"), &coder.DialOptions{Subprotocols: []string{"other", "echo.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if h := response.Header; conn.Subprotocol() != "echo.v1" || h.Get("Strict-Transport-Security") != "max-age=31536000" || h.Get("X-Powered-By") != "Lua" {
		t.Errorf("the answer is %v", h)
	}
	c := dialCoder(t, d.url("/echo"), nil)
	for _, size := range []int{0, 125, 126, 65536, 300_000} {
		for _, binary := range []bool{false, true} {
			want := payload(size, binary)
			c.send(t, binary, want)
			mustReceive(t, c, binary, want)
		}
	}
	c.send(t, true, payload(300_001, true))
	if code, _ := c.closed(t); code != 1009 {
		t.Errorf("a larger message is answered with %d", code)
	}
	wishes := dialGorilla(t, d.url("/echo"), nil)
	wishes.send(t, false, []byte("close me"))
	if code, reason := wishes.closed(t); code != 1000 || reason != "as you wish" {
		t.Errorf("closed with %d %q", code, reason)
	}
}

func letterLAppS(t *testing.T, d *operatedDaemon) {
	c := dialLAppS(t, d.url("/echo_lapps"))
	c.refused(t, -32602, "params are wanted", "login")
	c.refused(t, -32602, "user and password are wanted", "login", object{"user": "admin"})
	c.refused(t, -32000, "wrong user or password", "login", object{"user": "admin", "password": "guest"})
	c.refused(t, -32000, "wrong user or password", "login", object{"user": "nobody", "password": "guest"})
	c.refused(t, -32000, "log in first", "echo", object{"authkey": 1})
	key := c.call(t, "login", object{"user": "admin", "password": "admin"})[0].(object)["authkey"]
	params := []any{object{"authkey": key}, "text", int64(1 << 40), -1.5, true, []any{}, object{}, object{"a": []any{int64(1)}}}
	if got := c.call(t, "echo", params...); !reflect.DeepEqual(got, params) {
		t.Errorf("echo: %v, want %v", got, params)
	}
	if got := c.call(t, "later", 1); !reflect.DeepEqual(got, []any{"later"}) {
		t.Errorf("later: %v", got)
	}
	if m := c.oon(t); m["cid"] != int64(7) || !strings.HasPrefix(fmt.Sprint(m["message"]), "[now is ") {
		t.Errorf("before it: %v", m)
	}
	c.send(t, true, marshal(t, object{"lapps": 1, "method": "subscribe", "cid": 5, "params": []any{1}}))
	checkError(t, c.response(t), 0, -32600, "notifications have no params here")
	c.notify(t, 9, "subscribe")
	checkError(t, c.response(t), 0, -32602, "there is no such channel")
	c.refused(t, -32601, "No such method: nope", "nope", 1)
	if code, reason := c.closed(t); code != 1003 || reason != "no such method" {
		t.Errorf("closed with %d %q", code, reason)
	}
	other := dialLAppS(t, d.url("/echo_lapps"))
	other.refused(t, -32000, "log in first", "echo", object{"authkey": key}) // of another connection
	other.notify(t, 1, "logout")
	if code, reason := other.closed(t); code != 1000 || reason != "bye" {
		t.Errorf("closed with %d %q", code, reason)
	}
}

// letterSurvey has a service use all of nljson.
func letterSurvey(t *testing.T, d *operatedDaemon) {
	c := dialLAppS(t, d.url("/echo_lapps"))
	want := []any{
		"typenames=object,array,number,string,boolean,null",
		"first=10",
		"found=x",
		"missing=nil",
		"null=nil",
		"empty=true,false,false",
		"keys=deep;half;list;name;",
		"sum=140",
		"count=10",
		"erased=true",
		"erased again=false",
		`encoded={"copy":{"a":null,"b":[false]},"deep":{"a":null,"b":[false]},"list":[10,20,30,40],"name":"x","none":null,"table":[1,"two",{"three":3}],"text":"a\u0000b","yes":true}`,
		"compact=[10,20,30,40]",
		"pretty=[\n 10,\n 20,\n 30,\n 40\n]",
		"string=[10,20,30,40]",
		"cbor=[10,20,30,40]",
		"bytes=7",
	}
	got := c.call(t, "survey", 1)
	for i := range max(len(got), len(want)) {
		var g, w any
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("%q, want %q", g, w)
		}
	}
}

// letterBroadcasts has two standalone services send to one that has connections.
func letterBroadcasts(t *testing.T, d *operatedDaemon) {
	c := dialLAppS(t, d.url("/echo_lapps"))
	c.notify(t, 5, "subscribe")
	for range 2 {
		if m := c.oon(t); m["cid"] != int64(5) || !strings.HasPrefix(fmt.Sprint(m["message"]), "[Server time: ") {
			t.Errorf("the time: %v", m)
		}
	}
	c.notify(t, 6, "subscribe")
	var blob object
	for blob == nil || blob["cid"] == int64(5) {
		blob = c.oon(t)
	}
	if text, _ := blob["message"].([]any)[0].(string); blob["cid"] != int64(6) || text != strings.Repeat("blob", 25_000) {
		t.Errorf("a blob of %d bytes: %.60q", len(text), text)
	}
	// From an answer on, nothing comes of channels that have been left.
	c.notify(t, 5, "unsubscribe")
	c.notify(t, 6, "unsubscribe")
	c.call(t, "later", 1)
	c.oons = nil
	for range 5 {
		c.call(t, "later", 1)
	}
	for _, m := range c.oons {
		if m["cid"] != int64(7) {
			t.Errorf("behind unsubscribe: %v", m)
		}
	}
}

// letterNosy: services see their own files, and what LUA_PATH names.
func letterNosy(t *testing.T, d *operatedDaemon) {
	c := dialCoder(t, d.url("/nosy"), nil)
	c.send(t, false, []byte("apps"))
	mustReceive(t, c, false, []byte(filepath.Join(d.dir, "apps")+"/"))
	for module, want := range map[string]string{"maps": "false string", "echo": "false string", "words.blob": "true table"} {
		c.send(t, false, []byte(module))
		mustReceive(t, c, false, []byte(want))
	}
}

func letterHashes(t *testing.T, d *operatedDaemon) {
	needModule(t, "murmur")
	needModule(t, "pam_auth")
	c := dialCoder(t, d.url("/hashes"), nil)
	for message, want := range map[string]string{"abc": "32d82bf8ed3dba39 number", "log in": "false"} {
		c.send(t, false, []byte(message))
		mustReceive(t, c, false, []byte(want))
	}
}
