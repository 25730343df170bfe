package cws

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"

	"lapps/server"
	"lapps/server/epoll"
	"lapps/server/secure"
	"lapps/services/grants"
	"lapps/services/modules/task"
	"lapps/services/vm"
)

// gnet enrols connections on goroutines of a pool for the whole process, which
// keeps them for 10 s, and starts two of its own when it is imported.
var gnetsPool = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*goWorker).run.func1"),
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, gnetsPool...) }

// limit is for what never takes that long.
const limit = 30 * time.Second

// A network is the event loops of a test.
type network struct {
	pool    *Pool
	carrier *epoll.Carrier
	layer   *secure.Layer
}

func newNetwork(t testing.TB) *network {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	carrier, err := epoll.New(epoll.Config{Loops: 2, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	n := &network{carrier: carrier, layer: secure.New(secure.Config{Log: log})}
	n.pool = NewPool(n.carry)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		for _, err := range []error{n.pool.Stop(ctx), carrier.Stop(ctx), n.layer.Stop(ctx)} {
			if err != nil {
				t.Error(err)
			}
		}
		if open := carrier.Stats().Open; open != 0 {
			t.Errorf("%d connections are left", open)
		}
	})
	return n
}

// carry is a Carry, as the daemon's.
func (n *network) carry(conn net.Conn, s *Security, r Receiver) error {
	attach := func(sock server.Socket) *carried {
		c := &carried{Socket: sock, Receiver: r, loop: sock.Loop()}
		c.timer.F = r.Alarm
		r.Attached(c)
		return c
	}
	if s != nil {
		return n.carrier.Attach(conn, n.layer.Connect(secure.ClientConfig(s.Server, s.Roots), func(sock server.Socket) (server.Receiver, error) {
			return attach(sock), nil
		}))
	}
	return n.carrier.Attach(conn, func(sock server.Socket) (server.Receiver, error) {
		c := attach(sock)
		r.Ready()
		return c, nil
	})
}

type carried struct {
	server.Socket
	Receiver
	loop  server.Loop
	timer server.Timer
}

func (c *carried) Secured()            { c.Ready() }
func (c *carried) Loop() Loop          { return c.loop }
func (c *carried) Now() time.Duration  { return c.loop.Now() }
func (c *carried) Arm(d time.Duration) { c.loop.Arm(&c.timer, d) }
func (c *carried) Dirty()              { c.loop.Dirty(c) }
func (c *carried) Lost(err error) {
	c.loop.Stop(&c.timer)
	c.Receiver.Lost(err)
}

// anywhere grants connections to this machine.
func anywhere(t testing.TB) *grants.Grants {
	t.Helper()
	g, err := grants.New(grants.Config{
		Network: []string{"*:*"},
		Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			if strings.HasSuffix(host, ".test") {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const prelude = `
cws, task = require "cws", require "task"
function all(...) local t = {} for i = 1, select("#", ...) do t[i] = tostring((select(i, ...))) end return table.concat(t, "|") end
function dial(path, options) local c, why = cws.connect(url .. (path or "/echo"), options) if not c then error(why, 0) end return c end
`

// A lab is an instance with the module.
type lab struct {
	t        testing.TB
	in       *vm.Instance
	failures []string // what OnError was told; the baton's
}

// newLab makes an instance of source, which has not run yet; url is a global of it.
func newLab(t testing.TB, n *network, url, source string, files fs.FS) *lab {
	t.Helper()
	return newLabOf(t, Config{Pool: n.pool, Grants: anywhere(t), Files: files}, url, source)
}

func newLabOf(t testing.TB, c Config, url, source string) *lab {
	t.Helper()
	p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte(prelude + source)}}, "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t}
	l.in, err = vm.New(vm.Config{
		Program: p,
		Modules: []vm.Module{Module(c), task.Module()},
		Globals: func(_ *vm.Instance, L *lua.LState) { L.SetGlobal("url", lua.LString(url)) },
		OnError: func(what string, err error) { l.failures = append(l.failures, what+": "+err.Error()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.stop)
	return l
}

func (l *lab) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := l.in.Stop(ctx); err != nil {
		l.t.Error(err)
	}
}

// run runs the source, and returns what it returns, or its error.
func (l *lab) run() (result string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := l.in.Do(ctx, func(in *vm.Instance) error {
		v, err := in.Main()
		if result = v.String(); err != nil {
			result = err.Error()
		}
		return nil
	}); err != nil {
		l.t.Error(err)
	}
	return result
}

// call calls a global function.
func (l *lab) call(name string) (result string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := l.in.Do(ctx, func(in *vm.Instance) error {
		v, err := in.Call(in.State().G.Global.RawGetString(name))
		if result = v.String(); err != nil {
			result = err.Error()
		}
		return nil
	}); err != nil && !errors.Is(err, vm.ErrStopped) {
		l.t.Error(err)
	}
	return result
}

// eval runs source in an instance of its own.
func eval(t testing.TB, n *network, url, source string) string {
	t.Helper()
	return newLab(t, n, url, source, nil).run()
}

// eventually waits for what has no event of its own.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never happened: ", what)
		}
	}
}
