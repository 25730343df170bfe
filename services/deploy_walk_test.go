package services_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

// A visitor comes to whatever serves /test, says some things, and goes, time and again.
type visitor struct {
	t    *testing.T
	r    *services.Registry
	rand *rand.Rand
	ids  *atomic.Uint64
	told *atomic.Int64 // messages that were accepted, and answered
	sent *atomic.Int64 // peers that were told to go
}

// visit is one visit. What is accepted is answered, in order, by one version.
func (v *visitor) visit() {
	s := v.r.Lookup("/test")
	if s == nil {
		time.Sleep(time.Millisecond)
		return
	}
	p := &peer{id: v.ids.Add(1)}
	type answer struct {
		seat *services.Seat
		err  error
	}
	answered := make(chan answer, 1)
	s.Join(p, services.Request{
		Request: &wire.Request{Target: "/test", Path: "/test", Host: "example.com"}, RemoteAddr: netip.MustParseAddrPort("192.0.2.7:1234"),
	}, func(s *services.Seat, err error) { answered <- answer{s, err} })
	a := <-answered
	if a.err != nil { // it stops, or another version has come
		time.Sleep(time.Millisecond)
		return
	}
	accepted := 0
	for range v.rand.IntN(6) {
		if p.heard("depart ") > 0 {
			break
		}
		if n, err := a.seat.Deliver([]services.Message{{Kind: uint8(wire.Text), Data: fmt.Sprint(accepted)}}); err != nil || n != 1 {
			break
		}
		accepted++
		time.Sleep(time.Duration(v.rand.IntN(4)) * time.Millisecond)
	}
	time.Sleep(time.Second) // long enough to answer, and no version gives up within
	if p.heard("depart ") > 0 {
		v.sent.Add(1)
	}
	p.mu.Lock()
	var got []string
	for _, e := range p.events {
		if text, ok := strings.CutPrefix(e, "text "); ok {
			got = append(got, text)
		}
	}
	p.mu.Unlock()
	for i, text := range got {
		first, _, _ := strings.Cut(got[0], " ")
		if text != fmt.Sprintf("%s %d", first, i) {
			v.t.Errorf("answers %q", got)
		}
	}
	if len(got) != accepted {
		v.t.Errorf("%d messages accepted, answers %q", accepted, got)
	}
	v.told.Add(int64(accepted))
	a.seat.Leave(nil)
}

// heard is how many events begin so.
func (p *peer) heard(prefix string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if strings.HasPrefix(e, prefix) {
			n++
		}
	}
	return n
}

// TestDeployWalk has versions come and go at random, several at a time, while peers do.
func TestDeployWalk(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { deployWalk(t, seed) })
	}
}

func deployWalk(t *testing.T, seed uint64) {
	deployed(t, []services.Config{version("v0")}, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		var ids, released atomic.Uint64
		var told, sent atomic.Int64
		var visits, changes sync.WaitGroup
		done := make(chan bool)
		for i := range uint64(20) {
			v := &visitor{t, r, rand.New(rand.NewPCG(seed, i)), &ids, &told, &sent}
			visits.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						v.visit()
					}
				}
			})
		}
		var made atomic.Uint64
		turn := make(chan bool, 1) // a bubble's clock stands while somebody waits for a mutex
		for i := range uint64(3) {
			rnd := rand.New(rand.NewPCG(seed, 100+i))
			changes.Go(func() {
				for range 60 {
					turn <- true
					change(t, r, rnd, &made, &released)
					<-turn
					time.Sleep(time.Duration(rnd.IntN(200)) * time.Millisecond)
				}
			})
		}
		changes.Wait()
		if _, err := r.Deploy(t.Context(), version("last"), nil); err != nil {
			t.Error(err)
		}
		p, seat := mustJoin(t, r, ids.Add(1))
		if got := says(t, p, seat); got != "last x" {
			t.Errorf("the last version says %q", got)
		}
		seat.Leave(nil)
		close(done)
		visits.Wait()
		time.Sleep(time.Hour) // for those who leave
		if l := r.Leaving(); len(l) != 0 || released.Load() != made.Load() {
			t.Errorf("leaving: %v; %d of %d versions were released", l, released.Load(), made.Load())
		}
		if told.Load() < 100 || sent.Load() == 0 {
			t.Errorf("%d messages were answered, %d peers told to go: the walk is too short", told.Load(), sent.Load())
		}
	})
}

// change does something to the service, which may not be possible just then. made is how many
// versions were deployed, and released how many have ended.
func change(t *testing.T, r *services.Registry, rnd *rand.Rand, made, released *atomic.Uint64) {
	var err error
	switch rnd.IntN(8) {
	case 0:
		err = r.StopService(t.Context(), "test")
	case 1:
		err = r.StartService(t.Context(), "test")
	case 2:
		err = r.Remove(t.Context(), "test", nil)
	case 3: // one that cannot be
		if _, err := r.Deploy(t.Context(), version("bad"), func() error { return errTest }); !errors.Is(err, errTest) {
			t.Errorf("a commit that fails: %v", err)
		}
	default:
		c := version(fmt.Sprintf("v%d", rnd.Uint32()))
		c.Redeploy, c.DrainTime = services.Redeploy(rnd.IntN(2)), time.Duration(2+rnd.IntN(30))*time.Second
		c.Instances = 1 + rnd.IntN(3)
		c.Release = func() { released.Add(1) }
		if _, err = r.Deploy(t.Context(), c, nil); err == nil {
			made.Add(1)
		}
	}
	if err != nil && !errors.Is(err, services.ErrNoService) && !errors.Is(err, services.ErrRunning) && !errors.Is(err, services.ErrNotRunning) {
		t.Error(err)
	}
}

var errTest = errors.New("not today")
