package services_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

// TestWaitsOfThoseWhoHaveGone has peers go while their handlers wait.
func TestWaitsOfThoseWhoHaveGone(t *testing.T) {
	const waits = `local function rest(what, s)
			print(what .. " begins")
			sleep(s)
			print(what .. " ends")
		end
		return {
			onConnect = function(h) if h >= 100 then rest("onConnect " .. h, 60) end end,
			onMessage = function(h, op, m) rest(m, tonumber(m)) return true end,
			onDisconnect = function(h) rest("onDisconnect " .. h, 30) end,
		}`
	began := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	// log has what was logged, and when.
	log := func(b *bytes.Buffer) string {
		synctest.Wait()
		var lines []string
		for line := range strings.Lines(b.String()) {
			stamp, rest, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
			at, err := time.Parse(time.RFC3339, stamp)
			if err != nil {
				t.Error(err)
			}
			for _, want := range []string{" begins", " ends", "cancelled while waiting"} {
				if i := strings.Index(rest, want); i >= 0 {
					start := strings.LastIndexAny(rest[:i], `"`) + 1
					lines = append(lines, strings.TrimSpace(at.Sub(began).String()+" "+strings.TrimPrefix(rest[start:i+len(want)], "test.lua:3: ")))
				}
			}
		}
		b.Reset()
		return strings.Join(lines, "; ")
	}
	for _, c := range []struct {
		name string
		gone time.Duration
		test func(t *testing.T, r *services.Registry)
		want string
	}{
		{"a short wait", 10 * time.Second, func(t *testing.T, r *services.Registry) {
			_, s := mustJoin(t, r, 1)
			deliver(t, s, "5")
			s.Leave(nil)
		}, "0s 5 begins; 5s 5 ends; 5s onDisconnect 1 begins; 35s onDisconnect 1 ends"},
		{"a long one", 10 * time.Second, func(t *testing.T, r *services.Registry) {
			_, s := mustJoin(t, r, 1)
			deliver(t, s, "3600")
			time.Sleep(7 * time.Second)
			s.Leave(nil)
		}, "0s 3600 begins; 17s cancelled while waiting; 17s onDisconnect 1 begins; 47s onDisconnect 1 ends"},
		{"several", 10 * time.Second, func(t *testing.T, r *services.Registry) {
			_, s := mustJoin(t, r, 1)
			deliver(t, s, "6")
			deliver(t, s, "3600")
			deliver(t, s, "60")
			s.Leave(nil)
		}, "0s 6 begins; 6s 6 ends; 6s 3600 begins; 10s cancelled while waiting; 10s onDisconnect 1 begins; 40s onDisconnect 1 ends"},
		{"for as long as they like", 0, func(t *testing.T, r *services.Registry) {
			_, s := mustJoin(t, r, 1)
			deliver(t, s, "3000")
			s.Leave(nil)
		}, "0s 3000 begins; 50m0s 3000 ends; 50m0s onDisconnect 1 begins; 50m30s onDisconnect 1 ends"},
		{"onConnect", 10 * time.Second, func(t *testing.T, r *services.Registry) {
			for id := uint64(100); id < 102; id++ {
				gone := r.Lookup("/test").Join(&peer{id: id}, services.Request{
					Request:    &wire.Request{Target: "/test", Path: "/test"},
					RemoteAddr: netip.MustParseAddrPort("192.0.2.7:1234"),
				}, func(s *services.Seat, err error) {
					if err == nil {
						t.Error("a client that has gone was admitted")
					}
				})
				if id == 100 {
					synctest.Wait()
				}
				gone()
			}
		}, "0s onConnect 100 begins; 10s cancelled while waiting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, services.Config{GoneTime: c.gone}, waits, func(t *testing.T, r *services.Registry, b *bytes.Buffer) {
				c.test(t, r)
				time.Sleep(time.Hour)
				if got := log(b); got != c.want {
					t.Errorf("%s\nwant %s", got, c.want)
				}
				if n := r.Lookup("/test").Seats(); n != 0 {
					t.Errorf("%d seats are left", n)
				}
			})
		})
	}
}
