package services_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

// versionLua answers each message with its version, and logs its end.
const versionLua = `
local test = {}
function test.onMessage(handler, opcode, message) return ws:send(handler, opcode, "VERSION " .. message) end
function test.onShutdown() print("shutdown VERSION") end
return test`

// version is a service's Config of that version.
func version(v string) services.Config {
	return services.Config{
		Name: "test", RequestTarget: "/test", Instances: 1, AutoStart: true, Version: v,
		Files: fstest.MapFS{"test.lua": {Data: []byte(strings.ReplaceAll(versionLua, "VERSION", v))}},
	}
}

// deployed runs services in a bubble.
func deployed(t *testing.T, all []services.Config, test func(t *testing.T, r *services.Registry, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r, err := services.New(all, nil, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, r, &log)
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// says is what a peer got for a message.
func says(t *testing.T, p *peer, s *services.Seat) string {
	t.Helper()
	p.happened()
	deliver(t, s, "x")
	for _, e := range p.happened() {
		if strings.HasPrefix(e, "text ") {
			return strings.TrimPrefix(e, "text ")
		}
	}
	return "nothing"
}

func TestDeployDrains(t *testing.T) {
	deployed(t, []services.Config{version("v1")}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		old, oldSeat := mustJoin(t, r, 1)
		released := 0
		c := version("v2")
		c.Release = func() { released++ }
		before := r.Service("test")
		s, err := r.Deploy(t.Context(), c, nil)
		if err != nil || r.Lookup("/test") != s || r.Service("test") != s || len(r.Services()) != 1 {
			t.Fatal(err, s)
		}
		now, nowSeat := mustJoin(t, r, 2)
		if a, b := says(t, old, oldSeat), says(t, now, nowSeat); a != "v1 x" || b != "v2 x" {
			t.Errorf("the old peer got %q, the new one %q", a, b)
		}
		if l := r.Leaving(); len(l) != 1 || l[0] != before || before.Seats() != 1 {
			t.Errorf("leaving: %v", l)
		}
		oldSeat.Leave(nil)
		synctest.Wait()
		if len(r.Leaving()) != 0 || !strings.Contains(log.String(), `msg="shutdown v1"`) || strings.Contains(log.String(), `msg="shutdown v2"`) {
			t.Errorf("leaving %v\n%s", r.Leaving(), log)
		}
		if _, err := r.Deploy(t.Context(), version("v3"), nil); err != nil {
			t.Error(err)
		}
		if released != 0 {
			t.Error("v2 was released with a peer at it")
		}
		nowSeat.Leave(nil)
		synctest.Wait()
		if released != 1 {
			t.Errorf("released %d times", released)
		}
	})
}

func TestDeployClosesPeers(t *testing.T) {
	for _, c := range []struct {
		name  string
		how   services.Redeploy
		drain time.Duration
		after time.Duration
	}{
		{"close", services.ClosePeers, time.Hour, 0},
		{"drain, and its time is over", services.DrainPeers, time.Hour, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			deployed(t, []services.Config{version("v1")}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
				p, seat := mustJoin(t, r, 1)
				p.happened()
				next := version("v2")
				next.Redeploy, next.DrainTime = c.how, c.drain
				if _, err := r.Deploy(t.Context(), next, nil); err != nil {
					t.Fatal(err)
				}
				if c.after > 0 {
					time.Sleep(c.after - time.Second)
					if got := p.happened(); len(got) != 0 {
						t.Errorf("too early: %q", got)
					}
					time.Sleep(time.Second)
				}
				if got, want := p.happened(), []string{"depart 1012 the service is restarted"}; !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
				if got := says(t, p, seat); got != "v1 x" {
					t.Errorf("what was accepted meanwhile was answered with %q", got)
				}
				seat.Leave(nil)
				synctest.Wait()
				if len(r.Leaving()) != 0 {
					t.Error("it is still there")
				}
			})
		})
	}
}

// TestDeployEndsWhoStays: a peer that is told to go and does not is waited for no
// longer than there is time.
func TestDeployEndsWhoStays(t *testing.T) {
	deployed(t, []services.Config{version("v1")}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		_, seat := mustJoin(t, r, 1)
		next := version("v2")
		next.Redeploy = services.ClosePeers
		if _, err := r.Deploy(t.Context(), next, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(r.Leaving()) != 0 {
			t.Error("it is still there")
		}
		if _, err := seat.Deliver([]services.Message{{Kind: uint8(wire.Text), Data: "x"}}); err == nil {
			t.Error("a message is accepted")
		}
		seat.Leave(nil)
	})
}

