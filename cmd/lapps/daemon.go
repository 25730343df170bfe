package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"lapps/acl"
	"lapps/config"
	"lapps/protocol/wire"
	"lapps/server"
	"lapps/server/epoll"
	"lapps/server/secure"
	"lapps/services"
	"lapps/services/modules/mqr"
)

// A daemon is all of the server, running.
type daemon struct {
	cfg       *config.Config
	log       *slog.Logger
	began     time.Time // when it was made
	registry  *services.Registry
	queues    *mqr.Queues
	server    *server.Server
	carrier   *epoll.Carrier
	listeners []*listener
	watch     *watch
	tally     *tally
	shedder   *shedder // nil: there is no limit of memory
	outgoing  *outgoing

	operations *operations // nil: its services stay as they are

	// hangups has the certificates read again.
	hangups chan os.Signal
}

// A folder is where the files of a service are.
type folder struct {
	files   fs.FS
	where   string // the directory's name, for people
	version string // of a bundle that was deployed; "": it was not
	close   func() // once nothing reads the files any more; nil: nothing is to be closed
}

// filesOf finds the files of a service.
type filesOf func(service string) (folder, error)

// directory finds services below the configuration's applications directory.
func directory(cfg *config.Config) filesOf {
	return func(name string) (folder, error) {
		return openFolder(filepath.Join(cfg.Directories.Applications, name))
	}
}

// openFolder opens a directory.
func openFolder(where string) (folder, error) {
	root, err := os.OpenRoot(where)
	if err != nil {
		return folder{where: where}, err
	}
	return folder{files: root.FS(), where: where, close: func() { _ = root.Close() }}, nil
}

// startTime is how long services may take to start before connections are
// accepted all the same: one that does not run yet answers 503.
const startTime = time.Second

// start opens the listeners, starts the services, and accepts. A service that
// does not start is logged and leaves the others alone; a listener that does
// not open is an error.
func (d *daemon) start(ctx context.Context) (err error) {
	if err := d.listen(); err != nil {
		d.operations.stop()
		return err
	}
	if d.carrier, err = epoll.New(epoll.Config{Loops: d.cfg.Loops, Log: d.log}); err != nil {
		d.operations.stop()
		return errors.Join(err, d.closeListeners())
	}
	d.outgoing.carrier.Store(d.carrier)
	for _, l := range d.carrier.Loops() {
		d.registry.Loops = append(d.registry.Loops, l)
	}
	d.watch.start()
	go d.tally.run()
	d.shedder = newShedder(d.server, d.log)
	d.shedder.start()
	started := make(chan struct{})
	go func() {
		defer close(started)
		_ = d.registry.Start(ctx) // each failure has been logged with its service
	}()
	select {
	case <-started:
	case <-time.After(startTime):
		d.log.Warn("services take long to start; they answer 503 until they have")
	case <-ctx.Done():
	}
	for _, l := range d.listeners {
		d.carrier.Listen(l.ln, l.door.Admit, l.accept)
		d.log.Info("listening", "address", l.ln.Addr().String(), "scheme", l.scheme())
	}
	<-started
	d.operations.start(d.log)
	return nil
}

// stop ends all in order: no new connections, 1001 to every peer, onShutdown
// of every service, the loops, encryption and the watch over its certificates;
// within the configured time.
func (d *daemon) stop() error {
	d.carrier.StopAccepting()
	d.operations.stop()
	limit := d.cfg.Timeouts.Shutdown.Duration()
	ctx, cancel := within(limit)
	defer cancel()
	// A quarter of the time is the services', whose onShutdown peers that do
	// not go shall not prevent.
	early, cancelEarly := within(limit * 3 / 4)
	defer cancelEarly()
	errs := []error{d.server.Shutdown(early)}
	d.shedder.stop()
	errs = append(errs, d.registry.Stop(ctx))
	d.outgoing.farewell(ctx)
	errs = append(errs, d.carrier.Stop(ctx), d.outgoing.stop(ctx))
	for _, l := range d.listeners {
		errs = append(errs, l.stop(ctx))
	}
	d.tally.stop()
	return errors.Join(append(errs, d.watch.stop(ctx))...)
}

// within is a context that ends after limit; 0: never.
func within(limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), limit)
}

// assemble makes what the configuration says, and starts nothing.
func assemble(cfg *config.Config, files filesOf, log *slog.Logger) (*daemon, error) {
	keys, notices, err := loadKeys(cfg)
	all, serr := serviceConfigs(cfg, files)
	if err := errors.Join(err, checkAuthorities(cfg), serr); err != nil {
		return nil, err
	}
	for _, n := range notices {
		log.Warn("configuration", "notice", n.String())
	}
	for _, err := range luaPathMistakes(os.Getenv("LUA_PATH")) {
		log.Warn("environment", "notice", err.Error())
	}
	out := newOutgoing(cfg.Outgoing, log)
	for i := range all {
		all[i].Modules = out.modules(all[i])
	}
	queues := newQueues(cfg.Limits)
	registry, err := services.New(all, modulesWith(queues), log)
	if err != nil {
		return nil, err
	}
	d := &daemon{
		cfg: cfg, log: log, began: time.Now(), registry: registry, queues: queues, outgoing: out,
		hangups: make(chan os.Signal, 1),
	}
	if d.server, err = newServer(cfg, registry, log); err != nil {
		return nil, err
	}
	slots := secure.NewSlots(cfg.Limits.Handshakes, func() bool { return d.server.Exceed(server.LimitHandshakes) })
	for i, c := range cfg.Listeners {
		l, err := newListener(cfg, c, keys[i], slots, d.server, log)
		if err != nil {
			return nil, err
		}
		d.listeners = append(d.listeners, l)
	}
	d.watch = newWatch(d.listeners, d.hangups, log)
	d.tally = newTally(d.server, d.registry, log)
	return d, nil
}

// newServer makes the server that a configuration describes.
func newServer(cfg *config.Config, registry *services.Registry, log *slog.Logger) (*server.Server, error) {
	access, err := acl.Parse(cfg.ACL.Policy, cfg.ACL.Exclude)
	if err != nil {
		return nil, fmt.Errorf("acl: %w", err)
	}
	l, t := cfg.Limits, cfg.Timeouts
	return &server.Server{
		Services: registry,
		Access:   access,
		MaxConns: l.Connections,
		Head:     wire.HeadLimits{Bytes: l.HeaderBytes},
		Limits: server.Limits{
			PerPrefix:  l.ConnectionsPerPrefix,
			Accepts:    l.AcceptsPerSecond,
			Handshakes: l.Handshakes,
			Buffered:   int64(l.BufferedMB) << 20,
			DryRun:     dryRun(l.DryRun),
		},
		Timeouts: server.Timeouts{
			Handshake: t.Handshake.Duration(),
			Idle:      t.Idle.Duration(),
			Ping:      t.Ping.Duration(),
			Pong:      t.Pong.Duration(),
			Message:   t.Message.Duration(),
			Busy:      t.Busy.Duration(),
			Close:     t.Close.Duration(),
		},
		Log: log,
	}, nil
}
