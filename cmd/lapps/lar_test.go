package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// names is what there is in a directory.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// expectNames is that there are these names in a directory, and no others.
func expectNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := names(t, dir); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("in %s there is %v, want %v", dir, got, want)
	}
}

// TestLAR packs a service, lists it and unpacks it elsewhere.
func TestLAR(t *testing.T) {
	apps := writeFiles(t, map[string]string{"echo/echo.lua": "return 1", "echo/lib/a.lua": "return {}", "echo/echo.json": "{}"})
	work := t.TempDir()
	t.Chdir(work)
	line := "service echo, version 81064f4481ab, 3 files, 19 bytes, descriptor echo/echo.json\n"
	expect := func(want string, args ...string) {
		t.Helper()
		status, stdout, stderr := command(t, args...)
		if status != exitOK || stdout != want || stderr != "" {
			t.Errorf("%v: exit status %d, %s\n got %swant %s", args, status, stderr, stdout, want)
		}
	}
	expect("echo.lar: "+line, "lar", "pack", filepath.Join(apps, "echo"))
	expect("other.lar: "+line, "lar", "pack", filepath.Join(apps, "echo")+"/", "-o", "other.lar")
	expect("other.lar: "+line, "lar", "pack", filepath.Join(apps, "echo"), "--output", "other.lar", "--force")
	expectNames(t, work, "echo.lar", "other.lar")
	expect("echo.lar: "+line+`  2  44136fa355b3  echo/echo.json
  8  486d9affb60d  echo/echo.lua
  9  7df8f0cd9e1c  echo/lib/a.lua
`, "lar", "list", "echo.lar")
	expect("echo: "+line, "lar", "unpack", "echo.lar")
	expect(filepath.Join(apps, "echo2", "echo")+": "+line, "lar", "unpack", "echo.lar", "-C", writeDirectory(t, apps, "echo2"))
	expectNames(t, work, "echo", "echo.lar", "other.lar")
	expectNames(t, filepath.Join(work, "echo"), "echo.json", "echo.lua", "lib")
	for name, want := range map[string]string{"echo/echo.lua": "return 1", "echo/lib/a.lua": "return {}", "echo/echo.json": "{}"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat("echo.lar"); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// writeDirectory makes a directory in another.
func writeDirectory(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLAROfZip lists and unpacks what another tool has packed.
func TestLAROfZip(t *testing.T) {
	work := t.TempDir()
	t.Chdir(work)
	f, err := os.Create("echo.zip")
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("echo.lua")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("return 1")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := command(t, "lar", "list", "echo.zip")
	if status != exitOK || !strings.HasSuffix(stdout, ", 1 file, 8 bytes, no descriptor\n  8  486d9affb60d  echo/echo.lua\n") {
		t.Errorf("exit status %d, %s%s", status, stdout, stderr)
	}
	if status, stdout, stderr := command(t, "lar", "unpack", "echo.zip"); status != exitOK {
		t.Errorf("exit status %d, %s%s", status, stdout, stderr)
	}
	expectNames(t, filepath.Join(work, "echo"), "echo.lua")
}

// temporary is what the name of a temporary file ends with.
var temporary = regexp.MustCompile(`-lar-[0-9]+`)

// TestLARRefuses leaves everything as it was.
func TestLARRefuses(t *testing.T) {
	work := writeFiles(t, map[string]string{
		"good/good.lua": "return 1", "bad/other.lua": "return 1", "9/9.lua": "return 1", "taken/good/x": "", "no.lar": "-- Lua", "there.lar": "",
		"link/link.lua": "return 1",
	})
	t.Chdir(work)
	if err := os.Symlink("link.lua", "link/other.lua"); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := command(t, "lar", "pack", "good", "-o", "good.lar"); status != exitOK {
		t.Fatal(stderr)
	}
	before := names(t, work)
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"pack", "good"}, exitFailed, "good.lar is there already: --force replaces it"},
		{[]string{"pack", "good", "-o", "there.lar"}, exitFailed, "there.lar is there already: --force replaces it"},
		{[]string{"pack", "good", "-o", "good/x.lar"}, exitFailed, "good/x.lar lies in good, which is to be packed: -o names another place"},
		{[]string{"pack", "bad"}, exitFailed, `bundle: bad.lar: lacks "bad/bad.lua", the main file of the service`},
		{[]string{"pack", "9"}, exitFailed, `bundle: 9.lar: "9" names the service and must be a letter or _ and at most 63 letters, digits, _ and -`},
		{[]string{"pack", "link"}, exitFailed, `bundle: link.lar: "link/other.lua": is a symbolic link, and no regular file`},
		{[]string{"pack", "nowhere"}, exitFailed, "lstat " + filepath.Join(work, "nowhere") + ": no such file or directory"},
		{[]string{"pack", "no.lar", "-o", "x.lar"}, exitFailed, "open no.lar: not a directory"},
		{[]string{"pack", "good", "-o", "nowhere/x.lar"}, exitFailed, "open nowhere/.lapps-lar-*: no such file or directory"},
		{[]string{"unpack", "no.lar"}, exitFailed, "bundle: no.lar: is no bundle: neither LAR, nor ZIP, nor tar.gz"},
		{[]string{"unpack", "nowhere.lar"}, exitFailed, "bundle: open nowhere.lar: no such file or directory"},
		{[]string{"unpack", "good.lar"}, exitFailed, "good is there already: -C names another directory"},
		{[]string{"unpack", "good.lar", "-C", "taken"}, exitFailed, "taken/good is there already: -C names another directory"},
		{[]string{"unpack", "good.lar", "-C", "nowhere"}, exitFailed, "stat nowhere: no such file or directory"},
		{[]string{"list", "no.lar"}, exitFailed, "bundle: no.lar: is no bundle: neither LAR, nor ZIP, nor tar.gz"},
		{[]string{"list", "good"}, exitFailed, "bundle: good: is no regular file"},
		{[]string{"list"}, exitUsage, "accepts 1 arg(s), received 0"},
		{[]string{}, exitUsage, "lar: one of pack, unpack and list is needed"},
		{[]string{"a", "good"}, exitUsage, `unknown command "a" for "lapps lar"`},
	} {
		status, stdout, stderr := command(t, append([]string{"lar"}, c.args...)...)
		stderr = temporary.ReplaceAllString(stderr, "-lar-*")
		if status != c.status || stdout != "" || stderr != c.want+"\n" {
			t.Errorf("%v: exit status %d, %q\n got %swant %s", c.args, status, stdout, stderr, c.want)
		}
		expectNames(t, work, before...)
		expectNames(t, filepath.Join(work, "taken"), "good")
		expectNames(t, filepath.Join(work, "good"), "good.lua")
	}
}

