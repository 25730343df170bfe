package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNodeClient runs the client of the examples, whose WebSocket and CBOR are
// JavaScript's, against the chat.
func TestNodeClient(t *testing.T) {
	dir := filepath.Join("..", "..", "examples", "client")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "cbor-x")); err != nil {
		t.Skip("the packages of the client are not installed: npm install in examples/client does it")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node: ", err)
	}
	d := startExamples(t)
	c := exec.CommandContext(patience(t), node, "client.mjs", d.url("/chat"))
	c.Dir = dir
	c.Stdin = strings.NewReader("name \"ann\"\njoin \"lobby\"\nsay \"lobby\", \"h\u00e9\"\nnope\n9 rooms\nname 1.5\n")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := `< ["ann"]
3001 [{"from":"ann","room":"lobby","text":"has joined"}]
< [3001]
3001 [{"from":"ann","room":"lobby","text":"hé"}]
< []
! {"code":-32601,"message":"there is no method \"nope\""}
! {"code":-32602,"message":"the name must be a text of 1 to 32 bytes"}
closed 1000 
`
	// Its own farewell may come before the Close frame.
	got := regexp.MustCompile(`(?m)^.*has left.*\n`).ReplaceAllString(string(out), "")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
