package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// echoConfig is an echo for messages of up to 16 MiB.
const echoConfig = `{"services": {"echo": {"max_inbound_message_size": 16777216, "instances": 2}}}`

var echoApp = map[string]string{"echo/echo.lua": echoLua}

func TestEcho(t *testing.T) {
	d := startDaemon(t, echoConfig, echoApp)
	for name, dial := range libraries {
		t.Run(name, func(t *testing.T) {
			c := dial(t, d.url("/echo"), nil)
			for _, binary := range []bool{false, true} {
				for _, size := range []int{0, 1, 125, 126, 127, 1000, 65535, 65536, 65537, 1 << 20, 16 << 20} {
					want := payload(size, binary)
					c.send(t, binary, want)
					mustReceive(t, c, binary, want)
				}
			}
			c.close(t)
		})
	}
}

func TestEchoFragmented(t *testing.T) {
	d := startDaemon(t, echoConfig, echoApp)
	for name, dial := range libraries {
		t.Run(name, func(t *testing.T) {
			c := dial(t, d.url("/echo"), nil)
			for _, sizes := range [][]int{{1, 1}, {5000, 1, 9000}, {0, 70000}, {1 << 20, 1 << 20, 7}} {
				var parts [][]byte
				for _, n := range sizes {
					parts = append(parts, payload(n, true))
				}
				c.fragments(t, true, parts...)
				mustReceive(t, c, true, bytes.Join(parts, nil))
			}
			euro := []byte("€uro") // cut inside its first rune
			c.fragments(t, false, euro[:1], euro[1:2], euro[2:])
			mustReceive(t, c, false, euro)
			c.close(t)
		})
	}
}

func TestEchoInFlight(t *testing.T) {
	d := startDaemon(t, echoConfig, echoApp)
	for name, dial := range libraries {
		t.Run(name, func(t *testing.T) {
			c := dial(t, d.url("/echo"), nil)
			const n = 500
			for i := range n {
				c.send(t, i%2 == 0, fmt.Appendf(nil, "message %d", i))
			}
			for i := range n {
				mustReceive(t, c, i%2 == 0, fmt.Appendf(nil, "message %d", i))
			}
			c.close(t)
		})
	}
}

// TestOrder has 100 connections exchange 1,000 numbered messages each, with
// many in flight, over 4 instances and 2 loops.
func TestOrder(t *testing.T) {
	d := startDaemon(t, `{"loops": 2, "services": {"echo": {"instances": 4}}}`, echoApp)
	var all sync.WaitGroup
	for i := range 100 {
		dial := dialCoder
		if i%2 == 0 {
			dial = dialGorilla
		}
		c := dial(t, d.url("/echo"), nil)
		all.Go(func() {
			for n := range 1000 {
				c.send(t, false, fmt.Appendf(nil, "%d of %d", n, i))
			}
		})
		all.Go(func() {
			for n := range 1000 {
				mustReceive(t, c, false, fmt.Appendf(nil, "%d of %d", n, i))
			}
		})
	}
	all.Wait()
}

// payload is size bytes; text unless binary.
func payload(size int, binary bool) []byte {
	p := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(size)})
	r.Read(p)
	if !binary {
		for i := range p {
			p[i] = 'a' + p[i]%26
		}
	}
	return p
}

func mustReceive(t testing.TB, c client, binary bool, want []byte) {
	t.Helper()
	gotBinary, got := c.receive(t)
	if gotBinary != binary || !bytes.Equal(got, want) {
		t.Errorf("received binary %v, %d bytes %.40q, want %v, %d bytes %.40q", gotBinary, len(got), got, binary, len(want), want)
	}
}
