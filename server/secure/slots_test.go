package secure_test

import (
	"context"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lapps/server"
	"lapps/server/secure"
	"lapps/server/servertest"
)

// TestSlotsWalk has clients of two layers that share slots do anything at any
// time, while certificates change: who behaves gets through, and no slot is left.
func TestSlotsWalk(t *testing.T) {
	for seed := range uint64(20) {
		open(t, 1+int(seed%4), nil, func(w *world) {
			second := secure.New(secure.Config{Keys: w.keys, Slots: w.slots})
			carriers := []*servertest.Carrier{w.carrier, servertest.NewCarrier(second.Accept(func(s server.Socket) (server.Receiver, error) {
				return &echo{Socket: s}, nil
			}))}
			hello := clientHello(t)
			stop := make(chan bool)
			var others sync.WaitGroup
			others.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(500 * time.Millisecond):
						w.ca.Issue(t, w.dir, "server", false, nil, nil, "example.com")
						w.reload(true)
					}
				}
			})
			for i := range 60 {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				time.Sleep(time.Duration(r.Int64N(int64(50 * time.Millisecond))))
				raw, err := carriers[i%2].Dial()
				if err != nil {
					t.Fatal(err)
				}
				if i%5 == 0 { // one that behaves
					others.Go(func() { greet(t, raw, w.config()) })
				} else {
					others.Go(func() { misbehave(r, raw, hello, w.config()) })
				}
			}
			time.Sleep(10 * time.Second)
			close(stop)
			others.Wait()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			w.underWay(0, 0)
			carriers[1].Stop()
			if err := second.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			if n := w.layer.Stats().Completed + second.Stats().Completed; n < 12 {
				t.Errorf("%d handshakes were completed, want 12 at least", n)
			}
		})
	}
}

// greet has an echo within a minute.
func greet(t *testing.T, raw net.Conn, cfg *tls.Config) {
	defer raw.Close()
	c := tls.Client(raw, cfg)
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Errorf("write: %v", err)
		return
	}
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		t.Errorf("read: %v", err)
	}
}

// misbehave is somebody who sends a part of a handshake, or all of it, and goes at
// any time, in any way.
func misbehave(r *rand.Rand, raw net.Conn, hello []byte, cfg *tls.Config) {
	pause := time.Duration(r.Int64N(int64(3 * time.Second)))
	switch r.IntN(4) {
	case 0:
		raw.Write(hello[:r.IntN(len(hello))])
	case 1:
		raw.Write(hello)
	case 2:
		cut := r.IntN(len(hello))
		raw.Write(hello[:cut])
		time.Sleep(pause)
		raw.Write(hello[cut:])
	case 3:
		c := tls.Client(raw, cfg)
		go c.Handshake()
	}
	time.Sleep(pause)
	if r.IntN(2) == 0 {
		raw.Close()
	} else {
		raw.(interface{ Reset() }).Reset()
	}
}
