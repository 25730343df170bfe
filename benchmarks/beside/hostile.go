package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"lapps/benchmarks/generator"
)

// scripts are what the service hostile is fed, by kind: each is sent as a message,
// and again as soon as its budget has ended it.
var scripts = map[string]string{
	"endless-loops":  `while true do pcall(function() end) end`,
	"string-bombs":   `local s = "x" while true do s = string.rep(s, 16) end`,
	"table-bombs":    `local t = {} while true do t[#t + 1] = {} end`,
	"errors-in-deep": `local function f(n) if n == 0 then error("as asked") end return 1 + f(n - 1) end f(100)`,
}

// hostileLua runs each message.
const hostileLua = `return {onMessage = function(_, _, message) return assert(loadstring(message))() end}`

// applications makes a directory of the example echo and the service hostile.
func applications(examples, dir string) error {
	if err := os.CopyFS(filepath.Join(dir, "echo"), os.DirFS(filepath.Join(examples, "echo"))); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "hostile"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "hostile", "hostile.lua"), []byte(hostileLua), 0o644)
}

// besideScript calls measure while the service hostile is fed a script, over one
// connection after the other.
func (b *bench) besideScript(ctx context.Context, script string, measure func(context.Context) (*generator.Latency, error)) (*generator.Latency, error) {
	feeding, cancel := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- b.feed(feeding, script) }()
	time.Sleep(time.Second) // for it to be under way
	l, err := measure(ctx)
	cancel()
	return l, errors.Join(err, <-fed)
}

// feed feeds the service hostile until ctx ends.
func (b *bench) feed(ctx context.Context, script string) error {
	for ctx.Err() == nil {
		if err := b.feedOnce(ctx, script); err != nil && ctx.Err() == nil {
			return fmt.Errorf("beside: hostile: %w", err)
		}
	}
	return nil
}

// feedOnce sends the script, and waits for what becomes of it. A connection that
// breaks is what the script has come to.
func (b *bench) feedOnce(ctx context.Context, script string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", b.plain.String())
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	fmt.Fprintf(c, "GET /hostile HTTP/1.1\r\nHost: %v\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", b.plain)
	r := bufio.NewReader(c)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("expected 101, not %s", answer.Status)
	}
	if _, err := c.Write(masked(script)); err != nil {
		return err
	}
	for { // pings, and then a Close frame
		head, err := r.Peek(2)
		if err != nil || head[0]&0x0F == 8 {
			return nil
		}
		if _, err := io.CopyN(io.Discard, r, 2+int64(head[1])); err != nil {
			return nil
		}
	}
}

// masked is a text frame of less than 126 bytes, its mask zero.
func masked(text string) []byte {
	return append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
}
