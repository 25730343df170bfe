package server_test

import (
	"bufio"
	"io"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"lapps/acl"
	"lapps/server"
	"lapps/server/servertest"
	"lapps/services"
)

// admissionLua tells its peers what it knows about them.
const admissionLua = `return {
  onConnect = function(h, r)
    if r.query == "wait" then require("gate").wait() end
    local c = r.certificate
    ws:send(h, 1, r.remote_addr .. " " .. tostring(r.subprotocol) .. " " .. tostring(c and c.subject))
  end,
  onMessage = function(h, op, m) return ws:send(h, op, m) end}`

// admit is open with a Listener, and with admissionLua's service. Behind the
// test all places must have been given back.
func admit(t *testing.T, change func(*server.Listener, *services.Config), test func(t *testing.T, w *world, l *server.Listener)) {
	t.Helper()
	admitBy(open, t, change, test)
}

func admitBy(open opener, t *testing.T, change func(*server.Listener, *services.Config), test func(t *testing.T, w *world, l *server.Listener)) {
	t.Helper()
	var l *server.Listener
	open(t, func(w *world, c *services.Config) {
		l = &server.Listener{Server: w.Server}
		c.Files = fstest.MapFS{"test.lua": {Data: []byte(admissionLua)}}
		w.carrier.Accept = l.Accept
		change(l, c)
	}, func(t *testing.T, w *world) {
		test(t, w, l)
		if err := w.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		w.vacant(t, l)
	})
}

// vacant checks that no place is taken.
func (w *world) vacant(t *testing.T, l *server.Listener) {
	t.Helper()
	c, h, p := w.Places()
	if c+h+p+l.Open()+w.Open()+w.Services.Lookup("/test").Seats() != 0 {
		t.Errorf("places that were not given back: %d connections, %d handshakes, %d prefixes, %d of the listener, %d seats",
			c, h, p, l.Open(), w.Services.Lookup("/test").Seats())
	}
}

// exceeded checks how often limits have been exceeded; those that are not
// named, never.
func (w *world) exceeded(t *testing.T, want map[server.Limit]uint64) {
	t.Helper()
	for _, l := range server.AllLimits() {
		if got := w.Exceeded(l); got != want[l] {
			t.Errorf("%v has been exceeded %d times, want %d", l, got, want[l])
		}
	}
}

// dialFrom connects a peer with an address.
func (w *world) dialFrom(t *testing.T, addr string) *peer {
	t.Helper()
	c, err := w.connect(netip.MustParseAddr(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &peer{t, c, bufio.NewReader(c)}
}

// upgrade is an opening handshake with more header lines.
func upgrade(query string, lines ...string) string {
	r := strings.TrimSuffix(strings.Replace(handshake, "%s", query, 1), "\r\n")
	for _, line := range lines {
		r += line + "\r\n"
	}
	return r + "\r\n"
}

// ask connects a peer with an address and writes its opening handshake.
func (w *world) ask(t *testing.T, addr, query string, lines ...string) *peer {
	t.Helper()
	p := w.dialFrom(t, addr)
	io.WriteString(p, upgrade(query, lines...)) // it may have been refused already
	return p
}

// status expects a response with this status and these header lines, and
// returns its head.
func (p *peer) status(status string, lines ...string) string {
	p.t.Helper()
	var head strings.Builder
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("%v after %q, want %s", err, head.String(), status)
		}
		if head.WriteString(line); line == "\r\n" {
			break
		}
	}
	if !strings.HasPrefix(head.String(), "HTTP/1.1 "+status+" ") {
		p.t.Fatalf("received %q, want %s", head.String(), status)
	}
	for _, line := range lines {
		if !strings.Contains(head.String(), line+"\r\n") {
			p.t.Errorf("received %q, want a line %q", head.String(), line)
		}
	}
	return head.String()
}

const someone = "192.0.2.1"

// countLimits are the limits on how many connections there may be, each set
// to 2.
var countLimits = []struct {
	limit  server.Limit
	set    func(*server.Listener, *services.Config)
	status string
}{
	{server.LimitConnections, func(l *server.Listener, _ *services.Config) { l.Server.MaxConns = 2 }, "503"},
	{server.LimitListener, func(l *server.Listener, _ *services.Config) { l.MaxConns = 2 }, "503"},
	{server.LimitPrefix, func(l *server.Listener, _ *services.Config) { l.Server.Limits.PerPrefix = 2 }, "429"},
	{server.LimitService, func(_ *server.Listener, c *services.Config) { c.MaxConns = 2 }, "503"},
}

