package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPageCBOR tests the CBOR of the page of echo_lapps, with the protocol's vectors.
func TestPageCBOR(t *testing.T) {
	runPageTest(t, "cbor_test.js")
}

// TestPage runs the script of that page against the examples, but for a browser.
func TestPage(t *testing.T) {
	if _, err := os.Stat(filepath.Join("..", "..", "examples", "client", "node_modules", "ws")); err != nil {
		t.Skip("the packages of the client are not installed: npm install in examples/client does it")
	}
	d := startExamples(t)
	runPageTest(t, "client_test.js", d.url("/echo_lapps"))
	if d.logged.count("lua error") > 0 {
		t.Error(d.logged)
	}
}

func runPageTest(t *testing.T, args ...string) {
	t.Helper()
	c := exec.CommandContext(patience(t), program(t, "node", "nodejs"), args...)
	c.Dir = filepath.Join("..", "..", "examples", "echo_lapps")
	if out, err := c.CombinedOutput(); err != nil || string(out) != "ok\n" {
		t.Errorf("%v: %s", err, out)
	}
}
