package services

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lapps/protocol/wire"
	"lapps/services/vm"
)

// A Service is an application that serves peers. Its methods may be called
// from any goroutine.
type Service struct {
	// Immutable.
	Config
	reg     *Registry
	limits  wire.Limits
	origins []originPattern
	log     *slog.Logger

	account *account // that of all versions

	next     atomic.Uint64                 // counts joins: the round robin over running
	running  atomic.Pointer[[]*instance]   // immutable snapshot; nil while the service is stopped
	seats    atomic.Int64                  // peers that have one, or are joining
	entry    atomic.Int32                  // who may join: entryOpen, …
	farewell atomic.Pointer[farewell]      // what peers are told that are to go; nil: they may stay
	awaited  atomic.Pointer[chan struct{}] // closed when there are no seats; nil: nobody waits for that
	warned   atomic.Bool                   // that onMessage returns nothing
	failed   atomic.Uint64                 // how often a run ended with an error
	reports  reports                       // of Lua errors
	dropped  atomic.Uint64                 // messages that were not sent, see Dropped

	replaced atomic.Uint64 // see Replaced

	mu    sync.Mutex    // one Start or Stop at a time; guards the fields below
	old   []*instance   // that were replaced, and may not have ended
	pause time.Duration // before the next attempt to start one in their place

	refillNow atomic.Bool // one that was replaced has ended

	tending  sync.Mutex // held while instances are replaced; guards the field below
	refillAt time.Time  // when the next attempt may be
}

func newService(c Config, r *Registry) *Service {
	c.Messages.Burst = cmp.Or(c.Messages.Burst, c.Messages.PerSecond)
	c.Bytes.Burst = cmp.Or(c.Bytes.Burst, max(c.Bytes.PerSecond, c.MaxMessage))
	s := &Service{
		Config: c,
		reg:    r,
		limits: wire.Limits{Frame: c.MaxMessage, Message: c.MaxMessage},
		log:    r.log.With("service", c.Name),

		account: new(account),
	}
	for _, o := range c.Origins {
		p, _ := parseOriginPattern(o) // Config.check has
		s.origins = append(s.origins, p)
	}
	return s
}

// Limits are the limits of the service's messages, for the decoders of all
// its peers.
func (s *Service) Limits() *wire.Limits { return &s.limits }

// Admits reports whether a may connect to the service.
func (s *Service) Admits(a netip.Addr) bool { return s.Access.Allows(a) }

// AdmitsOrigin reports whether a web page of this origin, the value of an
// Origin header, may connect to the service.
func (s *Service) AdmitsOrigin(value string) bool {
	if len(s.origins) == 0 {
		return true
	}
	o, ok := parseOrigin(value)
	return ok && slices.ContainsFunc(s.origins, func(p originPattern) bool { return p.matches(o) })
}

// Subprotocol is the one that the service prefers of those that a client
// offers; "" where it speaks none of them (RFC 6455, section 4.2.2).
func (s *Service) Subprotocol(offers []string) string {
	for _, p := range s.Subprotocols {
		if slices.Contains(offers, p) {
			return p
		}
	}
	return ""
}

// Running reports whether the service is started; one that has finished is, too, until it is stopped.
func (s *Service) Running() bool { return s.running.Load() != nil }

// Alive is how many instances run; those that were replaced and have not ended are not
// among them.
func (s *Service) Alive() int {
	if all := s.running.Load(); all != nil {
		return len(*all)
	}
	return 0
}

// Seats is how many peers the service has now, those that are joining included.
func (s *Service) Seats() int { return int(s.seats.Load()) }

// Failures is how often the run of a standalone service has ended with an
// error, in any of its instances.
func (s *Service) Failures() uint64 { return s.failed.Load() }

// Dropped is how many messages were dropped because their peers read too slowly:
// by the policy SlowConsumer, or with the connections that it closed.
func (s *Service) Dropped() uint64 { return s.dropped.Load() }

// CountDropped adds n messages to those. Peers call it.
func (s *Service) CountDropped(n int) {
	s.dropped.Add(uint64(n))
	s.account.dropped.Add(uint64(n))
}

// Check compiles every Lua file of the service and returns all that is wrong.
func (s *Service) Check() error {
	p, err := s.load()
	if err != nil {
		return err
	}
	return p.Check()
}

// Calls finds calls of global functions in the service's files: see vm.Program. There
// are none where it cannot be loaded.
func (s *Service) Calls(names ...string) []vm.Call {
	p, err := s.load()
	if err != nil {
		return nil
	}
	return p.Calls(names...)
}

func (s *Service) load() (*vm.Program, error) {
	p, err := vm.Load(s.Files, s.Name+".lua", s.Path...)
	if err != nil {
		return nil, fmt.Errorf("services: %s: in %s: %w", s.Name, s.Where, err)
	}
	return p, nil
}

// Start loads the service and starts its instances one after the other:
// module, then onStart, or init. When one fails, those before it are stopped again, the
// failure is logged, and the service stays stopped. A service that runs is
// left as it is.
func (s *Service) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Running() {
		return nil
	}
	err := s.start(ctx)
	if err != nil {
		logLua(s.log, "service not started", err)
	}
	return err
}