// TestLARIsNative: a descriptor of the native form is one in an archive of LAppS's, too: who
// may not connect cannot, and what is wrong is a mistake.
func TestLARIsNative(t *testing.T) {
	d := startOperated(t, `{"services": {}}`, nil)
	pack := func(descriptor string) (archive string) {
		apps := writeFiles(t, map[string]string{"guarded/guarded.lua": echoLua, "guarded/guarded.json": descriptor})
		archive = filepath.Join(t.TempDir(), "guarded.lar")
		if status, _, stderr := command(t, "lar", "pack", filepath.Join(apps, "guarded"), "-o", archive); status != exitOK {
			t.Fatal(status, stderr)
		}
		return archive
	}
	if status, _, stderr := command(t, "deploy", "-c", d.config, pack(`{"origins": ["https://good.test"], "typo_key": 1}`)); status == exitOK || !strings.Contains(stderr, "typo_key: unknown key") {
		t.Errorf("status %d, %s", status, stderr)
	}
	if status, _, stderr := command(t, "deploy", "-c", d.config, pack(`{"origins": ["https://good.test"]}`)); status != exitOK {
		t.Fatal(status, stderr)
	}
	for origin, want := range map[string]int{"https://good.test": 101, "https://evil.test": 403} {
		request := strings.Replace(upgrade("/guarded"), "Upgrade:", "Origin: "+origin+"\r\nUpgrade:", 1)
		if got := answerTo(t, raw(t, d.addr()), request).StatusCode; got != want {
			t.Errorf("%s: status %d, want %d", origin, got, want)
		}
	}
}