func TestDeployThatFails(t *testing.T) {
	bad := func(lua string) services.Config {
		c := version("v2")
		c.Files = fstest.MapFS{"test.lua": {Data: []byte(lua)}}
		return c
	}
	refused := errors.New("the disk is full")
	for _, tt := range []struct {
		name   string
		c      services.Config
		commit func() error
		want   string
	}{
		{"syntax", bad("return {"), nil, "services: test: in : test.lua:1:"},
		{"no callbacks", bad("return {}"), nil, "services: test: test.lua: the function onMessage is missing"},
		{"onStart", bad(`return {onStart = function() error("not today") end, onMessage = function() end}`), nil, "services: test: test.lua:1: not today"},
		{"commit", version("v2"), func() error { return refused }, "the disk is full"},
		{"target of another", func() services.Config { c := version("v2"); c.RequestTarget = "/other"; return c }(), nil, `services: test: request target "/other" is that of other`},
		{"depends on nothing", func() services.Config { c := version("v2"); c.Depends = []string{"none"}; return c }(), nil, "services: test depends on none, which does not exist"},
		{"depends in a circle", func() services.Config { c := version("v2"); c.Depends = []string{"other"}; return c }(), nil, "services: some of these depend on each other in a circle: other, test"},
		{"incomplete", func() services.Config { c := version("v2"); c.Instances = 0; return c }(), nil, "services: test: 0 instances: at least 1 is needed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			other := version("o")
			other.Name, other.RequestTarget, other.Depends = "other", "/other", []string{"test"}
			other.Files = fstest.MapFS{"other.lua": {Data: []byte("return {onMessage = function() end}")}}
			deployed(t, []services.Config{version("v1"), other}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
				p, seat := mustJoin(t, r, 1)
				before := r.Service("test")
				_, err := r.Deploy(t.Context(), tt.c, tt.commit)
				if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
					t.Errorf("\n got %v\nwant %s", err, tt.want)
				}
				if r.Service("test") != before || len(r.Leaving()) != 0 {
					t.Error("something has changed")
				}
				if got := says(t, p, seat); got != "v1 x" {
					t.Errorf("the old version says %q", got)
				}
				again, seat2 := mustJoin(t, r, 2)
				if got := says(t, again, seat2); got != "v1 x" {
					t.Errorf("a new peer hears %q", got)
				}
				seat.Leave(nil)
				seat2.Leave(nil)
			})
		})
	}
}

// TestDeployAnother adds a service, which others may depend on from then on.
func TestDeployAnother(t *testing.T) {
	deployed(t, nil, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		if _, err := r.Deploy(t.Context(), version("v1"), nil); err != nil {
			t.Fatal(err)
		}
		p, seat := mustJoin(t, r, 1)
		if got := says(t, p, seat); got != "v1 x" {
			t.Errorf("it says %q", got)
		}
		c := version("v2")
		c.RequestTarget = "/elsewhere"
		if _, err := r.Deploy(t.Context(), c, nil); err != nil {
			t.Fatal(err)
		}
		if r.Lookup("/test") != nil || r.Lookup("/elsewhere") == nil {
			t.Error("the target has not moved")
		}
		seat.Leave(nil)
	})
}

