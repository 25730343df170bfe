package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDeployNoFile refuses what is no regular file, and waits for nobody to write to it.
func TestDeployNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe, folder := filepath.Join(dir, "pipe.zip"), filepath.Join(dir, "folder.zip")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, folder} {
		status, _, stderr := command(t, "deploy", "--socket", filepath.Join(dir, "none"), path)
		if want := path + " is no regular file\n"; status != exitFailed || stderr != want {
			t.Errorf("exit status %d, %q, want %q", status, stderr, want)
		}
	}
}

// TestCommandsFindServer where its configuration lies.
func TestCommandsFindServer(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}}}`, echoApp)
	for _, name := range []string{"LAPPS_HOME", "LAPPS_CONF_DIR"} {
		t.Setenv(name, "")
	}
	t.Chdir(filepath.Join(d.dir, "apps"))
	if status, stdout, stderr := command(t, "restart", "echo"); status != exitOK {
		t.Errorf("exit status %d, %s%s", status, stdout, stderr)
	}
}