// startAfter is Start for a service whose dependencies have been started, or
// have failed to.
func (s *Service) startAfter(ctx context.Context, needs []*Service) error {
	if err := s.lacks(needs); err != nil {
		s.log.Error("service not started", "err", err)
		return err
	}
	return s.Start(ctx)
}

func (s *Service) start(ctx context.Context) error {
	all, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	s.running.Store(&all)
	s.launch(all)
	return nil
}

// prepare starts instances, as far as module, onStart and init go. Where one fails
// those before it are stopped again.
func (s *Service) prepare(ctx context.Context) (all []*instance, err error) {
	if s.Inline && len(s.reg.Loops) == 0 {
		return nil, fmt.Errorf("services: %s: it runs inline, and there are no event loops", s.Name)
	}
	p, err := s.load()
	if err != nil {
		return nil, err
	}
	for i := range s.width() {
		in, err := startInstance(ctx, s, p, i)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("services: %s: %w", s.Name, err), stopAll(ctx, all))
		}
		all = append(all, in)
	}
	return all, nil
}

// launch has the programs of a standalone service begin, and says what has started.
func (s *Service) launch(all []*instance) {
	if s.Standalone {
		s.log.Info("service started", "standalone", true, "instances", len(all))
	} else {
		s.log.Info("service started", "request_target", s.RequestTarget, "instances", len(all), "inline", s.Inline)
	}
	for _, in := range all {
		in.begin()
	}
}

// Stop stops the instances: what they accepted is handled, then onShutdown is
// called. When ctx ends first their Lua is interrupted, and the error says
// so. From now on peers are refused with 503.
func (s *Service) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.running.Swap(nil)
	if all == nil {
		return nil
	}
	if err := stopAll(ctx, *all); err != nil {
		return fmt.Errorf("services: %s: %w", s.Name, err)
	}
	s.log.Info("service stopped")
	return nil
}

// stopAll stops instances in parallel.
func stopAll(ctx context.Context, all []*instance) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, in := range all {
		wg.Go(func() { errs[i] = in.stop(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Join asks for a seat for p, whose opening handshake is r. answer is called
// once, from any goroutine: at once, or after onConnect. It brings the seat,
// or a *wire.Refusal, which is ErrFull where the service has MaxConns. A seat
// that was answered must Leave, once. ErrReplaced says to ask the one that
// Registry.Lookup finds now. gone, where it is not nil, is to be called if
// the peer goes before the answer: it comes all the same, and onConnect, where it
// has begun, is not waited for longer than Config.GoneTime.
func (s *Service) Join(p Peer, r Request, answer func(*Seat, error)) (gone func()) {
	if why := s.barred(); why != nil {
		answer(nil, why)
		return nil
	}
	all := s.running.Load()
	if all == nil {
		answer(nil, unavailable("the service is not running"))
		return nil
	}
	if len(*all) == 0 {
		answer(nil, unavailable("the service is restarted"))
		return nil
	}
	return s.choose(*all, p).join(p, r, answer)
}

// choose is the instance for p: the next one; where they run inline the next one of
// p's loop, if there is any.
func (s *Service) choose(all []*instance, p Peer) *instance {
	first := s.next.Add(1)
	for i := range uint64(len(all)) {
		in := all[(first+i)%uint64(len(all))]
		if in.loop == nil || in.loop == p.Waker() {
			return in
		}
	}
	return all[first%uint64(len(all))]
}

// width is how many instances there are to be.
func (s *Service) width() int {
	if s.Inline {
		return max(s.Instances, len(s.reg.Loops))
	}
	return s.Instances
}

// shape is a message as peers of the service are sent it.
func (s *Service) shape(f wire.Frame) wire.Frame {
	if s.Fragment == 0 || s.Compression != nil { // which sends pieces anyway
		return f
	}
	return f.Fragment(s.Fragment)
}

// loopOf is the event loop of the i-th instance; nil: it has goroutines.
func (s *Service) loopOf(i int) Loop {
	if s.Inline {
		return s.reg.Loops[i%len(s.reg.Loops)]
	}
	return nil
}

// ErrFull refuses a peer that is one too many.
var ErrFull error = unavailable("the service has too many connections")

// takeSeat counts a seat, if there is one left or the peer is to have one all the
// same. However many goroutines are at it, no more than MaxConns succeed.
func (s *Service) takeSeat(surplus bool) bool {
	if n := s.seats.Add(1); s.MaxConns > 0 && n > int64(s.MaxConns) && !surplus {
		s.unseat()
		return false
	}
	return true
}

func unavailable(why string) *wire.Refusal {
	return &wire.Refusal{Status: http.StatusServiceUnavailable, Reason: why}
}

// logLua logs err, with the traceback where it came from Lua.
func logLua(log *slog.Logger, msg string, err error, args ...any) {
	args = append(args, "err", err)
	var lua *vm.Error
	if errors.As(err, &lua) && lua.Traceback != "" {
		args = append(args, "traceback", lua.Traceback)
	}
	log.Error(msg, args...)
}
