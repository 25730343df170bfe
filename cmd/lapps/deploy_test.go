package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	coder "github.com/coder/websocket"

	"lapps/config"
)

// An operated daemon is one that takes bundles and commands.
type operatedDaemon struct {
	*testDaemon
	dir    string // of the configuration
	config string // its file
}

// startOperated serves a configuration with applications, as lapps run does, until the
// end of the test.
func startOperated(t testing.TB, doc string, files map[string]string) *operatedDaemon {
	t.Helper()
	dir := writeApps(t, files)
	if err := os.MkdirAll(filepath.Join(dir, "deploy"), 0o755); err != nil {
		t.Fatal(err)
	}
	return startAgain(t, dir, writeConfig(t, dir, doc))
}

// startAgain serves what is in a directory.
func startAgain(t testing.TB, dir, path string) *operatedDaemon {
	t.Helper()
	return startWatching(t, dir, path, false)
}

func startWatching(t testing.TB, dir, path string, watches bool) *operatedDaemon {
	t.Helper()
	cfg, _, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	logged := new(logged)
	d, err := operate(cfg, isLAppS(path), watches, slog.New(slog.NewJSONHandler(logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop := func() { once.Do(func() { stopDaemon(t, d) }) }
	t.Cleanup(stop)
	return &operatedDaemon{&testDaemon{daemon: d, logged: logged, stop: stop}, dir, path}
}

// zipOf is a bundle.
func zipOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// saysLua answers with a word, whatever it is told.
func saysLua(word string) string {
	return fmt.Sprintf(`return {onMessage = function(h) return ws:send(h, 1, %q) end}`, word)
}

// mustWrite writes a file, at once or not at all.
func mustWrite(t testing.TB, path string, data []byte) {
	t.Helper()
	fresh := filepath.Join(filepath.Dir(path), ".fresh")
	if err := os.WriteFile(fresh, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, path); err != nil {
		t.Fatal(err)
	}
}

// hears is what a service says to a new connection; the error is that there is none.
func hears(t testing.TB, url string) (string, error) {
	t.Helper()
	c, _, err := coder.Dial(patience(t), url, nil)
	if err != nil {
		return "", err
	}
	defer c.CloseNow()
	if err := c.Write(patience(t), coder.MessageText, []byte("?")); err != nil {
		return "", err
	}
	_, word, err := c.Read(patience(t))
	return string(word), err
}

// mustHear has a service say a word.
func mustHear(t testing.TB, url, want string) {
	t.Helper()
	if got, err := hears(t, url); err != nil || got != want {
		t.Errorf("%s says %q, %v, want %q", url, got, err, want)
	}
}

// TestDropbox has bundles deployed as they appear, and bad ones change nothing.
func TestDropbox(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}}}`, map[string]string{"echo/echo.lua": saysLua("files")})
	in := func(name string) string { return filepath.Join(d.dir, "deploy", name) }
	gone := func(name string) func() bool {
		return func() bool { _, err := os.Lstat(in(name)); return os.IsNotExist(err) }
	}
	mustHear(t, d.url("/echo"), "files")

	mustWrite(t, in("chat.zip"), zipOf(t, map[string]string{"chat/chat.lua": saysLua("one"), "chat/chat.json": `{"request_target": "/talk"}`})) // mv
	eventually(t, "the bundle is taken", gone("chat.zip"))
	mustHear(t, d.url("/talk"), "one")

	// cp, of somebody who takes his time.
	bundle := zipOf(t, map[string]string{"echo/echo.lua": saysLua("bundle"), "echo/lib/x.lua": "return 1"})
	f, err := os.Create(in("echo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(bundle[:len(bundle)/2]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "half a bundle is refused", func() bool { return d.logged.count("bundle not deployed") == 1 })
	mustHear(t, d.url("/echo"), "files")
	if _, err := f.Write(bundle[len(bundle)/2:]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the whole one is taken", gone("echo.zip"))
	mustHear(t, d.url("/echo"), "bundle")
	if text, err := os.ReadFile(filepath.Join(d.dir, "apps", "echo", "lib", "x.lua")); string(text) != "return 1" {
		t.Errorf("the files of the bundle: %q, %v", text, err)
	}

	for i, bad := range []struct{ name, want string }{
		{"no.zip", "is no bundle"},
		{"echo.zip", "lib/y.lua:1:"}, // a module that nobody has required yet
		{"chat.zip", "must be between 1 and 1024"},
		{"other.zip", "the configuration does not name this service, and its bundle has no descriptor"},
		{"third.zip", `request target \"/talk\" is that of chat`},
		{"loud.zip", "not today"},
		{"greedy.zip", "grants: must be left out"},
	} {
		mustWrite(t, in(bad.name), map[string][]byte{
			"no.zip":     []byte("hello"),
			"echo.zip":   zipOf(t, map[string]string{"echo/echo.lua": saysLua("bad"), "echo/lib/y.lua": "return ="}),
			"chat.zip":   zipOf(t, map[string]string{"chat/chat.lua": saysLua("bad"), "chat/chat.json": `{"instances": 0}`}),
			"other.zip":  zipOf(t, map[string]string{"other/other.lua": saysLua("bad")}),
			"third.zip":  zipOf(t, map[string]string{"third/third.lua": saysLua("bad"), "third/third.json": `{"request_target": "/talk"}`}),
			"loud.zip":   zipOf(t, map[string]string{"loud/loud.lua": `error("not today")`, "loud/loud.json": `{}`}),
			"greedy.zip": zipOf(t, map[string]string{"greedy/greedy.lua": saysLua("bad"), "greedy/greedy.json": `{"grants": {"network": ["*:*"]}}`}),
		}[bad.name])
		eventually(t, bad.name+" is refused", func() bool { return d.logged.count("bundle not deployed") == 2+i })
		if !strings.Contains(d.logged.String(), bad.want) {
			t.Errorf("%s: the log has no %q:\n%s", bad.name, bad.want, d.logged)
		}
		if gone(bad.name)() {
			t.Errorf("%s is not there any more", bad.name)
		}
	}
	mustHear(t, d.url("/echo"), "bundle")
	mustHear(t, d.url("/talk"), "one")
	if entries, _ := os.ReadDir(filepath.Join(d.dir, "apps", ".lapps", "staging")); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}

	// What was deployed is there after a restart; what waits is taken first.
	d.stop()
	for name := range map[string]bool{"no.zip": true, "echo.zip": true, "chat.zip": true, "other.zip": true, "third.zip": true, "loud.zip": true, "greedy.zip": true} {
		os.Remove(in(name))
	}
	again := startAgain(t, d.dir, d.config)
	mustHear(t, again.url("/echo"), "bundle")
	mustHear(t, again.url("/talk"), "one")
}

