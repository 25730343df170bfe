package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"lapps/config"
)

// accessRows are what LAppS took for something else: entries, addresses that they mean,
// and others that it took for these, or forgot.
var accessRows = []struct {
	name, exclude string
	hit, miss     []string
}{
	{"an address", `"192.168.1.5"`, []string{"192.168.1.5", "::ffff:192.168.1.5"}, []string{"192.168.1.77", "192.168.1.0"}},
	{"an address of class A", `"10.1.2.3"`, []string{"10.1.2.3"}, []string{"10.1.2.4", "10.9.9.9"}},
	{"an address that ends with 0", `"10.0.0.0"`, []string{"10.0.0.0"}, []string{"10.0.0.1", "10.1.2.3"}},
	{"everything", `"0.0.0.0/0"`, []string{"203.0.113.9", "10.0.0.1"}, []string{"2001:db8::1"}},
	{"host bits", `"192.168.1.5/24"`, []string{"192.168.1.5", "192.168.1.77"}, []string{"192.168.2.5"}},
	{"an address and a later network", `"203.0.113.9", "213.5.0.0/16"`, []string{"203.0.113.9", "213.5.6.7"}, []string{"203.0.113.8", "213.6.0.1"}},
	{"two networks", `"127.0.0.1/32", "192.168.0.0/16"`, []string{"127.0.0.1", "192.168.7.7"}, []string{"127.0.0.2", "192.169.0.1"}},
	{"a network in another", `"10.1.0.0/16", "10.0.0.0/8"`, []string{"10.1.0.1", "10.2.0.1"}, []string{"11.0.0.1"}},
	{"IPv6", `"2001:db8::/32", "::1"`, []string{"2001:db8::1", "::1"}, []string{"2001:db9::1", "192.0.2.1"}},
}

// proxy is the address that is believed when it says who its client is.
const proxy = "127.0.0.9"

// accessLists: they let in whom they should not, and the other way round. Each row is played
// with either policy, in the list of the service and in that of the server. What the
// configuration says is LAppS's own, since some of the rows stand in no other.
func accessLists(t *testing.T) {
	files, services := map[string]string{"apps/echo/echo.lua": echoLua}, []string{`"echo": {}`}
	for i, row := range accessRows {
		for _, policy := range []string{"allow", "deny"} {
			name := fmt.Sprintf("%s%d", policy, i)
			files["apps/"+name+"/"+name+".lua"] = echoLua
			services = append(services, fmt.Sprintf(`%q: {"acl": {"policy": %q, "exclude": [%s]}}`, name, policy, row.exclude))
		}
	}
	files["etc/conf/lapps.json"] = `{"services": {` + strings.Join(services, ", ") + `}}`
	cfg, _, err := loadConfig(writeFiles(t, files))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listeners[0].Address = "127.0.0.1:0"
	cfg.Listeners[0].ProxyProtocol, cfg.Listeners[0].TrustedProxies = "required", []string{proxy}
	of := startConfig(t, cfg)
	for i, row := range accessRows {
		for _, policy := range []string{"allow", "deny"} {
			name := fmt.Sprintf("%s%d", policy, i)
			whole := *cfg
			whole.ACL = cfg.Services[name].ACL
			whole.Services = map[string]config.Service{"echo": cfg.Services["echo"]}
			server := startConfig(t, &whole)
			for address, hit := range hits(row.hit, row.miss) {
				want := 101
				if hit == (policy == "allow") {
					want = 403
				}
				if got := askAs(t, of.addr(), address, "/"+name); got != want {
					t.Errorf("%s, policy %s, the service's list: %s gets %d, want %d", row.name, policy, address, got, want)
				}
				if got := askAs(t, server.addr(), address, "/echo"); got != want {
					t.Errorf("%s, policy %s, the server's list: %s gets %d, want %d", row.name, policy, address, got, want)
				}
			}
			server.stop()
		}
	}
}

// hits are addresses, and whether they are in a list.
func hits(hit, miss []string) map[string]bool {
	all := make(map[string]bool)
	for _, a := range hit {
		all[a] = true
	}
	for _, a := range miss {
		all[a] = false
	}
	return all
}

// askAs is the status that a client gets who comes through the proxy.
func askAs(t testing.TB, addr, client, path string) int {
	t.Helper()
	family, to := "TCP4", "192.0.2.1"
	if strings.Contains(client, ":") {
		family, to = "TCP6", "2001:db8::ffff"
	}
	c := dialFrom(t, proxy, addr)
	defer c.Close()
	return answerTo(t, c, fmt.Sprintf("PROXY %s %s %s 4711 443\r\n", family, client, to)+upgrade(path)).StatusCode
}

