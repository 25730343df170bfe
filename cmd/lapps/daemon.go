package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lapps/acl"
	"lapps/config"
	"lapps/protocol/wire"
	"lapps/server"
	"lapps/server/epoll"
	"lapps/server/secure"
	"lapps/services"
	"lapps/services/modules/io"
	"lapps/services/vm"
)

// A daemon is all of the server, running.
type daemon struct {
	cfg       *config.Config
	log       *slog.Logger
	registry  *services.Registry
	server    *server.Server
	carrier   *epoll.Carrier
	listeners []*listener
	watch     *watch
	tally     *tally
	shedder   *shedder // nil: there is no limit of memory

	// hangups has the certificates read again.
	hangups chan os.Signal
}

// filesOf finds the directory of a service, and its name for people.
type filesOf func(service string) (files fs.FS, where string, err error)

// directory finds services below the configuration's applications directory.
func directory(cfg *config.Config) filesOf {
	return func(name string) (fs.FS, string, error) {
		where := filepath.Join(cfg.Directories.Applications, name)
		root, err := os.OpenRoot(where)
		if err != nil {
			return nil, where, err
		}
		return root.FS(), where, nil // open as long as the process
	}
}

// startTime is how long services may take to start before connections are
// accepted all the same: one that does not run yet answers 503.
const startTime = time.Second

// start opens the listeners, starts the services, and accepts. A service that
// does not start is logged and leaves the others alone; a listener that does
// not open is an error.
func (d *daemon) start(ctx context.Context) (err error) {
	if err := d.listen(); err != nil {
		return err
	}
	if d.carrier, err = epoll.New(epoll.Config{Loops: d.cfg.Loops, Log: d.log}); err != nil {
		return errors.Join(err, d.closeListeners())
	}
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
	return nil
}

// stop ends all in order: no new connections, 1001 to every peer, onShutdown
// of every service, the loops, encryption and the watch over its certificates;
// within the configured time.
func (d *daemon) stop() error {
	d.carrier.StopAccepting()
	limit := d.cfg.Timeouts.Shutdown.Duration()
	ctx, cancel := within(limit)
	defer cancel()
	// A quarter of the time is the services', whose onShutdown peers that do
	// not go shall not prevent.
	early, cancelEarly := within(limit * 3 / 4)
	defer cancelEarly()
	errs := []error{d.server.Shutdown(early)}
	d.shedder.stop()
	errs = append(errs, d.registry.Stop(ctx), d.carrier.Stop(ctx))
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
	if err := errors.Join(err, serr); err != nil {
		return nil, err
	}
	for _, n := range notices {
		log.Warn("configuration", "notice", n.String())
	}
	registry, err := services.New(all, modules, log)
	if err != nil {
		return nil, err
	}
	d := &daemon{cfg: cfg, log: log, registry: registry, hangups: make(chan os.Signal, 1)}
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
	d.tally = newTally(d.server, d.registry.Services(), log)
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

// serviceConfigs are the services of a configuration, without those whose
// directory or main file cannot be read: the error is a *config.Error that
// names all of them.
func serviceConfigs(cfg *config.Config, files filesOf) (all []services.Config, err error) {
	var wrong []config.Mistake
	for name, s := range cfg.Services {
		dir, where, err := files(name)
		if err != nil {
			wrong = append(wrong, cfg.ServiceMistake(name, fmt.Sprintf("its directory must be readable: %v", err)))
			continue
		}
		if _, err := fs.Stat(dir, name+".lua"); err != nil {
			wrong = append(wrong, cfg.ServiceMistake(name, fmt.Sprintf("its main file %s must be readable: %v", filepath.Join(where, name+".lua"), err)))
			continue
		}
		access, err := acl.Parse(s.ACL.Policy, s.ACL.Exclude)
		if err != nil {
			wrong = append(wrong, cfg.ServiceMistake(name, fmt.Sprintf("acl: %v", err)))
			continue
		}
		given := slices.DeleteFunc(slices.Clone(s.Grants.Modules), func(m string) bool { return m == "*" })
		if mis := cmp.Or(moduleMistake("preload", s.Preload), moduleMistake("grants.modules", given)); mis != "" {
			wrong = append(wrong, cfg.ServiceMistake(name, mis))
			continue
		}
		granted, err := grantsOf(cfg, s)
		if err != nil {
			wrong = append(wrong, cfg.ServiceMistake(name, err.Error()))
			continue
		}
		all = append(all, services.Config{
			Name:          name,
			Files:         dir,
			Where:         where,
			Standalone:    s.Standalone,
			Dialect:       dialects[s.Protocol],
			Preload:       s.Preload,
			Libraries:     []vm.Module{io.Module(granted)},
			Grants:        granted,
			Depends:       s.Depends,
			RequestTarget: s.RequestTarget,
			AutoStart:     s.AutoStart,
			Instances:     s.Instances,
			MaxMessage:    s.MaxInboundMessageSize,
			OutboxBytes:   s.OutboxBytes,
			SlowConsumer:  slowConsumers[s.SlowConsumer],
			MaxConns:      s.Connections,
			FirstMessage:  s.FirstMessage.Duration(),
			Messages:      services.Rate{PerSecond: s.MessagesPerSecond, Burst: s.MessagesBurst},
			Bytes:         services.Rate{PerSecond: s.BytesPerSecond, Burst: s.BytesBurst},
			MaxAge:        s.MaxAge.Duration(),
			MaxAgeJitter:  s.MaxAgeJitter.Duration(),
			Origins:       s.Origins,
			Subprotocols:  s.Subprotocols,
			Compression:   compression(s.Compression),
			StrictGlobals: stricts[s.StrictGlobals],
			Unordered:     !s.Ordered,
			Memory:        int64(cfg.Limits.InstanceMB) << 20,
			Inline:        s.Execution == "inline",
			CallTime:      cfg.Limits.Handler.Duration(),
			LoopTime:      cfg.Limits.Inline.Duration(),
			GoneTime:      cfg.Timeouts.Gone.Duration(),
			Access:        access,
			ExtraHeaders:  headerFields(s.ExtraHeaders),
		})
	}
	if wrong != nil {
		slices.SortFunc(wrong, func(a, b config.Mistake) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
		})
		err = &config.Error{Mistakes: wrong}
	}
	return all, err
}

// compression is what wire makes of the key compression; nil: nothing.
func compression(c config.Compression) *wire.Compression {
	if !c.Enabled {
		return nil
	}
	return &wire.Compression{
		Level:           c.Level,
		MinSize:         c.MinSize,
		ContextTakeover: c.ContextTakeover,
		WindowBits:      c.MaxWindowBits,
		MaxRatio:        c.MaxRatio,
	}
}

// dialects are the values of the key protocol.
var dialects = map[string]services.Dialect{"raw": services.Raw, "LAppS": services.LAppS}

// stricts are the values of the key strict_globals.
var stricts = map[string]vm.Strict{"off": vm.StrictOff, "warn": vm.StrictWarn, "fail": vm.StrictFail}

// slowConsumers are the values of the key slow_consumer.
var slowConsumers = map[string]services.SlowConsumer{
	"close":       services.CloseSlow,
	"drop_newest": services.DropNewest,
	"drop_oldest": services.DropOldest,
	"latest":      services.Latest,
}

// headerFields are the fields of an object, in order of their names.
func headerFields(m map[string]string) (fields []wire.HeaderField) {
	for name, value := range m {
		fields = append(fields, wire.HeaderField{Name: name, Value: value})
	}
	slices.SortFunc(fields, func(a, b wire.HeaderField) int { return strings.Compare(a.Name, b.Name) })
	return fields
}