// TestCommands drives a server by its command line.
func TestCommands(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {"instances": 1}}}`, map[string]string{"echo/echo.lua": saysLua("files")})
	do := func(want int, args ...string) string {
		t.Helper()
		status, stdout, stderr := command(t, append(args, "-c", d.config)...)
		if status != want {
			t.Errorf("%v: exit status %d\n%s%s", args, status, stdout, stderr)
		}
		return stdout + stderr
	}
	mustList := func(want string) {
		t.Helper()
		if got := do(exitOK, "services"); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
	mustList("" +
		"SERVICE  VERSION  STATE    INSTANCES  CONNECTIONS  ERRORS  REQUEST TARGET\n" +
		"echo     -        running  1          0            0       /echo\n")

	path := filepath.Join(t.TempDir(), "echo.zip")
	mustWrite(t, path, zipOf(t, map[string]string{"echo/echo.lua": saysLua("one")}))
	deployed := do(exitOK, "deploy", path)
	version := d.registry.Service("echo").Version
	if want := "echo: version " + version + " is running\n"; len(version) != 12 || deployed != want {
		t.Errorf("got %q, want %q", deployed, want)
	}
	mustHear(t, d.url("/echo"), "one")

	// A connection stays with its version.
	old := dialCoder(t, d.url("/echo"), nil)
	old.send(t, false, []byte("?"))
	old.receive(t)
	mustWrite(t, path, zipOf(t, map[string]string{"echo/echo.lua": saysLua("two")}))
	do(exitOK, "deploy", path)
	two := d.registry.Service("echo").Version
	mustList(fmt.Sprintf(""+
		"SERVICE  VERSION       STATE    INSTANCES  CONNECTIONS  ERRORS  REQUEST TARGET\n"+
		"echo     %s  running  1          0            0       /echo\n"+
		"         %s  leaving  1          1                    \n", two, version))
	old.send(t, false, []byte("?"))
	if _, word := old.receive(t); string(word) != "one" {
		t.Errorf("the old connection hears %q", word)
	}
	old.close(t)
	mustHear(t, d.url("/echo"), "two")

	do(exitOK, "rollback", "echo")
	mustHear(t, d.url("/echo"), "one")
	if text, _ := os.ReadFile(filepath.Join(d.dir, "apps", "echo", "echo.lua")); string(text) != saysLua("one") {
		t.Errorf("its file is %s", text)
	}
	do(exitOK, "rollback", "echo")
	mustHear(t, d.url("/echo"), "two")

	mustWrite(t, filepath.Join(d.dir, "apps", "echo", "echo.lua"), []byte(saysLua("three")))
	mustHear(t, d.url("/echo"), "two")
	do(exitOK, "restart", "echo")
	mustHear(t, d.url("/echo"), "three")

	do(exitOK, "stop", "echo")
	if _, err := hears(t, d.url("/echo")); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a stopped service: %v", err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"stop", "echo"}, "the service does not run\n"},
		{[]string{"restart", "nothing"}, "there is no service of this name\n"},
		{[]string{"rollback", "nothing"}, "there is no service of this name\n"},
		{[]string{"start", "nothing"}, "there is no service of this name\n"},
		{[]string{"deploy", d.config}, "name: must be a file's that ends with .lar, .zip, .tar.gz or .tgz\n"},
	} {
		if got := do(exitFailed, c.args...); got != c.want {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
	}
	do(exitOK, "start", "echo")
	mustHear(t, d.url("/echo"), "three")
	if got := do(exitFailed, "start", "echo"); got != "the service runs already\n" {
		t.Errorf("start: %q", got)
	}
	mustWrite(t, filepath.Join(d.dir, "apps", "echo", "echo.lua"), []byte("return"))
	if got := do(exitFailed, "restart", "echo"); !strings.Contains(got, "must return the table of its callbacks") {
		t.Errorf("restart: %q", got)
	}
	mustHear(t, d.url("/echo"), "three")

	if got := do(exitFailed, "undeploy", "echo"); got != "the configuration names the service: it is removed there\n" {
		t.Errorf("undeploy: %q", got)
	}
	chat := filepath.Join(t.TempDir(), "chat.zip")
	mustWrite(t, chat, zipOf(t, map[string]string{"chat/chat.lua": saysLua("hello"), "chat/chat.json": "{}"}))
	do(exitOK, "deploy", chat)
	talking := dialCoder(t, d.url("/chat"), nil)
	if got := do(exitOK, "undeploy", "chat"); got != "chat: version - is removed\n" {
		t.Errorf("undeploy: %q", got)
	}
	if code, reason := talking.closed(t); code != 1001 || reason != "the service is removed" {
		t.Errorf("its connection: %d %s", code, reason)
	}
	if _, err := hears(t, d.url("/chat")); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a removed service: %v", err)
	}
	if got := do(exitFailed, "undeploy", "chat"); got != "there is no service of this name\n" {
		t.Errorf("undeploy: %q", got)
	}
	do(exitOK, "deploy", chat)
	mustHear(t, d.url("/chat"), "hello")
	if got := do(exitFailed, "rollback", "chat"); got != "there is no version before the one that serves\n" {
		t.Errorf("rollback to what was removed: %q", got)
	}
	do(exitOK, "undeploy", "chat")
	for _, dir := range []string{"chat", ".lapps/previous/chat", ".lapps/trash/chat"} {
		if !isGone(filepath.Join(d.dir, "apps", dir)) {
			t.Errorf("%s is still there", dir)
		}
	}

	var list struct{ Services []serviceStatus }
	if err := json.Unmarshal([]byte(do(exitOK, "services", "--json")), &list); err != nil || len(list.Services) != 1 || list.Services[0].State != "running" {
		t.Errorf("%+v, %v", list, err)
	}
	d.stop()
	if got := do(exitFailed, "services"); !strings.HasPrefix(got, "no server answers at "+filepath.Join(d.dir, "run", "lapps.sock")+": does one run, with this configuration?") {
		t.Errorf("without a server: %q", got)
	}
}

// TestRemovedIsListed: a service that was removed is listed until the last of its connections has
// gone: here one whose message waits for what another service does.
func TestRemovedIsListed(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {"instances": 1}}}`, map[string]string{
		"echo/echo.lua": `return {onMessage = function(h, op, m) require("mqr").create("go"):post(m) return ws:send(h, op, m) end}`,
	})
	chat := filepath.Join(t.TempDir(), "chat.zip")
	mustWrite(t, chat, zipOf(t, map[string]string{
		"chat/chat.lua":  `return {onMessage = function(h, op, m) ws:send(h, op, m) require("mqr").create("go"):recv() end}`,
		"chat/chat.json": `{"instances": 2}`,
	}))
	list := func() string {
		_, stdout, stderr := command(t, "services", "-c", d.config)
		return stdout + stderr
	}
	before := list()
	if status, _, stderr := command(t, "deploy", "-c", d.config, chat); status != exitOK {
		t.Fatal(stderr)
	}
	version := d.registry.Service("chat").Version
	stays := dialCoder(t, d.url("/chat"), nil)
	stays.send(t, false, []byte("?"))
	stays.receive(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := d.registry.Remove(ctx, "chat", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	want := fmt.Sprintf(""+
		"SERVICE  VERSION       STATE    INSTANCES  CONNECTIONS  ERRORS  REQUEST TARGET\n"+
		"chat     -             removed  0          0            0       \n"+
		"         %s  leaving  2          1                    \n"+
		"echo     -             running  1          0            0       /echo\n", version)
	if got := list(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	mustEcho(t, d.url("/echo"))
	if code, reason := stays.closed(t); code != 1001 || reason != "the service is removed" {
		t.Errorf("its connection: %d %s", code, reason)
	}
	eventually(t, "it is not listed any more", func() bool { return list() == before })
}

// TestChangeOfStopped: a version that is put in place of another starts, also where that was stopped.
func TestChangeOfStopped(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {"instances": 1}}}`, map[string]string{"echo/echo.lua": saysLua("files")})
	bundle := filepath.Join(t.TempDir(), "echo.zip")
	mustWrite(t, bundle, zipOf(t, map[string]string{"echo/echo.lua": saysLua("bundle")}))
	for _, c := range []struct{ do, what, want string }{
		{"restart", "echo", "files"},
		{"deploy", bundle, "bundle"},
		{"rollback", "echo", "files"},
	} {
		for _, args := range [][]string{{"stop", "echo"}, {c.do, c.what}} {
			if status, _, stderr := command(t, append(args, "-c", d.config)...); status != exitOK {
				t.Errorf("%v: %s", args, stderr)
			}
		}
		mustHear(t, d.url("/echo"), c.want)
	}
}

// TestListOfPrograms: of standalone services the list tells what has become of run, and one that has finished is
// started again.
func TestListOfPrograms(t *testing.T) {
	d := startOperated(t, `{"services": {
		"done": {"standalone": true, "instances": 1}, "fails": {"standalone": true, "instances": 1}, "runs": {"standalone": true, "instances": 1}}}`,
		map[string]string{
			"done/done.lua":   `return {run = function() print("done") end}`,
			"fails/fails.lua": `return {run = function() error("no") end}`,
			"runs/runs.lua":   `return {run = function() while not must_stop() do sleep(60) end end}`,
		})
	var list string
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(list)
		}
	})
	eventually(t, "all are listed as they are", func() bool {
		failures := d.registry.Service("fails").Failures()
		_, stdout, stderr := command(t, "services", "-c", d.config)
		list = stdout + stderr
		return failures > 0 && list == fmt.Sprintf(""+
			"SERVICE  VERSION  STATE     INSTANCES  CONNECTIONS  ERRORS  REQUEST TARGET\n"+
			"done     -        finished  1          0            0       (standalone)\n"+
			"fails    -        failing   1          0            %d       (standalone)\n"+
			"runs     -        running   1          0            0       (standalone)\n", failures)
	})
	if status, _, stderr := command(t, "start", "-c", d.config, "done"); status != exitOK {
		t.Error(stderr)
	}
	eventually(t, "it runs again", func() bool { return d.logged.count(`"msg":"done"`) == 2 })
	if status, _, stderr := command(t, "start", "-c", d.config, "fails"); status != exitFailed || stderr != "the service runs already\n" {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}

// TestUndeployOfNeeded: what another service depends on stays, and it is said which.
func TestUndeployOfNeeded(t *testing.T) {
	d := startOperated(t, `{}`, nil)
	for name, descriptor := range map[string]string{"base.zip": "{}", "chat.zip": `{"depends": ["base"]}`} {
		service := strings.TrimSuffix(name, ".zip")
		mustWrite(t, filepath.Join(d.dir, name), zipOf(t, map[string]string{service + ".lua": saysLua(service), service + ".json": descriptor}))
	}
	for _, name := range []string{"base.zip", "chat.zip"} {
		if status, _, stderr := command(t, "deploy", "-c", d.config, filepath.Join(d.dir, name)); status != exitOK {
			t.Fatal(stderr)
		}
	}
	r, err := http.NewRequest("POST", "/v1/services/base/undeploy", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &answerRecord{header: http.Header{}}
	d.operations.control.handler().ServeHTTP(w, r)
	if got, want := w.body.String(), `{"error":"services: base: chat depends on it"}`+"\n"; w.status != http.StatusConflict || got != want {
		t.Errorf("%d %s, want %s", w.status, got, want)
	}
	mustHear(t, d.url("/base"), "base")
}

// TestPreviousIsKept: the version before is kept, whenever the ones before that end.
func TestPreviousIsKept(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {"instances": 1}}}`, echoApp)
	for i := range 100 {
		f, err := os.Create(filepath.Join(t.TempDir(), "echo.zip"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(zipOf(t, map[string]string{"echo/echo.lua": saysLua(strconv.Itoa(i))})); err != nil {
			t.Fatal(err)
		}
		if _, err := d.operations.deployer.deploy(t.Context(), f, "echo.zip"); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if n := d.logged.count("the version before is not kept"); n > 0 {
		t.Errorf("%d of 100 versions are not kept:\n%s", n, d.logged)
	}
}

// TestRollbackOfNothing: where there is one version there is no way back.
func TestRollbackOfNothing(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}}}`, echoApp)
	status, _, stderr := command(t, "rollback", "-c", d.config, "echo")
	if want := "there is no version before the one that serves\n"; status != exitFailed || stderr != want {
		t.Errorf("%d, %q, want %q", status, stderr, want)
	}
}

// TestControlSocket is about who may open it, and what is left where it stands.
func TestControlSocket(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}}}`, echoApp)
	path := filepath.Join(d.dir, "run", "lapps.sock")
	info, err := os.Stat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Fatal(info.Mode(), err)
	}
	cfg, err := config.Load(d.config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operate(cfg, false, false, slog.New(slog.DiscardHandler)); err == nil || err.Error() != path+": another lapps listens there" {
		t.Errorf("a second server: %v", err)
	}
	mustEcho(t, d.url("/echo"))
	d.stop()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	ln, err := listenControl(path) // of a server that is killed
	if err != nil {
		t.Fatal(err)
	}
	ln.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
	ln.Close()
	again := startAgain(t, d.dir, d.config)
	if status, _, stderr := command(t, "services", "--socket", path); status != exitOK {
		t.Error(stderr)
	}
	if again.logged.count("no commands are taken") != 0 {
		t.Error(again.logged)
	}
}