// TestConnectionLimits has one connection too many refused, however long it
// stays, and the next one let in once another has gone.
func TestConnectionLimits(t *testing.T) {
	for _, c := range countLimits {
		t.Run(c.limit.String(), func(t *testing.T) {
			admitBy(unencrypted, t, c.set, func(t *testing.T, w *world, l *server.Listener) {
				first, second := w.ask(t, someone, ""), w.ask(t, someone, "")
				first.status("101")
				second.status("101")
				w.ask(t, someone, "").status(c.status, "Retry-After: 5", "Connection: close")
				w.ask(t, someone, "").status(c.status, "Retry-After: 5")
				first.Close()
				synctest.Wait()
				w.ask(t, someone, "").status("101")
				w.ask(t, someone, "").status(c.status)
				w.exceeded(t, map[server.Limit]uint64{c.limit: 3})
			})
		})
	}
}

// TestConnectionLimitsDry has the same connections all let in, and counted.
func TestConnectionLimitsDry(t *testing.T) {
	for _, c := range countLimits {
		t.Run(c.limit.String(), func(t *testing.T) {
			admit(t, func(l *server.Listener, cfg *services.Config) {
				c.set(l, cfg)
				l.Server.Limits.DryRun = []server.Limit{server.LimitOutbox, c.limit}
			}, func(t *testing.T, w *world, l *server.Listener) {
				for range 5 {
					w.ask(t, someone, "").status("101")
				}
				w.exceeded(t, map[server.Limit]uint64{c.limit: 3})
			})
		})
	}
}

// TestJoiningCounts has peers in their onConnect count as the service's.
func TestJoiningCounts(t *testing.T) {
	admit(t, func(_ *server.Listener, c *services.Config) { c.MaxConns = 2 }, func(t *testing.T, w *world, l *server.Listener) {
		first, second := w.ask(t, someone, "?wait"), w.ask(t, someone, "?wait")
		w.ask(t, someone, "").status("503")
		synctest.Wait() // until both run: what has not begun need not
		first.Close()
		synctest.Wait()
		w.ask(t, someone, "").status("503") // its onConnect still runs
		openGate()
		openGate()
		second.status("101")
		synctest.Wait()
		w.ask(t, someone, "").status("101")
		w.exceeded(t, map[server.Limit]uint64{server.LimitService: 2})
	})
}

// TestPrefixes has connections counted by IPv4 address and by IPv6 /64.
func TestPrefixes(t *testing.T) {
	admitBy(unencrypted, t, func(l *server.Listener, _ *services.Config) { l.Server.Limits.PerPrefix = 1 }, func(t *testing.T, w *world, l *server.Listener) {
		for _, c := range []struct{ addr, status string }{
			{"192.0.2.1", "101"},
			{"192.0.2.2", "101"},
			{"::ffff:192.0.2.1", "429"},
			{"::ffff:192.0.2.3", "101"},
			{"192.0.2.3", "429"},
			{"2001:db8::1", "101"},
			{"2001:db8::ffff:ffff:ffff:ffff", "429"},
			{"2001:db8:0:1::1", "101"},
			{"::1", "101"},
			{"0.0.0.0", "101"}, // has the same bits as ::/64
		} {
			w.ask(t, c.addr, "").status(c.status)
		}
		if _, _, n := w.Places(); n != 7 {
			t.Errorf("%d prefixes, want 7", n)
		}
	})
}

