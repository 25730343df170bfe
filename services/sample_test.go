package services_test

import (
	"bytes"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services"
	"lapps/services/vm"
)

// mustSample compares all samples.
func mustSample(t *testing.T, r *services.Registry, want ...services.Sample) {
	t.Helper()
	synctest.Wait()
	if got := r.Sample(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// states are those of the first service's instances.
func states(r *services.Registry) string {
	var all []string
	for _, in := range r.Sample()[0].Instances {
		all = append(all, in.ID+" "+in.State)
	}
	return strings.Join(all, ", ")
}

// TestSampleOfStopping looks while a service stops.
func TestSampleOfStopping(t *testing.T) {
	var r *services.Registry
	var seen string
	look := vm.Module{Name: "look", Open: func(_ *vm.Instance, L *lua.LState) lua.LValue {
		return L.NewFunction(func(*lua.LState) int {
			seen = states(r)
			return 0
		})
	}}
	c := services.Config{Preload: []string{"look"}}
	serveWith(t, c, []vm.Module{look}, `return {onMessage = function() end, onShutdown = function() look() end}`, func(t *testing.T, all *services.Registry, _ *bytes.Buffer) {
		r = all
		if err := r.StopService(t.Context(), "test"); err != nil || seen != "test/1 stopping" || states(r) != "" {
			t.Errorf("%v: it was %q, and is %q", err, seen, states(r))
		}
	})
}

// countedLua does what a message says: it is an echo otherwise.
const countedLua = `
local test = {}
function test.onStart() bcast:create(1) end
function test.onConnect(h) return bcast:subscribe(1, h) end
function test.onMessage(h, op, m)
	if m == "all" then
		for i = 1, 3 do bcast:send(1, 1, ("x"):rep(i)) end
		return true
	elseif m == "others" then
		return bcast:send_except(1, h, 1, "0123456789")
	elseif m == "fail" then
		error("no")
	elseif m == "gone" then
		assert(not ws:send(99, 1, "nobody is there"))
		return true
	end
	return ws:send(h, op, m)
end
return test`

// TestSample counts a known exchange.
func TestSample(t *testing.T) {
	serve(t, services.Config{Instances: 2, Version: "v1"}, countedLua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		_, s1 := mustJoin(t, r, 1)
		_, s2 := mustJoin(t, r, 2)
		gone, s3 := mustJoin(t, r, 3)
		gone.gone = true
		deliver(t, s1, "hello")
		deliver(t, s1, "all")    // to two of three
		deliver(t, s2, "others") // to one of two
		deliver(t, s2, "gone")
		deliver(t, s2, "fail")
		synctest.Wait()
		s3.Leave(nil)
		second := services.InstanceSample{ // the first peer's is the second one: see Service.choose
			ID: "test/2", Version: "v1", State: "running", Connections: 1, Connected: 2, OutboxBytes: 4711,
			Traffic: services.Traffic{MessagesIn: 2, BytesIn: 8, LargestIn: 5, MessagesOut: 7, BytesOut: 17, LargestOut: 5},
		}
		first := services.InstanceSample{
			ID: "test/1", Version: "v1", State: "running", Connections: 1, Connected: 1, OutboxBytes: 4711, Errors: 1,
			Traffic: services.Traffic{MessagesIn: 3, BytesIn: 14, LargestIn: 6, MessagesOut: 1, BytesOut: 10, LargestOut: 10},
		}
		mustSample(t, r, services.Sample{
			Name: "test", Version: "v1", State: "running", Connections: 2, Connected: 3, OutboxBytes: 2 * 4711, Errors: 1,
			Traffic:   services.Traffic{MessagesIn: 5, BytesIn: 22, LargestIn: 6, MessagesOut: 8, BytesOut: 27, LargestOut: 10},
			Instances: []services.InstanceSample{first, second},
		})
	})
}

// TestSampleOfDropped counts what was sent and dropped as both.
func TestSampleOfDropped(t *testing.T) {
	serve(t, services.Config{}, countedLua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		p.drops = true
		deliver(t, s, "hello")
		r.Service("test").CountDropped(1) // as a connection does
		synctest.Wait()
		if got := r.Sample()[0]; got.MessagesOut != 1 || got.Dropped != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

// TestSampleOfReplaced: what an instance has counted stays when another one takes its place.
func TestSampleOfReplaced(t *testing.T) {
	var stuck stuck
	c := services.Config{Instances: 1, CallTime: time.Second}
	serveWith(t, c, []vm.Module{stuck.module()}, hangs, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		_, s1 := mustJoin(t, r, 1)
		deliver(t, s1, "hello")
		synctest.Wait()
		deliver(t, s1, "hang")
		time.Sleep(10 * time.Second)
		p2, s2 := mustJoin(t, r, 2)
		if !echoes(t, p2, s2) {
			t.Error("the new one does not answer")
		}
		fresh := services.InstanceSample{
			ID: "test/1/2", State: "running", Connections: 1, Connected: 1, OutboxBytes: 4711,
			Traffic: services.Traffic{MessagesIn: 1, BytesIn: 5, LargestIn: 5, MessagesOut: 1, BytesOut: 5, LargestOut: 5},
		}
		stays := services.InstanceSample{
			ID: "test/1", State: "replaced", Connected: 1, Queued: 2, QueuedBytes: 4, // its end waits, too
			Traffic: services.Traffic{MessagesIn: 2, BytesIn: 9, LargestIn: 5, MessagesOut: 1, BytesOut: 5, LargestOut: 5},
		}
		want := services.Sample{
			Name: "test", State: "running", Connections: 1, Connected: 2, Replaced: 1, OutboxBytes: 4711, Queued: 2, QueuedBytes: 4,
			Traffic:   services.Traffic{MessagesIn: 3, BytesIn: 14, LargestIn: 5, MessagesOut: 2, BytesOut: 10, LargestOut: 5},
			Instances: []services.InstanceSample{stays, fresh},
		}
		mustSample(t, r, want)
		s1.Leave(nil)
		stuck.release()
		time.Sleep(time.Second)
		want.Queued, want.QueuedBytes, want.Instances = 0, 0, want.Instances[1:]
		want.Errors = 1 // it was interrupted
		mustSample(t, r, want)
	})
}

// TestSampleOfVersions: the sums go on when a service is deployed anew, and end with one
// that is removed.
func TestSampleOfVersions(t *testing.T) {
	deployed(t, []services.Config{version("v1")}, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		_, s1 := mustJoin(t, r, 1)
		deliver(t, s1, "hello") // "v1 hello"
		if _, err := r.Deploy(t.Context(), version("v2"), func() error {
			if got := states(r); got != "test/1 running, test/1/2 starting" {
				t.Errorf("before the new one serves: %s", got)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		_, s2 := mustJoin(t, r, 2)
		deliver(t, s2, "hi")
		old := services.InstanceSample{
			ID: "test/1", Version: "v1", State: "leaving", Connections: 1, Connected: 1, OutboxBytes: 4711,
			Traffic: services.Traffic{MessagesIn: 1, BytesIn: 5, LargestIn: 5, MessagesOut: 1, BytesOut: 8, LargestOut: 8},
		}
		now := services.InstanceSample{
			ID: "test/1/2", Version: "v2", State: "running", Connections: 1, Connected: 1, OutboxBytes: 4711,
			Traffic: services.Traffic{MessagesIn: 1, BytesIn: 2, LargestIn: 2, MessagesOut: 1, BytesOut: 5, LargestOut: 5},
		}
		want := services.Sample{
			Name: "test", Version: "v2", State: "running", Connections: 2, Connected: 2, OutboxBytes: 2 * 4711,
			Traffic:   services.Traffic{MessagesIn: 2, BytesIn: 7, LargestIn: 5, MessagesOut: 2, BytesOut: 13, LargestOut: 8},
			Instances: []services.InstanceSample{old, now},
		}
		mustSample(t, r, want)
		s1.Leave(nil)
		time.Sleep(time.Minute)
		want.Connections, want.OutboxBytes, want.Instances = 1, 4711, want.Instances[1:]
		mustSample(t, r, want)

		s2.Leave(nil)
		if err := r.StopService(t.Context(), "test"); err != nil {
			t.Fatal(err)
		}
		want.State, want.Connections, want.OutboxBytes, want.Instances = "stopped", 0, 0, []services.InstanceSample{}
		mustSample(t, r, want)

		if err := r.Remove(t.Context(), "test", nil); err != nil {
			t.Fatal(err)
		}
		mustSample(t, r, []services.Sample{}...)
		if _, err := r.Deploy(t.Context(), version("v3"), nil); err != nil {
			t.Fatal(err)
		}
		mustSample(t, r, services.Sample{
			Name: "test", Version: "v3", State: "running",
			Instances: []services.InstanceSample{{ID: "test/1", Version: "v3", State: "running"}},
		})
	})
}

// TestSampleOfErrors keeps errors, panics and failed runs across versions.
func TestSampleOfErrors(t *testing.T) {
	panics := vm.Module{Name: "panics", Open: func(_ *vm.Instance, L *lua.LState) lua.LValue {
		return L.NewFunction(func(*lua.LState) int { panic("no") })
	}}
	c := services.Config{Standalone: true, Preload: []string{"panics"}}
	serveWith(t, c, []vm.Module{panics}, `return {init = function() end, run = function() panics() end}`, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		synctest.Wait()
		got := r.Sample()[0]
		if got.Failures != 1 || !got.Standalone {
			t.Errorf("got %+v", got)
		}
		same := r.Service("test").Config
		if _, err := r.Deploy(t.Context(), same, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := r.Sample()[0]; got.Failures != 2 || r.Service("test").Failures() != 1 {
			t.Errorf("of two versions: got %+v", got)
		}
	})
}

// TestSampleUnderLoad: who reads meanwhile is in nobody's way, the sums never fall, and are
// exact at the end.
func TestSampleUnderLoad(t *testing.T) {
	const peers, messages = 4, 500
	serve(t, services.Config{Instances: 2, Mailbox: vm.Limits{GateEvents: messages}}, countedLua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		var wg, reading sync.WaitGroup
		quit := make(chan struct{})
		for id := range uint64(peers) {
			_, s := mustJoin(t, r, id+1)
			wg.Go(func() {
				for range messages {
					deliver(t, s, "hello")
				}
			})
		}
		for range 2 {
			reading.Go(func() {
				var last services.Traffic
				for {
					now := r.Sample()[0].Traffic
					if now.MessagesIn < last.MessagesIn || now.BytesIn < last.BytesIn || now.MessagesOut < last.MessagesOut || now.BytesOut < last.BytesOut {
						t.Errorf("%+v after %+v", now, last)
					}
					last = now
					select {
					case <-quit:
						return
					default:
					}
				}
			})
		}
		wg.Wait()
		close(quit)
		reading.Wait()
		synctest.Wait()
		n := uint64(peers * messages)
		want := services.Traffic{MessagesIn: n, BytesIn: 5 * n, LargestIn: 5, MessagesOut: n, BytesOut: 5 * n, LargestOut: 5}
		if got := r.Sample()[0].Traffic; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