// TestReceiveBundleRefuses what is too large, or is called otherwise.
func TestReceiveBundleRefuses(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}}}`, echoApp)
	h := d.operations.control.handler()
	for _, tt := range []struct {
		method, target string
		size           int
		status         int
		want           string
	}{
		{"POST", "/v1/bundles?name=x.exe", 1, 400, `{"error":"name: must be a file's that ends with .lar, .zip, .tar.gz or .tgz"}`},
		{"POST", "/v1/bundles", 1, 400, `{"error":"name: must be a file's that ends with .lar, .zip, .tar.gz or .tgz"}`},
		{"POST", "/v1/bundles?name=../../x.zip", 1, 422, `{"error":"bundle: x.zip: is no bundle: neither LAR, nor ZIP, nor tar.gz"}`},
		{"POST", "/v1/bundles?name=x.zip", maxUpload + 1, 413, `{"error":"the bundle is larger than 67108864 bytes"}`},
		{"GET", "/v1/bundles", 0, 405, `{"error":"/v1/bundles takes POST, not GET"}`},
		{"GET", "/v1/services/echo/start", 0, 405, `{"error":"/v1/services/echo/start takes POST, not GET"}`},
		{"POST", "/v1/services", 0, 405, `{"error":"/v1/services takes GET, HEAD, not POST"}`},
		{"POST", "/v1/services/echo/explode", 0, 404, `{"error":"there is nothing at /v1/services/echo/explode"}`},
		{"DELETE", "/v1/services/echo", 0, 404, `{"error":"there is nothing at /v1/services/echo"}`},
		{"GET", "/v1/nope", 0, 404, `{"error":"there is nothing at /v1/nope"}`},
	} {
		r, err := http.NewRequest(tt.method, tt.target, bytes.NewReader(make([]byte, tt.size)))
		if err != nil {
			t.Fatal(err)
		}
		w := &answerRecord{header: http.Header{}}
		h.ServeHTTP(w, r)
		if w.status != tt.status || strings.TrimSpace(w.body.String()) != tt.want {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.target, w.status, w.body.String(), tt.status, tt.want)
		}
		if kind := w.header.Get("Content-Type"); kind != "application/json" || (w.header.Get("Allow") != "") != (tt.status == 405) {
			t.Errorf("%s %s: %s", tt.method, tt.target, w.header)
		}
	}
	if d.logged.count(`"msg":"command failed","do":"deploy","bundle":"x.zip","err":"bundle: x.zip: is no bundle`) != 1 {
		t.Errorf("which bundle it is does not show:\n%s", d.logged)
	}
	mustEcho(t, d.url("/echo"))
}