// TestHandshakeLimit counts those who have begun and are not open.
func TestHandshakeLimit(t *testing.T) {
	admit(t, func(l *server.Listener, _ *services.Config) { l.Server.Limits.Handshakes = 2 }, func(t *testing.T, w *world, l *server.Listener) {
		silent := w.dialFrom(t, someone)
		first := w.dialFrom(t, someone)
		first.write("GET /test HTTP")
		second := w.ask(t, someone, "?wait")
		third := w.dialFrom(t, someone)
		synctest.Wait()
		third.write("G")
		third.status("503", "Retry-After: 5")
		for _, end := range []func(){ // each gives a place back
			func() { first.Conn.(interface{ Reset() }).Reset() },
			func() { openGate(); second.status("101") },
		} {
			w.ask(t, someone, "").status("503")
			end()
			synctest.Wait()
			w.ask(t, someone, "").status("101")
			w.dialFrom(t, someone).write("GET") // takes it
			synctest.Wait()
		}
		w.ask(t, someone, "").status("503")
		time.Sleep(11 * time.Second) // 408 for both of them
		if _, h, _ := w.Places(); h != 0 {
			t.Errorf("%d handshakes are under way", h)
		}
		silent.end()
		for _, query := range []string{"er", "?wait"} {
			w.ask(t, someone, query)
		}
		synctest.Wait()
		if _, h, _ := w.Places(); h != 1 {
			t.Errorf("%d handshakes are under way, want that of the peer in its onConnect", h)
		}
		openGate()
		w.exceeded(t, map[server.Limit]uint64{server.LimitHandshakes: 4, server.LimitHandshakeTime: 3})
	})
}

func TestHandshakeLimitDry(t *testing.T) {
	admit(t, func(l *server.Listener, _ *services.Config) {
		l.Server.Limits = server.Limits{Handshakes: 1, DryRun: []server.Limit{server.LimitHandshakes}}
	}, func(t *testing.T, w *world, l *server.Listener) {
		w.dialFrom(t, someone).write("GET")
		for range 3 {
			synctest.Wait()
			w.ask(t, someone, "").status("101")
		}
		w.exceeded(t, map[server.Limit]uint64{server.LimitHandshakes: 3})
	})
}

// TestHandshakeTimeDry counts a slow handshake once, wherever it is slow, and
// lets it go on.
func TestHandshakeTimeDry(t *testing.T) {
	admit(t, func(l *server.Listener, _ *services.Config) {
		l.Server.Limits.DryRun = []server.Limit{server.LimitHandshakeTime}
	}, func(t *testing.T, w *world, l *server.Listener) {
		all := upgrade("?wait")
		for _, n := range []int{0, 5, len(all)} {
			p := w.dialFrom(t, someone)
			p.write(all[:n])
			time.Sleep(10 * limits.Handshake)
			p.write(all[n:])
			openGate()
			p.status("101")
			p.expect(0x81, p.LocalAddr().String()+" nil nil")
			p.expect(0x89, "") // the timeouts of open connections are as ever
		}
		w.exceeded(t, map[server.Limit]uint64{server.LimitHandshakeTime: 3, server.LimitIdle: 2})
	})
}

// heads are opening handshakes that are too large by default: as a whole, in a
// line, in the number of lines, and in the first line.
var heads = []struct{ request, status string }{
	{upgrade("", strings.Repeat("X: "+strings.Repeat("x", 90)+"\r\n", 95)+"Y: y"), "431"},
	{upgrade("", "X: "+strings.Repeat("x", 9000)), "431"},
	{upgrade("", strings.Repeat("X: x\r\n", 100)+"Y: y"), "431"},
	{upgrade("?" + strings.Repeat("x", 9000)), "414"},
}

// TestHeaderLimit counts heads that are too large, refused or not, however
// they are cut.
func TestHeaderLimit(t *testing.T) {
	for _, c := range heads {
		for _, chunk := range []int{0, 1, 1000} {
			for _, dry := range []bool{false, true} {
				admit(t, func(l *server.Listener, _ *services.Config) {
					if dry {
						l.Server.Limits.DryRun = []server.Limit{server.LimitHeader}
					}
				}, func(t *testing.T, w *world, l *server.Listener) {
					w.carrier.Chunk = chunk
					w.ask(t, someone, "").status("101")
					p := w.dialFrom(t, someone)
					p.write("GET / HTTP/1.0\r\n\r\n") // another fault
					p.status("400")
					p = w.dialFrom(t, someone)
					p.write(c.request)
					if want := c.status; dry {
						p.status("101")
					} else {
						p.status(want)
					}
					w.exceeded(t, map[server.Limit]uint64{server.LimitHeader: 1})
				})
			}
		}
	}
}