// bundledAccessList: the list in a new archive was dropped, the headers of one that was
// deployed again were those of another key.
func bundledAccessList(t *testing.T) {
	d := startOperated(t, `{"timeouts": {"close_ms": 300}, "services": {"echo": {}}}`, echoApp)
	deploy := func(name, lua, from, acl string) {
		mustWrite(t, filepath.Join(d.dir, "deploy", name+".zip"), zipOf(t, map[string]string{
			name + "/" + name + ".lua":  lua,
			name + "/" + name + ".json": `{"preload": ["nap"], "extra_headers": {"X-From": "` + from + `"}, "acl": ` + acl + `}`,
		}))
	}
	check := func(d *operatedDaemon, open, closed, from string) {
		t.Helper()
		if response := answerTo(t, raw(t, d.addr()), upgrade(open)); response.StatusCode != 101 || response.Header.Get("X-From") != from {
			t.Errorf("who may connect gets %d, %v", response.StatusCode, response.Header)
		}
		if status := statusOf(t, d.addr(), upgrade(closed)); status != 403 {
			t.Errorf("who may not connect gets %d", status)
		}
	}
	const here, elsewhere = `{"policy": "deny", "exclude": ["127.0.0.0/8"]}`, `{"policy": "deny", "exclude": ["192.0.2.0/24"]}`
	for i, lua := range []string{echoLua, echoLua + "\n"} {
		deploy("ours", lua, "the bundle", here)
		deploy("theirs", lua, "the bundle", elsewhere)
		eventually(t, "both are deployed", func() bool { return d.logged.count("bundle deployed") == 2+2*i })
		check(d, "/ours", "/theirs", "the bundle")
	}
	deploy("ours", echoLua, "another", elsewhere) // a version with another list than the one before
	deploy("theirs", echoLua, "another", here)
	eventually(t, "both are deployed", func() bool { return d.logged.count("bundle deployed") == 6 })
	check(d, "/theirs", "/ours", "another")
	for _, name := range []string{"ours", "theirs"} { // the list goes back with its version
		if status, _, stderr := command(t, "rollback", "-c", d.config, name); status != exitOK {
			t.Fatal(status, stderr)
		}
	}
	check(d, "/ours", "/theirs", "the bundle")
	d.stop()
	check(startAgain(t, d.dir, d.config), "/ours", "/theirs", "the bundle")
}

// overIPv6: no list concerned it.
func overIPv6(t *testing.T) {
	if ln, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	} else {
		ln.Close()
	}
	d := startDaemon(t, `{"listeners": [{"address": "[::1]:0"}], "services": {"echo": {}, "guarded": {"acl": {"policy": "allow", "exclude": ["::1"]}}}}`,
		map[string]string{"echo/echo.lua": echoLua, "guarded/guarded.lua": echoLua})
	mustEcho(t, d.url("/echo"))
	if status := statusOf(t, d.addr(), upgrade("/guarded")); status != 403 {
		t.Errorf("status %d, want 403", status)
	}
	// Both kinds at one socket, where IPv4 addresses have the form of IPv6.
	both := startDaemon(t, `{"listeners": [{"address": "[::]:0"}], "acl": {"policy": "deny", "exclude": ["127.0.0.1"]}, "services": {"echo": {}}}`, echoApp)
	_, port, err := net.SplitHostPort(both.addr())
	if err != nil {
		t.Fatal(err)
	}
	mustEcho(t, "ws://127.0.0.1:"+port+"/echo")
	for address, to := range map[string]string{"::1": "[::1]:", "127.0.0.2": "127.0.0.1:"} {
		c := dialFrom(t, address, to+port)
		io.WriteString(c, upgrade("/echo")) // or else whoever is let in would hear nothing either
		if got, err := io.ReadAll(c); len(got) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s is told %q, %v", address, got, err)
		}
	}
}