// An answerRecord is an http.ResponseWriter that keeps what is written.
type answerRecord struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answerRecord) Header() http.Header         { return w.header }
func (w *answerRecord) WriteHeader(status int)      { w.status = status }
func (w *answerRecord) Write(p []byte) (int, error) { return w.body.Write(p) }

// TestWatchReloads has a service start anew when its files change.
func TestWatchReloads(t *testing.T) {
	dir := writeApps(t, map[string]string{"echo/echo.lua": `return require "lib.words"`, "echo/lib/words.lua": saysLua("one")})
	d := startWatching(t, dir, writeConfig(t, dir, `{"services": {"echo": {}}}`), true)
	words := filepath.Join(dir, "apps", "echo", "lib", "words.lua")
	mustHear(t, d.url("/echo"), "one")
	mustWrite(t, words, []byte(saysLua("two")))
	eventually(t, "it is reloaded", func() bool { got, _ := hears(t, d.url("/echo")); return got == "two" })
	mustWrite(t, words, []byte("return ="))
	eventually(t, "it is refused", func() bool { return d.logged.count("not reloaded: the version before goes on") > 0 })
	mustHear(t, d.url("/echo"), "two")
	if err := os.MkdirAll(filepath.Join(dir, "apps", "echo", "more"), 0o755); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, words, []byte(`return require "more.words"`))
	eventually(t, "a module is missing", func() bool { return d.logged.count("module 'more.words' not found") > 0 })
	mustWrite(t, filepath.Join(dir, "apps", "echo", "more", "words.lua"), []byte(saysLua("three")))
	eventually(t, "a file in a new directory is seen", func() bool { got, _ := hears(t, d.url("/echo")); return got == "three" })
}