// TestHeaderLimitDryEnds has even a head that is only counted end somewhere.
func TestHeaderLimitDryEnds(t *testing.T) {
	admit(t, func(l *server.Listener, _ *services.Config) {
		l.Server.Limits.DryRun = []server.Limit{server.LimitHeader}
	}, func(t *testing.T, w *world, l *server.Listener) {
		p := w.dialFrom(t, someone)
		p.write("GET / HTTP/1.1\r\n")
		line := "X: " + strings.Repeat("x", 1000) + "\r\n"
		for range 1100 {
			if _, err := io.WriteString(p, line); err != nil {
				break
			}
		}
		p.status("431")
		w.exceeded(t, map[server.Limit]uint64{server.LimitHeader: 1})
	})
}

// TestPlacesConcurrently has clients come and go at several loops at once, in
// all ways: of what is limited there is never more, and nothing is left.
func TestPlacesConcurrently(t *testing.T) {
	const loops, clients, turns, limit = 4, 10, 30, 12
	for _, c := range countLimits {
		t.Run(c.limit.String(), func(t *testing.T) {
			admit(t, func(l *server.Listener, cfg *services.Config) {
				c.set(l, cfg)
				for _, n := range []*int{&l.Server.MaxConns, &l.MaxConns, &l.Server.Limits.PerPrefix, &cfg.MaxConns} {
					if *n > 0 {
						*n = limit
					}
				}
			}, func(t *testing.T, w *world, l *server.Listener) {
				var in atomic.Int64
				var refused, admitted atomic.Int64
				var all sync.WaitGroup
				for range loops {
					carrier := servertest.NewCarrier(l.Accept)
					defer carrier.Stop()
					for i := range clients {
						all.Go(func() {
							for turn := range turns {
								conn, err := carrier.Dial()
								if err != nil {
									t.Error(err)
									return
								}
								if (turn+i)%5 == 0 { // does not wait
									io.WriteString(conn, "GET /test")
									conn.Close()
									continue
								}
								io.WriteString(conn, upgrade(""))
								line, _ := bufio.NewReader(conn).ReadString('\n')
								if strings.Contains(line, " 101 ") {
									admitted.Add(1)
									if n := in.Add(1); n > limit {
										t.Errorf("%d are in", n)
									}
									time.Sleep(time.Millisecond)
									in.Add(-1)
								} else if strings.Contains(line, " "+c.status+" ") {
									refused.Add(1)
								} else {
									t.Errorf("received %q", line)
								}
								conn.Close()
							}
						})
					}
				}
				all.Wait()
				synctest.Wait()
				w.vacant(t, l)
				if n := w.Exceeded(c.limit); n < uint64(refused.Load()) || admitted.Load() == 0 || refused.Load() == 0 {
					t.Errorf("%d admitted, %d refused, %d counted", admitted.Load(), refused.Load(), n)
				}
			})
		})
	}
}

// TestAdmit asks as a carrier does.
func TestAdmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server.Server{Access: list(t, "allow", "198.51.100.0/24"), Limits: server.Limits{Accepts: 10}}
		l := &server.Listener{Server: srv, Trusted: list(t, "deny", "198.51.100.7")}
		admits := func(l interface{ Admit(netip.AddrPort) bool }, addr string) bool {
			return l.Admit(netip.AddrPortFrom(netip.MustParseAddr(addr), 1))
		}
		for range 100 { // who is not let in does not count
			if admits(l, "198.51.100.8") || admits(srv, "198.51.100.7") {
				t.Fatal("an address that is not allowed is let in")
			}
		}
		for i := range 10 {
			if addr := []string{someone, "198.51.100.7"}[i%2]; !admits(l, addr) {
				t.Errorf("the %d. connection of %s is not let in", i, addr)
			}
		}
		if admits(l, "198.51.100.7") || admits(srv, someone) {
			t.Error("one too many in the first second")
		}
		for range 20 {
			time.Sleep(100 * time.Millisecond)
			if !admits(l, someone) || admits(srv, someone) {
				t.Error("not one in 100 ms")
			}
		}
		if n := srv.Exceeded(server.LimitAccepts); n != 22 {
			t.Errorf("exceeded %d times, want 22", n)
		}
		srv.Limits.DryRun = []server.Limit{server.LimitAccepts}
		if !admits(l, someone) || srv.Exceeded(server.LimitAccepts) != 23 {
			t.Error("not let in, or not counted")
		}
	})
}

func list(t *testing.T, policy string, exclude ...string) *acl.List {
	t.Helper()
	l, err := acl.Parse(policy, exclude)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
