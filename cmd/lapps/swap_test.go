package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"testing"
)

// TestSwapUnderLoad changes the certificate while clients come and go: none
// fails, and in the end all get the new one.
func TestSwapUnderLoad(t *testing.T) {
	cert, key := makeCert(t)
	d := startDaemon(t, encrypted(cert, key), echoApp)
	stop := make(chan struct{})
	const clients = 8
	type outcome struct {
		conns int
		seen  map[string]bool // certificates
		err   error
	}
	done := make(chan outcome, clients)
	for range clients {
		go func() {
			o := outcome{seen: make(map[string]bool)}
			for {
				select {
				case <-stop:
					done <- o
					return
				default:
				}
				serial, err := comeAndGo(d.addr())
				if err != nil {
					o.err = err
					done <- o
					return
				}
				o.conns++
				o.seen[serial] = true
			}
		}()
	}
	const swaps = 5
	for range swaps {
		replace(t, cert, key)
		eventually(t, "the new certificate is served", func() bool { return d.serves(t, cert) })
	}
	close(stop)
	conns, seen := 0, make(map[string]bool)
	for range clients {
		o := <-done
		if o.err != nil {
			t.Error(o.err)
		}
		conns += o.conns
		for serial := range o.seen {
			seen[serial] = true
		}
	}
	t.Logf("%d connections, %d certificates seen", conns, len(seen))
	if len(seen) < 3 {
		t.Errorf("only %d certificates were seen", len(seen))
	}
}

// comeAndGo makes a connection, has an echo, and closes as one should. It
// returns the serial number of the certificate.
func comeAndGo(addr string) (serial string, err error) {
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, upgrade("/echo")+masked(0x82, "hello")+masked(0x88, "\x03\xe8")); err != nil {
		return "", err
	}
	all, err := io.ReadAll(c)
	if err == nil && !bytes.HasSuffix(all, []byte("\x82\x05hello\x88\x02\x03\xe8")) {
		err = fmt.Errorf("answered with %q", all)
	}
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String(), err
}
