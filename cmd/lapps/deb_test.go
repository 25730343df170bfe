package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// packaged are the files of the Debian package, but for the manual and the examples, with
// their modes.
var packaged = map[string]string{
	"./etc/lapps/lapps.json":                  "-rw-r--r-- root/root",
	"./usr/bin/lapps":                         "-rwxr-xr-x root/root",
	"./usr/lib/systemd/system/lapps.service":  "-rw-r--r-- root/root",
	"./usr/lib/sysusers.d/lapps.conf":         "-rw-r--r-- root/root",
	"./usr/share/doc/lapps/CHANGELOG.md":      "-rw-r--r-- root/root",
	"./usr/share/doc/lapps/copyright":         "-rw-r--r-- root/root",
	"./usr/share/doc/lapps/operating.md":      "-rw-r--r-- root/root",
	"./usr/share/doc/lapps/modules/nljson.md": "-rw-r--r-- root/root",
}

// output is what a command prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestDebianPackage builds it, and has what it installs serve a bundle.
func TestDebianPackage(t *testing.T) {
	program(t, "dpkg-deb", "dpkg")
	dir := t.TempDir()
	root := filepath.Join("..", "..")
	output(t, filepath.Join(root, "deploy", "deb", "build"), dir)
	debs, err := filepath.Glob(filepath.Join(dir, "lapps_0.1.0_*.deb"))
	if err != nil || len(debs) != 1 {
		t.Fatal(debs, err)
	}
	found := make(map[string]string)
	for line := range strings.Lines(output(t, "dpkg-deb", "--contents", debs[0])) {
		f := strings.Fields(line)
		found[f[5]] = f[0] + " " + f[1]
		if strings.Contains(f[0], "s") || strings.Contains(f[1], "/") && f[1] != "root/root" || strings.HasSuffix(f[5], "node_modules/") {
			t.Errorf("in the package: %s", line)
		}
	}
	for name, want := range packaged {
		if found[name] != want {
			t.Errorf("%s: %q, want %q", name, found[name], want)
		}
	}
	if got := output(t, "dpkg-deb", "--info", debs[0], "conffiles"); got != "/etc/lapps/lapps.json\n" {
		t.Errorf("conffiles: %s", got)
	}
	into := filepath.Join(dir, "root")
	output(t, "dpkg-deb", "--extract", debs[0], into)
	checkUnit(t, dir, into)
	servePackaged(t, into)
}

// checkUnit has systemd check the unit, where the program that it starts is.
func checkUnit(t *testing.T, dir, root string) {
	t.Helper()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("the unit is not checked: ", err)
		return
	}
	text, err := os.ReadFile(filepath.Join(root, "usr", "lib", "systemd", "system", "lapps.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(dir, "lapps.service")
	mustWrite(t, unit, []byte(strings.ReplaceAll(string(text), "/usr/bin/lapps", filepath.Join(root, "usr", "bin", "lapps"))))
	if out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || strings.Contains(string(out), "lapps.service") {
		t.Errorf("the unit: %v\n%s", err, out)
	}
}

// servePackaged starts what was installed below root, deploys a bundle, talks to it, and has it end.
func servePackaged(t *testing.T, root string) {
	t.Helper()
	lapps, path := filepath.Join(root, "usr", "bin", "lapps"), filepath.Join(root, "etc", "lapps", "lapps.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.NewReplacer(`"/var/lib/`, `"`+root+`/var/lib/`, `"/run/`, `"`+root+`/run/`, "127.0.0.1:5083", "127.0.0.1:0").Replace(string(text))
	mustWrite(t, path, []byte(moved))
	for _, name := range []string{"apps", "deploy"} {
		if err := os.MkdirAll(filepath.Join(root, "var", "lib", "lapps", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(lapps, "run", "-c", path)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // where it has not ended
	address := ""
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var said struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &said) == nil && said.Msg == "listening" {
			address = said.Address
		}
		if said.Msg == "commands are taken" {
			break
		}
	}
	if address == "" {
		t.Fatal("it does not listen")
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }() // ends with the process
	file := filepath.Join(root, "echo.zip")
	mustWrite(t, file, zipOf(t, map[string]string{"echo/echo.lua": echoLua, "echo/echo.json": "{}"}))
	output(t, lapps, "deploy", "-c", path, file)
	mustEcho(t, "ws://"+address+"/echo")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if state, err := cmd.Process.Wait(); err != nil || !state.Success() {
		t.Errorf("it ended with %v, %v", state, err)
	}
}