// TestWatchData: what a service reads may be no Lua.
func TestWatchData(t *testing.T) {
	dir := writeApps(t, map[string]string{
		"echo/echo.lua":   `local words = nljson.decode_file("words.json") return {onMessage = function(h) return ws:send(h, 1, words[1]) end}`,
		"echo/words.json": `["one"]`,
	})
	d := startWatching(t, dir, writeConfig(t, dir, `{"services": {"echo": {}}}`), true)
	mustHear(t, d.url("/echo"), "one")
	mustWrite(t, filepath.Join(dir, "apps", "echo", "words.json"), []byte(`["two"]`))
	eventually(t, "it is reloaded", func() bool { got, _ := hears(t, d.url("/echo")); return got == "two" })
}

// TestWatchFollows a service's directory that is replaced, as version control does it.
func TestWatchFollows(t *testing.T) {
	dir := writeApps(t, map[string]string{"echo/echo.lua": saysLua("one")})
	d := startWatching(t, dir, writeConfig(t, dir, `{"services": {"echo": {}}}`), true)
	service := filepath.Join(dir, "apps", "echo")
	says := func(want string) func() bool {
		return func() bool { got, _ := hears(t, d.url("/echo")); return got == want }
	}
	if err := os.RemoveAll(service); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is missed", func() bool { return d.logged.count("not reloaded: the version before goes on") > 0 })
	mustHear(t, d.url("/echo"), "one")
	if err := os.MkdirAll(service, 0o755); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(service, "echo.lua"), []byte(saysLua("two")))
	eventually(t, "it is made again", says("two"))
	mustWrite(t, filepath.Join(service, "echo.lua"), []byte(saysLua("three")))
	eventually(t, "its file changes", says("three"))
	fresh := filepath.Join(dir, "fresh")
	if err := os.Mkdir(fresh, 0o755); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(fresh, "echo.lua"), []byte(saysLua("four")))
	if err := os.Rename(service, filepath.Join(dir, "old")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, service); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another takes its place", says("four"))
}

