package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"lapps/config"
	"lapps/examples"
)

// run serves what the configuration at path says, until a signal. With watches services
// start anew when their files change.
func run(ctx context.Context, path string, watches bool, stderr io.Writer) error {
	path, err := configPath(path)
	if err != nil {
		return err
	}
	cfg, notices, err := loadConfig(path)
	if err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	log, err := openJournal(cfg, stderr, hangups, func() (*config.Config, error) {
		cfg, _, err := loadConfig(path)
		return cfg, err
	})
	if err != nil {
		return err
	}
	defer log.close()
	for _, n := range notices {
		log.Warn("configuration", "notice", n.String())
	}
	d, err := operate(cfg, isLAppS(path), watches, log.Logger)
	if err != nil {
		return err
	}
	signal.Notify(d.hangups, syscall.SIGHUP) // the examples end with their terminal
	defer signal.Stop(d.hangups)
	return serve(ctx, d, nil)
}

// runExamples serves the embedded examples and says what to try.
func runExamples(ctx context.Context, stdout, stderr io.Writer) error {
	cfg, err := exampleConfig()
	if err != nil {
		return err
	}
	d, err := assemble(cfg, embedded, newLog(stderr))
	if err != nil {
		return err
	}
	return serve(ctx, d, func() { welcome(stdout, d) })
}

// embedded finds the examples.
func embedded(name string) (folder, error) {
	sub, err := fs.Sub(examples.FS, name)
	return folder{files: sub, where: "the embedded examples"}, err
}

// exampleConfig is the configuration of the embedded examples.
func exampleConfig() (*config.Config, error) {
	text, err := fs.ReadFile(examples.FS, examples.Config)
	if err != nil {
		return nil, err
	}
	return config.Parse("embedded "+examples.Config, text)
}

// welcome says what to try.
func welcome(w io.Writer, d *daemon) {
	addr := d.Addrs()[0]
	fmt.Fprintf(w, "lapps %s serves its examples:\n\n", Version)
	for _, s := range d.registry.Services() {
		if !s.Standalone {
			fmt.Fprintf(w, "    ws://%s%s\n", addr, s.RequestTarget)
		}
	}
	fmt.Fprintf(w, `
Try one, in another terminal:

    npx wscat -c ws://%s/echo

or in the console of a browser:

    s = new WebSocket("ws://%[1]s/echo"); s.onmessage = e => console.log(e.data); s.onopen = () => s.send("hello")

Control-C ends it. "lapps run -c PATH" serves services of your own; "lapps help" says more.

`, addr)
}

// serve runs a daemon until ctx ends or a signal comes; a second signal ends
// the process at once. started, if not nil, is called when all services have
// been started.
func serve(ctx context.Context, d *daemon, started func()) error {
	ctx, release := untilSignal(ctx, func() { os.Exit(exitFailed) })
	defer release()
	raiseFileLimit(d.log)
	setProcessors(d.cfg, os.Getenv)
	tuneGarbage()
	limitMemory(d.log, memlimit.FromCgroup)
	defer startReleaser().stop()
	if err := d.start(ctx); err != nil {
		return &failure{err}
	}
	if started != nil {
		started()
	}
	<-ctx.Done()
	d.log.Info("stopping", "deadline", d.cfg.Timeouts.Shutdown.Duration().String())
	if err := d.stop(); errors.Is(err, context.DeadlineExceeded) {
		d.log.Warn("not all was answered before the deadline", "err", err)
	} else if err != nil {
		d.log.Error("stopping", "err", err)
	}
	d.log.Info("stopped")
	return nil
}

// untilSignal returns a context that ends at the first SIGINT, SIGTERM or SIGQUIT. At
// the second, again is called, whatever the process waits for meanwhile, be it
// somebody to read its log.
func untilSignal(ctx context.Context, again func()) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	released := make(chan struct{})
	go func() {
		for _, act := range []func(){cancel, again} {
			select {
			case <-signals:
				act()
			case <-released:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(released)
		cancel()
	}
}
