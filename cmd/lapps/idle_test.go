package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// idleConns is how many connections are idle at a time.
const idleConns = 2000

// TestIdleEncrypted holds that a connection costs no goroutine, only memory: how
// much, in a process that has nothing but the server's end, is logged.
func TestIdleEncrypted(t *testing.T) {
	cert, key := makeCert(t)
	doc := encrypted(cert, key)
	d := startDaemon(t, doc, echoApp)
	idle(t, d.addr(), 10, nil) // what is made once
	before := runtime.NumGoroutine()
	idle(t, d.addr(), idleConns, nil)
	// gnet enrols connections on goroutines that it keeps for a while; they are
	// as many as connections were on their way at a time.
	eventually(t, "the goroutines of handshakes end", func() bool { return runtime.NumGoroutine() < before+50 })

	for _, curve := range []tls.CurveID{tls.X25519, tls.X25519MLKEM768} {
		p := startProcess(t, 1, doc, echoApp)
		idle(t, p.addr, 200, []tls.CurveID{curve})
		empty := residentBytes(t, p.cmd.Process.Pid)
		idle(t, p.addr, idleConns, []tls.CurveID{curve})
		each := (residentBytes(t, p.cmd.Process.Pid) - empty) / idleConns
		t.Logf("%v: %d idle connections take %.1f kB of resident memory each", curve, idleConns, float64(each)/1000)
		if each > 40_000 {
			t.Errorf("%v: an idle connection takes %d bytes", curve, each)
		}
	}
}

// idle opens connections that stay until the end of the test, each after one
// echo.
func idle(t *testing.T, addr string, n int, curves []tls.CurveID) {
	t.Helper()
	cfg := &tls.Config{InsecureSkipVerify: true, CurvePreferences: curves}
	hello := []byte(upgrade("/echo") + masked(0x81, "hello"))
	for i := range n {
		c, err := tls.Dial("tcp", addr, cfg)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		t.Cleanup(func() { c.NetConn().Close() })
		if _, err := c.Write(hello); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for b := make([]byte, 1000); !bytes.HasSuffix(got, []byte("\x81\x05hello")); {
			k, err := c.Read(b)
			if got = append(got, b[:k]...); err != nil {
				t.Fatalf("%v after %q", err, got)
			}
		}
	}
}

// residentBytes is the resident memory of a process (VmRSS).
func residentBytes(t testing.TB, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kB * 1024
}

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
