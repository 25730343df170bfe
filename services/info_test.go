package services_test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

func TestInfo(t *testing.T) {
	const all = `local i = ws:info(%s) local keys = {} for k in pairs(i) do keys[#keys + 1] = k end table.sort(keys)
		for n, k in ipairs(keys) do local v = i[k] if type(v) == "table" then v = v.subject end keys[n] = k .. "=" .. tostring(v) end
		return unpack(keys)`
	synctest.Test(t, func(t *testing.T) {
		other := service("other", evalLua, services.Config{AutoStart: true, Instances: 2, Subprotocols: []string{"v1", "v2"}})
		other.RequestTarget = "/other"
		test := service("test", evalLua, services.Config{AutoStart: true, Instances: 1})
		test.RequestTarget = "/test"
		r, err := services.New([]services.Config{test, other}, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := &peer{id: 1, info: services.PeerInfo{RemoteAddr: netip.MustParseAddrPort("[2001:db8::1]:7")}}
		s := seat(t, r, "test", p)
		time.Sleep(90 * time.Second)
		q := &peer{id: 2, info: services.PeerInfo{RemoteAddr: netip.MustParseAddrPort("192.0.2.1:8"), TLS: true, Certificate: certificate(t)}}
		r.Lookup("/other").Join(q, services.Request{Request: &wire.Request{}, Subprotocol: "v2"}, func(*services.Seat, error) {})
		synctest.Wait()
		for _, c := range []struct{ code, want string }{
			{fmt.Sprintf(all, "h"), "connected_at=946684800000, instance=test/1, path=/test, remote_addr=[2001:db8::1]:7, service=test, tls=false"},
			{fmt.Sprintf(all, "2"), `certificate=CN=Ann\, of course,O=Example, connected_at=946684890000, instance=other/2, path=/other, ` +
				"remote_addr=192.0.2.1:8, service=other, subprotocol=v2, tls=true"},
			{`return ws:info(h).instance == instance_id`, "true"},
			{`local i, why = ws:info(99) return tostring(i), why`, "nil, no such connection"},
			{`local i, why = ws:info() return tostring(i), why`, "nil, usage: ws:info(handler): wrong number of arguments"},
			{`local i, why = ws:info("1") return tostring(i), why`, "nil, usage: ws:info(handler): handler must be a number, not a string"},
		} {
			deliver(t, s, c.code)
			if got := p.said(t); !slices.Equal(got, []string{"text " + c.want}) {
				t.Errorf("%s: %q, want %q", c.code, got, c.want)
			}
		}
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