// TestDeployStandalone has the old program end before the new one runs.
func TestDeployStandalone(t *testing.T) {
	program := func(v, stops string) services.Config {
		return services.Config{Name: "test", Instances: 1, AutoStart: true, Standalone: true, Version: v, Files: fstest.MapFS{"test.lua": {Data: []byte(strings.ReplaceAll(strings.ReplaceAll(`
			local test = {}
			function test.init() print("init VERSION " .. instance_id) end
			function test.run() print("run VERSION") while not STOPS do sleep(1) end print("end VERSION") end
			return test`, "VERSION", v), "STOPS", stops))}}}
	}
	for i := range 2 {
		stops := []string{"must_stop()", "false"}[i]
		one, two := program("v1", stops), program("v2", "must_stop()")
		deployed(t, []services.Config{one}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
			synctest.Wait()
			if _, err := r.Deploy(t.Context(), two, nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			var order []string
			for line := range strings.Lines(log.String()) {
				for _, what := range []string{"init v1 test/1", "run v1", "end v1", "init v2 test/1/2", "run v2", "end v2"} {
					if strings.Contains(line, `msg="`+what) {
						order = append(order, what)
					}
				}
			}
			want := []string{"init v1 test/1", "run v1", "init v2 test/1/2", "end v1", "run v2"}
			if stops == "false" {
				want = slices.DeleteFunc(want, func(s string) bool { return s == "end v1" })
			}
			if !slices.Equal(order, want) {
				t.Errorf("got %q, want %q\n%s", order, want, log)
			}
		})
	}
}

// TestDeployOfMany: each peer stays with its version, whatever comes after.
func TestDeployOfMany(t *testing.T) {
	deployed(t, []services.Config{version("v0")}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		var peers []*peer
		var seats []*services.Seat
		for i := range 20 {
			p, s := mustJoin(t, r, uint64(i+1))
			peers, seats = append(peers, p), append(seats, s)
			if _, err := r.Deploy(t.Context(), version(fmt.Sprint("v", i+1)), nil); err != nil {
				t.Fatal(err)
			}
		}
		for i := range peers {
			if got, want := says(t, peers[i], seats[i]), fmt.Sprintf("v%d x", i); got != want {
				t.Errorf("peer %d hears %q, want %q", i, got, want)
			}
		}
		if n := len(r.Leaving()); n != 20 {
			t.Errorf("%d leave", n)
		}
		for _, s := range seats {
			s.Leave(nil)
		}
		synctest.Wait()
		if n := len(r.Leaving()); n != 0 {
			t.Errorf("%d have not left", n)
		}
	})
}

// TestJoinOfReplaced: who has found a service that is replaced before it joins is sent to
// the one in its place.
func TestJoinOfReplaced(t *testing.T) {
	deployed(t, []services.Config{version("v1")}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		old := r.Lookup("/test")
		if _, err := r.Deploy(t.Context(), version("v2"), nil); err != nil {
			t.Fatal(err)
		}
		var got error
		old.Join(&peer{id: 1}, services.Request{Request: &wire.Request{}, RemoteAddr: netip.MustParseAddrPort("192.0.2.7:1")}, func(_ *services.Seat, err error) { got = err })
		if got != services.ErrReplaced {
			t.Errorf("%v", got)
		}
	})
}

