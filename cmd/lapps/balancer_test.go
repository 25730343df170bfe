package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
)

func TestHAProxy(t *testing.T) {
	d := deploy(t)
	d.startHAProxy(t)
	d.test(t)
	t.Run("cookie", d.testCookie)
	if d.logged.count(" is DOWN") > 0 {
		t.Error("the checks of health fail")
	}
	d.testOneStops(t)
}

func TestNginx(t *testing.T) {
	d := deploy(t)
	d.startNginx(t)
	d.test(t)
	d.testOneStops(t)
}

// ways are the four that deploy has, by port.
var ways = []struct {
	name, port string
	sticky     bool
	passes     bool // TLS goes through, and the PROXY header tells the port too
}{
	{"pass-through", passthrough, false, true},
	{"pass-through, sticky", passthroughSticky, true, true},
	{"termination", termination, false, false},
	{"termination, sticky", terminationSticky, true, false},
}

// test has each way carry a crowd.
func (d *deployment) test(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			crowd := d.crowd(t, way.port)
			for _, v := range crowd {
				if err := v.checkSeen(way.passes); err != nil {
					t.Fatal(err)
				}
			}
			checkShares(t, crowd, way.sticky)
		})
	}
	t.Run("spoofed", d.testSpoofed)
	for name, daemon := range d.daemons {
		if daemon.logged.count(`"level":"WARN"`)+daemon.logged.count(`"level":"ERROR"`) > 0 {
			t.Errorf("%s warns:\n%s", name, daemon.logged)
		}
	}
}

// Crowds come from several addresses, with several connections from each.
const (
	sources   = 8
	perSource = 40
)

// source is the address that the i-th client of a crowd has.
func source(i int) string { return fmt.Sprintf("127.0.0.%d", 2+i%sources) }

// crowd opens all connections of a crowd, whose clients claim to be others. The
// first of each source is then silent for longer than the balancer's timeouts,
// but for pings, and one only sends. They all have to last.
func (d *deployment) crowd(t *testing.T, port string) (all []*visitor) {
	t.Helper()
	lasted := make(chan error, sources+1)
	for i := range sources * perSource {
		v, err := d.visit(t, "wss://"+d.host+":"+port, source(i), spoofed)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		all = append(all, v)
		switch {
		case i < sources:
			go func() { lasted <- v.idle() }()
		case i == sources:
			go func() { lasted <- v.talk() }()
		}
	}
	for range cap(lasted) {
		if err := <-lasted; err != nil {
			t.Error(err)
		}
	}
	return all
}

// spoofed are the headers of a client that claims to be another.
var spoofed = http.Header{
	"X-Forwarded-For": {"203.0.113.7"},
	"Forwarded":       {"for=203.0.113.7"},
}

// checkShares checks that each source has one daemon, where the way is sticky,
// or else that both daemons have a share.
func checkShares(t *testing.T, crowd []*visitor, sticky bool) {
	t.Helper()
	share := make(map[string]int)
	of := make(map[netip.Addr]string)
	for _, v := range crowd {
		share[v.daemon]++
		if first, ok := of[v.local.Addr()]; sticky && ok && first != v.daemon {
			t.Errorf("%v is at %s, after %s", v.local, v.daemon, first)
		}
		of[v.local.Addr()] = v.daemon
	}
	if least := len(crowd) / 4; !sticky && (share["a"] < least || share["b"] < least) {
		t.Errorf("the daemons have %v, want at least %d each", share, least)
	}
}

// testSpoofed has clients claim to be others where nothing they say counts.
func (d *deployment) testSpoofed(t *testing.T) {
	proxied, forwarded := d.daemons["a"].Addrs()[0].String(), d.daemons["a"].Addrs()[1].String()
	// Past the balancer, with its headers.
	v, err := d.visit(t, "ws://"+forwarded, "127.0.0.9", spoofed)
	if err != nil {
		t.Fatal(err)
	}
	if v.seen != v.local.String() {
		t.Errorf("%v seems to be %s", v.local, v.seen)
	}
	// Past the balancer or through it, with a PROXY header before TLS.
	for _, to := range []string{proxied, d.host + ":" + passthrough} {
		c, err := from("127.0.0.9").Dial("tcp", to)
		if err != nil {
			continue // aborted already
		}
		defer c.Close()
		io.WriteString(c, "PROXY TCP4 203.0.113.7 203.0.113.8 4711 443\r\n")
		secure := tls.Client(c, &tls.Config{RootCAs: d.roots, ServerName: "127.0.0.1"})
		if err := secure.HandshakeContext(patience(t)); err == nil {
			t.Errorf("%s takes a PROXY header from a client", to)
		}
	}
	// Nobody but the balancer can connect where it tells the address.
	if _, err := d.visit(t, "wss://"+proxied, "127.0.0.9", nil); err == nil {
		t.Error("a client that is not the balancer can connect")
	}
}