// TestDeployEndless gives up a version that does not start, and says so.
func TestDeployEndless(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}}}`, map[string]string{"echo/echo.lua": saysLua("one")})
	d.operations.deployer.limit = 100 * time.Millisecond
	file := filepath.Join(d.dir, "echo.zip")
	for _, source := range []string{"while true do end", "return {onMessage = print, onStart = function() while true do end end}"} {
		mustWrite(t, file, zipOf(t, map[string]string{"echo/echo.lua": source}))
		status, _, stderr := command(t, "deploy", "-c", d.config, file)
		if want := "echo.zip: echo: its instances have not started within 100ms: is there a loop in its files, or in onStart?\n"; status != exitFailed || stderr != want {
			t.Errorf("%s: exit status %d\n got %swant %s", source, status, stderr, want)
		}
		mustHear(t, d.url("/echo"), "one")
	}
}

// TestStopInStop: a command that the end of the server cuts short is told so.
func TestStopInStop(t *testing.T) {
	d := startOperated(t, `{"services": {"stuck": {"standalone": true, "instances": 1}}}`, map[string]string{
		"stuck/stuck.lua": `return {run = function() print("runs") while true do pcall(sleep, 1) end end}`,
	})
	eventually(t, "it runs", func() bool { return d.logged.count("runs") == 1 })
	var turn sync.WaitGroup
	turn.Go(func() {
		status, _, stderr := command(t, "stop", "-c", d.config, "stuck")
		if want := "services: stuck: it was interrupted: the server is shutting down\n"; status != exitFailed || stderr != want {
			t.Errorf("exit status %d: %q, want %q", status, stderr, want)
		}
	})
	eventually(t, "it is being stopped", func() bool { return !d.registry.Service("stuck").Running() })
	d.stop()
	turn.Wait()
}

// TestStopAnswers: who has asked before the socket is closed gets the answer.
func TestStopAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lapps.sock")
	ln, err := listenControl(path)
	if err != nil {
		t.Fatal(err)
	}
	asked, answered := make(chan bool), make(chan bool)
	c := newControl(ln, new(deployer), func() statistics {
		close(asked)
		<-answered
		return statistics{Version: "x"}
	}, slog.New(slog.DiscardHandler))
	c.start()
	var ends sync.WaitGroup
	ends.Go(func() {
		var s statistics
		o := operator{socket: path}
		if err := o.call(t.Context(), http.MethodGet, "/v1/statistics", nil, &s); err != nil || s.Version != "x" {
			t.Errorf("%+v, %v", s, err)
		}
	})
	<-asked
	ends.Go(c.stop)
	eventually(t, "the socket is closed", func() bool { _, err := os.Lstat(path); return os.IsNotExist(err) })
	close(answered)
	ends.Wait()
}

// TestCommandAbandoned: a command that waits for its turn does nothing once whoever gave it has gone.
func TestCommandAbandoned(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}, "other": {}}}`, map[string]string{"echo/echo.lua": saysLua("one"), "other/other.lua": saysLua("other")})
	d.operations.deployer.limit = time.Second
	file := filepath.Join(d.dir, "echo.zip")
	mustWrite(t, file, zipOf(t, map[string]string{"echo/echo.lua": "while true do end"}))
	var turn sync.WaitGroup
	turn.Go(func() { command(t, "deploy", "-c", d.config, file) })
	eventually(t, "the deployment has its turn", func() bool {
		staged, err := filepath.Glob(filepath.Join(d.dir, "apps", ".lapps", "staging", "*"))
		return err == nil && len(staged) > 0
	})

	o := operator{config: d.config}
	for _, target := range []string{"/v1/services/other/stop", "/v1/services/echo/stop"} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := o.call(ctx, http.MethodPost, target, nil, new(serviceStatus)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, while another is under way", target, err)
		}
		cancel()
	}
	turn.Wait()
	status, _, stderr := command(t, "restart", "-c", d.config, "echo") // behind the others
	if status != exitOK {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	mustHear(t, d.url("/other"), "other")
	mustHear(t, d.url("/echo"), "one")
}