func TestStopAndStartService(t *testing.T) {
	deployed(t, []services.Config{version("v1")}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		for name, do := range map[string]func(context.Context, string) error{"stop": r.StopService, "start": r.StartService} {
			if err := do(t.Context(), "none"); err != services.ErrNoService {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := r.StartService(t.Context(), "test"); err != services.ErrRunning {
			t.Errorf("start: %v", err)
		}
		p, seat := mustJoin(t, r, 1)
		p.happened()
		stopped := make(chan error, 1)
		go func() { stopped <- r.StopService(t.Context(), "test") }()
		if got, want := p.happened(), []string{"depart 1001 the service is stopped"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		refused := func(want string) {
			t.Helper()
			_, err := join(t, r, &peer{id: 9}, nil)
			var refusal *wire.Refusal
			if !errors.As(err, &refusal) || refusal.Status != 503 || refusal.Reason != want {
				t.Errorf("a new peer: %v, want %s", err, want)
			}
		}
		state := func(want string) {
			t.Helper()
			if got := r.Service("test").State(); got != want {
				t.Errorf("it is %s, want %s", got, want)
			}
		}
		state(services.StateStopping)
		refused("the service is stopping")
		seat.Leave(nil)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		state(services.StateStopped)
		refused("the service is not running")
		if err := r.StopService(t.Context(), "test"); err != services.ErrNotRunning {
			t.Errorf("stop: %v", err)
		}
		if err := r.StartService(t.Context(), "test"); err != nil {
			t.Error(err)
		}
		state(services.StateRunning)
		p, seat = mustJoin(t, r, 2)
		if got := says(t, p, seat); got != "v1 x" {
			t.Errorf("it says %q", got)
		}
		if got := p.happened(); len(got) != 0 {
			t.Errorf("and then %q", got)
		}
		seat.Leave(nil)
	})
}

// TestStartWithNeeds starts what a service depends on with it, in order, however it was stopped.
func TestStartWithNeeds(t *testing.T) {
	lua := `return {onStart = function() print("start NAME") end, onMessage = print}`
	named := func(name string, needs ...string) services.Config {
		source := strings.ReplaceAll(lua, "NAME", name)
		if name == "broken" {
			source = `error("not today")`
		}
		return services.Config{Name: name, RequestTarget: "/" + name, Instances: 1, Depends: needs,
			Files: fstest.MapFS{name + ".lua": {Data: []byte(source)}}}
	}
	deployed(t, []services.Config{
		named("a", "b", "c"), named("b", "d"), named("c", "d"), named("d"), named("e"), named("f", "g"), named("g", "broken"), named("broken"),
	}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		running := func() (names []string) {
			for _, s := range r.Services() {
				if s.Running() {
					names = append(names, s.Name)
				}
			}
			return names
		}
		if got := running(); len(got) != 0 {
			t.Fatalf("%q run", got)
		}
		for range 2 {
			log.Reset()
			if err := r.StartService(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			if got, want := running(), []string{"a", "b", "c", "d"}; !slices.Equal(got, want) {
				t.Errorf("%q run, want %q", got, want)
			}
			last := -1
			for _, name := range []string{"d", "b", "c", "a"} {
				i := strings.Index(log.String(), `msg="start `+name)
				if i <= last {
					t.Errorf("%s has not started in its turn: %s", name, log)
				}
				last = i
			}
			for _, name := range []string{"d", "b", "c", "a"} {
				if err := r.StopService(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
		}
		err := r.StartService(t.Context(), "f")
		want := "services: f: it depends on g, which does not start: services: g: it depends on broken, which does not start: services: broken: broken.lua:1: not today"
		if err == nil || !strings.HasPrefix(err.Error(), want) || len(running()) != 0 {
			t.Errorf("%v, want %s", err, want)
		}
	})
}

// TestStopOfStuckService interrupts what does not end, and does not take all the time that there is.
func TestStopOfStuckService(t *testing.T) {
	stuck := services.Config{Name: "test", Instances: 1, AutoStart: true, Standalone: true, Files: fstest.MapFS{"test.lua": {Data: []byte(`
		return {run = function() while true do pcall(sleep, 1) end end}`)}}}
	for name, do := range map[string]func(r *services.Registry, ctx context.Context) error{
		"stop":   func(r *services.Registry, ctx context.Context) error { return r.StopService(ctx, "test") },
		"remove": func(r *services.Registry, ctx context.Context) error { return r.Remove(ctx, "test", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			deployed(t, []services.Config{stuck}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				synctest.Wait()
				began, s := time.Now(), r.Service("test")
				err := do(r, ctx)
				if want := "services: test: it was interrupted: it had not ended after 10s"; err == nil || err.Error() != want {
					t.Errorf("%v, want %s", err, want)
				}
				if took := time.Since(began).Truncate(time.Second); took != 10*time.Second || s.Running() {
					t.Errorf("it took %v; it runs: %v", took, s.Running())
				}
			})
		})
	}
}

// TestStopOfVersions has peers of old versions go as well, when their service is stopped or
// removed; what they have sent is answered.
func TestStopOfVersions(t *testing.T) {
	for name, do := range map[string]func(r *services.Registry, ctx context.Context) error{
		"stopped": func(r *services.Registry, ctx context.Context) error { return r.StopService(ctx, "test") },
		"removed": func(r *services.Registry, ctx context.Context) error { return r.Remove(ctx, "test", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			deployed(t, []services.Config{version("v0")}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
				var peers []*peer
				var seats []*services.Seat
				for i, next := range []services.Config{version("v1"), version("v2"), version("v3")} {
					p, s := mustJoin(t, r, uint64(i))
					p.happened()
					peers, seats = append(peers, p), append(seats, s)
					if next.DrainTime = time.Hour; i == 2 {
						break
					}
					if _, err := r.Deploy(t.Context(), next, nil); err != nil {
						t.Fatal(err)
					}
				}
				done := make(chan error, 1)
				began := time.Now()
				go func() { done <- do(r, t.Context()) }()
				for i := range peers {
					if got, want := peers[i].happened(), []string{"depart 1001 the service is " + name}; !slices.Equal(got, want) {
						t.Errorf("v%d: got %q, want %q", i, got, want)
					}
					if got, want := says(t, peers[i], seats[i]), fmt.Sprintf("v%d x", i); got != want {
						t.Errorf("what was accepted meanwhile was answered with %q, want %q", got, want)
					}
				}
				if n := len(r.Leaving()); n != 2 && !(name == "removed" && n == 3) {
					t.Errorf("%d leave", n)
				}
				for _, s := range seats {
					s.Leave(nil)
				}
				if err := <-done; err != nil || time.Since(began) > time.Second || len(r.Leaving()) != 0 {
					t.Errorf("%v after %v; leaving: %v", err, time.Since(began), r.Leaving())
				}
				for _, v := range []string{"v0", "v1", "v2"} {
					if !strings.Contains(log.String(), `msg="shutdown `+v) {
						t.Errorf("%s was not shut down: %s", v, log)
					}
				}
			})
		})
	}
}

// TestRemoveInTime: where there is no time to wait for a service it is removed all the same, and
// still told of.
func TestRemoveInTime(t *testing.T) {
	deployed(t, []services.Config{version("v1")}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		_, seat := mustJoin(t, r, 1)
		s := r.Service("test")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := r.Remove(ctx, "test", nil)
		if want := "services: test: it has not ended: context deadline exceeded"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if l := r.Leaving(); len(l) != 1 || l[0] != s || r.Service("test") != nil {
			t.Errorf("leaving: %v", l)
		}
		seat.Leave(nil)
		synctest.Wait()
		if l := r.Leaving(); len(l) != 0 {
			t.Errorf("leaving: %v", l)
		}
	})
}

func TestRemove(t *testing.T) {
	other := version("o")
	other.Name, other.RequestTarget, other.Depends = "other", "/other", []string{"test"}
	other.Files = fstest.MapFS{"other.lua": {Data: []byte("return {onMessage = function() end}")}}
	deployed(t, []services.Config{version("v1"), other}, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		if err := r.Remove(t.Context(), "test", nil); err == nil || err.Error() != "services: test: other depends on it" {
			t.Errorf("what others depend on: %v", err)
		}
		refused := errors.New("no")
		if err := r.Remove(t.Context(), "other", func() error { return refused }); err != refused || r.Service("other") == nil {
			t.Errorf("commit fails: %v", err)
		}
		if err := r.Remove(t.Context(), "other", nil); err != nil || r.Service("other") != nil || r.Lookup("/other") != nil {
			t.Error(err)
		}
		if err := r.Remove(t.Context(), "other", nil); err != services.ErrNoService {
			t.Error(err)
		}
		if err := r.Remove(t.Context(), "test", nil); err != nil || len(r.Services()) != 0 {
			t.Error(err)
		}
	})
}

// TestDeployFailingHandler: who is told to come again is told nothing else, although the old
// version fails.
func TestDeployFailingHandler(t *testing.T) {
	old := version("v1")
	old.Files = fstest.MapFS{"test.lua": {Data: []byte(`return {onMessage = function() error("no") end}`)}}
	deployed(t, []services.Config{old}, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		before, beforeSeat := mustJoin(t, r, 1)
		deliver(t, beforeSeat, "x")
		if got := strings.Join(before.happened(), "|"); !strings.Contains(got, "close 1011 the service failed") {
			t.Errorf("before: %s", got)
		}
		beforeSeat.Leave(nil)
		p, seat := mustJoin(t, r, 2)
		next := version("v2")
		next.Redeploy = services.ClosePeers
		if _, err := r.Deploy(t.Context(), next, nil); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.happened(), "|"); !strings.Contains(got, "depart 1012 the service is restarted") {
			t.Errorf("it is not told: %s", got)
		}
		deliver(t, seat, "x")
		if got := strings.Join(p.happened(), "|"); !strings.Contains(got, "close 1012 the service is restarted") || strings.Contains(got, "1011") {
			t.Errorf("afterwards: %s", got)
		}
		seat.Leave(nil)
	})
}