// testCookie has HAProxy heed its cookie rather than the address.
func (d *deployment) testCookie(t *testing.T) {
	url := "wss://" + d.host + ":" + terminationSticky
	for _, name := range []string{"a", "b"} {
		v, err := d.visit(t, url, source(0), http.Header{"Cookie": {"LAPPS=" + name}})
		if err != nil {
			t.Fatal(err)
		}
		if v.daemon != name {
			t.Errorf("the cookie says %s, the client is at %s", name, v.daemon)
		}
	}
	v, err := d.visit(t, url, source(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	if cookie := v.answer.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "LAPPS="+v.daemon+";") {
		t.Errorf("at %s, Set-Cookie is %q", v.daemon, cookie)
	}
}

// testOneStops stops a daemon: whoever comes then is at the other.
func (d *deployment) testOneStops(t *testing.T) {
	d.daemons["b"].stop()
	for _, way := range ways {
		for i := range 2 * sources {
			v, err := d.visit(t, "wss://"+d.host+":"+way.port, source(i), nil)
			if err != nil {
				t.Fatalf("%s, connection %d without b: %v", way.name, i, err)
			}
			if v.daemon != "a" {
				t.Errorf("%s: at %s, which has stopped", way.name, v.daemon)
			}
		}
	}
}

// A visitor is a connection to the witness, and what that says.
type visitor struct {
	conn    *coder.Conn
	answer  *http.Response
	pinged  chan struct{}
	local   netip.AddrPort
	daemon  string // a or b
	seen    string // who the visitor seems to be: address and port
	headers string // X-Forwarded-For and Forwarded, as the service has them
}

// from is a dialer that connects from an address.
func from(address string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
}

// visit connects from an address, until the end of the test, and asks the
// witness.
func (d *deployment) visit(t *testing.T, url, address string, header http.Header) (*visitor, error) {
	v := &visitor{pinged: make(chan struct{}, 2*pings)}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: d.roots},
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			c, err := from(address).DialContext(ctx, network, to)
			if err == nil {
				v.local = c.LocalAddr().(*net.TCPAddr).AddrPort()
			}
			return c, err
		},
		DisableKeepAlives: true,
	}
	var err error
	v.conn, v.answer, err = coder.Dial(patience(t), url+"/echo", &coder.DialOptions{
		HTTPClient: &http.Client{Transport: transport},
		HTTPHeader: header,
		OnPingReceived: func(context.Context, []byte) bool {
			select {
			case v.pinged <- struct{}{}:
			default: // nobody waits for as many
			}
			return true
		},
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { v.conn.CloseNow() })
	witness, err := v.ask(patience(t), "who")
	if err != nil {
		return nil, err
	}
	_, err = fmt.Sscanf(witness, "%s %s", &v.daemon, &v.seen)
	v.headers = strings.TrimPrefix(witness, v.daemon+" "+v.seen+" ")
	return v, err
}

// ask sends a message and returns the next one that is received.
func (v *visitor) ask(ctx context.Context, message string) (string, error) {
	if err := v.conn.Write(ctx, coder.MessageText, []byte(message)); err != nil {
		return "", err
	}
	_, answer, err := v.conn.Read(ctx)
	return string(answer), err
}

// checkSeen checks that the service sees the client as it is: in a PROXY header
// (passes) or in X-Forwarded-For, which has no port.
func (v *visitor) checkSeen(passes bool) error {
	want, headers := netip.AddrPortFrom(v.local.Addr(), 0).String(), v.local.Addr().String()+" -"
	if passes {
		want, headers = v.local.String(), "203.0.113.7 for=203.0.113.7" // seen, not believed
	}
	if v.seen != want || v.headers != headers {
		return fmt.Errorf("%v seems to be %s, with the headers %s; want %s, %s", v.local, v.seen, v.headers, want, headers)
	}
	return nil
}

// idle is silent for so many pings, and then it asks.
func (v *visitor) idle() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	type answer struct {
		message []byte
		err     error
	}
	received := make(chan answer, 1)
	go func() { // pings are answered while it reads
		_, message, err := v.conn.Read(ctx)
		received <- answer{message, err}
	}()
	for n := range pings {
		select {
		case <-v.pinged:
		case a := <-received:
			return fmt.Errorf("%v, after %d pings: %q, %w", v.local, n, a.message, a.err)
		}
	}
	if err := v.conn.Write(ctx, coder.MessageText, []byte("still here")); err != nil {
		return err
	}
	if a := <-received; a.err != nil || string(a.message) != "still here" {
		return fmt.Errorf("%v, after %d pings: %q, %w", v.local, pings, a.message, a.err)
	}
	return nil
}

// talk sends for as long as idle is silent, and is neither answered nor pinged.
func (v *visitor) talk() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pace := time.NewTicker(pingMs * time.Millisecond)
	defer pace.Stop()
	for range pings {
		<-pace.C
		if err := v.conn.Write(ctx, coder.MessageText, []byte("quiet")); err != nil {
			return err
		}
	}
	answer, err := v.ask(ctx, "aloud")
	if err == nil && answer != "aloud" {
		err = errors.New("received " + answer)
	}
	return err
}
