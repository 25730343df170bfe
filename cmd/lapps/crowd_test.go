package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	coder "github.com/coder/websocket"
)

// A crowd are ordinary clients, at an address of their own: some that have been
// there before, each of which echoes without a pause, and one newcomer after the
// other, who echoes once and goes.
type crowd struct {
	url   string
	trust *tls.Config // nil: not needed
	conns []*coder.Conn

	echoes, newcomers atomic.Int64

	cancel  context.CancelFunc
	running sync.WaitGroup

	mu  sync.Mutex
	err error // the first
}

// newCrowd opens n connections.
func newCrowd(t testing.TB, n int, url string, trust *tls.Config) *crowd {
	t.Helper()
	c := &crowd{url: url, trust: trust}
	for range n {
		conn, err := c.open(patience(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.CloseNow() })
		c.conns = append(c.conns, conn)
	}
	return c
}

func (c *crowd) open(ctx context.Context) (*coder.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	transport := &http.Transport{TLSClientConfig: c.trust, DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	conn, _, err := coder.Dial(ctx, c.url, &coder.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	return conn, err
}

// echo has a message come back.
func echo(ctx context.Context, conn *coder.Conn, message string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := conn.Write(ctx, coder.MessageText, []byte(message)); err != nil {
		return err
	}
	_, got, err := conn.Read(ctx)
	if err == nil && string(got) != message {
		err = fmt.Errorf("the echo of %.40q was %.40q", message, got)
	}
	return err
}

// start has them all echo until end.
func (c *crowd) start() {
	stopped, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	for i, conn := range c.conns {
		c.running.Go(func() {
			for n := 0; stopped.Err() == nil; n++ {
				if err := echo(context.Background(), conn, fmt.Sprintf("%d of %d", n, i)); err != nil {
					c.failed(err)
					return
				}
				c.echoes.Add(1)
			}
		})
	}
	c.running.Go(func() {
		for stopped.Err() == nil {
			if err := c.visit(); err != nil {
				c.failed(fmt.Errorf("a newcomer: %w", err))
				return
			}
			c.newcomers.Add(1)
		}
	})
}

// visit is a newcomer.
func (c *crowd) visit() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	if err := echo(ctx, conn, "hello"); err != nil {
		return err
	}
	return conn.Close(coder.StatusNormalClosure, "")
}

func (c *crowd) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// failure is the first error.
func (c *crowd) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// end has them stop. Those that were there before stay connected.
func (c *crowd) end(t testing.TB) {
	t.Helper()
	c.cancel()
	c.running.Wait()
	if err := c.failure(); err != nil {
		t.Errorf("an ordinary client: %v", err)
	}
}