// escapingPaths: an archive could write anywhere.
func escapingPaths(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {"instances": 1}}}`, map[string]string{"echo/echo.lua": saysLua("files")})
	outside := t.TempDir()
	lar, err := os.ReadFile(filepath.Join("testdata", "escaping.lar")) // with ../../../evil.lua
	if err != nil {
		t.Fatal(err)
	}
	const main, evil = "echo/echo.lua", "evil.lua"
	bundles := map[string][]byte{
		"archive.lar": lar,
		"link.zip":    linkZip(t, outside),
		"link.tar.gz": tarOf(t, tar.Header{Name: main, Size: 1}, tar.Header{Name: "echo/link", Typeflag: tar.TypeSymlink, Linkname: outside}, tar.Header{Name: "echo/link/" + evil, Size: 1}),
		"hard.tar.gz": tarOf(t, tar.Header{Name: main, Size: 1}, tar.Header{Name: "echo/x.lua", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}),
		"up.tar.gz":   tarOf(t, tar.Header{Name: main, Size: 1}, tar.Header{Name: "../" + evil, Size: 1}),
	}
	for name, path := range map[string]string{
		"up.zip": "../../../" + evil, "within.zip": "echo/../../../../" + evil, "absolute.zip": filepath.Join(outside, evil), "windows.zip": `echo\..\..\` + evil,
	} {
		bundles[name] = zipOf(t, map[string]string{main: saysLua("replaced"), path: "return 1"})
	}
	for name, data := range bundles {
		mustWrite(t, filepath.Join(d.dir, "deploy", name), data)
	}
	eventually(t, "all are refused", func() bool { return d.logged.count("bundle not deployed") == len(bundles) })
	base := filepath.Dir(d.dir)
	if err := filepath.WalkDir(base, func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.Contains(e.Name(), "evil") {
			t.Errorf("there is %s", path)
		}
		return nil // what is being removed is no matter
	}); err != nil || !strings.HasPrefix(outside, base) {
		t.Errorf("%s, %s: %v", base, outside, err)
	}
	mustHear(t, d.url("/echo"), "files")
	if d.logged.count("bundle deployed") > 0 {
		t.Error(d.logged)
	}
}

// linkZip is a bundle with a symbolic link, and a file behind it.
func linkZip(t testing.TB, to string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range []struct {
		name, text string
		mode       fs.FileMode
	}{{"echo/echo.lua", saysLua("replaced"), 0o644}, {"echo/link", to, fs.ModeSymlink | 0o777}, {"echo/link/evil.lua", "return 1", 0o644}} {
		h := &zip.FileHeader{Name: e.name}
		h.SetMode(e.mode)
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(f, e.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tarOf is a tar.gz; its files hold spaces.
func tarOf(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range entries {
		h.Mode = 0o644
		err := w.WriteHeader(&h)
		if err == nil {
			_, err = w.Write(bytes.Repeat([]byte(" "), int(h.Size)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// setUIDBinary: it was installed so, and who could call it had the rights of its owner.
func setUIDBinary(t *testing.T) {
	bit := regexp.MustCompile(`chmod\s+(-\S+\s+)*(\S*\+\S*s|0?[2-7][0-7]{3})\b|(-m\s*|--mode=|--chmod=)(\S*\+\S*s|0?[2-7][0-7]{3})\b`)
	for text, want := range map[string]bool{
		"chmod u+s x": true, "chmod 4755 x": true, "RUN chmod -R ug+xs /opt": true, "install -m 04755 x": true, "COPY --chmod=6755 a b": true,
		"chmod 0755 x": false, "chmod 755 x": false, "chmod u+x setup": false, "install -m 644 x": false,
	} {
		if bit.MatchString(text) != want {
			t.Errorf("%q is found: %v", text, !want)
		}
	}
	err := filepath.WalkDir(filepath.Join("..", "..", "deploy"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if found := bit.Find(text); found != nil || info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			t.Errorf("%s: %v, %q", path, info.Mode(), found)
		}
		if filepath.Ext(path) == ".service" && !bytes.Contains(text, []byte("\nNoNewPrivileges=")) {
			t.Errorf("%s: does without NoNewPrivileges=", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for ids, want := range map[[4]int]bool{{1, 1, 2, 2}: false, {0, 0, 0, 0}: false, {1, 0, 2, 2}: true, {1, 1, 2, 0}: true} {
		if borrowed(ids[0], ids[1], ids[2], ids[3]) != want {
			t.Errorf("%v are borrowed: %v", ids, !want)
		}
	}
	t.Run("refused", refusedSetUID)
}

// refusedSetUID has another user's set-uid lapps be called.
func refusedSetUID(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make a file of another user")
	}
	file := filepath.Join(t.TempDir(), "lapps")
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	if err := errors.Join(os.WriteFile(file, text, 0o755), os.Chown(file, nobody, nobody), os.Chmod(file, fs.ModeSetuid|0o755)); err != nil {
		t.Fatal(err)
	}
	var mount syscall.Statfs_t
	if err := syscall.Statfs(file, &mount); err != nil {
		t.Fatal(err)
	}
	const nosuid = 2 // ST_NOSUID of statfs(2)
	if mount.Flags&nosuid != 0 {
		t.Skip("the directory of temporary files is mounted nosuid")
	}
	c := exec.CommandContext(patience(t), file, "version")
	c.Env = append(os.Environ(), asLapps+"=1")
	out, err := c.CombinedOutput()
	if err == nil || c.ProcessState.ExitCode() != exitFailed || string(out) != errBorrowed.Error()+"\n" {
		t.Errorf("%v: %s", err, out)
	}
}
