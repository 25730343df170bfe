package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lapps/config"
	"lapps/services"
	"lapps/services/bundle"
)

const (
	// changeTime is how long a new version may take to start, or a service to end, when
	// somebody has asked for it.
	changeTime = 2 * time.Minute

	// maxDescriptor is the size of the largest descriptor, in bytes.
	maxDescriptor = 1 << 20
)

// A deployer changes the services of a daemon that runs: new versions of them come as
// bundles, or are in their directories already.
type deployer struct {
	// Immutable.
	cfg   *config.Config            // with what was deployed when the server started
	named map[string]config.Service // what the configuration itself says
	lapps bool                      // it is LAppS's pair
	store *store
	log   *slog.Logger
	limit time.Duration // changeTime, but for tests

	life context.Context // ends with the daemon
	end  context.CancelFunc

	mu       sync.Mutex         // held during a change; guards the fields below
	registry *services.Registry // nil: nothing is served yet
	outgoing *outgoing
	asked    map[string]bool // whether a service is to run, where a command has said so

	// trashing is held while versions are put into the trash, or removed from it: an old version
	// ends whenever its last connection goes. Behind mu.
	trashing sync.Mutex
}

// errEnding refuses changes of a daemon that ends.
var errEnding = errors.New("the server is shutting down")

// begin locks for a change. It fails once the daemon ends, and where ctx has ended meanwhile: nobody
// waits for it any more. One that has begun goes on.
func (d *deployer) begin(ctx context.Context) (_ context.Context, done func(), err error) {
	d.mu.Lock()
	if d.life.Err() != nil {
		d.mu.Unlock()
		return nil, nil, errEnding
	}
	if err := ctx.Err(); err != nil {
		d.mu.Unlock()
		return nil, nil, err
	}
	ctx, end := context.WithCancelCause(context.WithoutCancel(ctx))
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	forget := context.AfterFunc(d.life, func() { end(errEnding) })
	return ctx, func() {
		forget()
		cancel()
		end(nil)
		d.mu.Unlock()
	}, nil
}

// close ends the change that is under way, and waits for it; there will be no other.
func (d *deployer) close() {
	d.end()
	d.mu.Lock()
	defer d.mu.Unlock()
}

// deploy unpacks a bundle, checks it, and puts the service that it holds in the place
// of the one of the same name, or beside the others. Where anything is wrong nothing
// has changed.
func (d *deployer) deploy(ctx context.Context, archive *os.File, name string) (service string, err error) {
	ctx, done, err := d.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	dir, err := d.store.stage()
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	into, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer into.Close()
	info, err := archive.Stat()
	if err != nil {
		return "", err
	}
	m, err := bundle.New(archive, info.Size(), name, bundle.Limits{}).Extract(into)
	if err != nil {
		return "", err
	}
	if d.registry == nil && !d.lacksFiles(m.Service) {
		return "", errLater
	}
	rec := record{Service: m.Service, Version: m.Version(), Bundle: name, Deployed: time.Now().UTC().Truncate(time.Second), LAppS: d.lapps || m.Format == "lar"}
	if m.Descriptor != "" {
		text, err := readDescriptor(into, m.Descriptor)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		rec.Descriptor = text
	}
	staged := filepath.Join(dir, m.Service)
	if err := d.store.write(staged, rec); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	var finish func() error
	if err := d.change(ctx, m.Service, staged, rec, func() (err error) {
		finish, err = d.store.replace(m.Service, staged)
		return err
	}); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if finish != nil {
		if err := d.discarding(finish); err != nil {
			d.log.Error("the version before is not kept: there is no way back to it", "service", m.Service, "err", err)
		}
		d.emptyTrash(m.Service)
	}
	d.log.Info("bundle deployed", "service", m.Service, "version", rec.Version, "bundle", name)
	return m.Service, nil
}

// errLater refuses, before anything is served, what can wait until then: only then does it
// show whether a version starts, beside the others.
var errLater = errors.New("it is deployed once the services have started")

// lacksFiles reports whether the configuration names a service whose files are not
// there: without them the server does not start.
func (d *deployer) lacksFiles(name string) bool {
	_, named := d.named[name]
	_, err := os.Stat(filepath.Join(d.store.current(name), name+".lua"))
	return named && errors.Is(err, fs.ErrNotExist)
}

// readDescriptor reads a descriptor that was unpacked.
func readDescriptor(in *os.Root, name string) (string, error) {
	info, err := in.Stat(name)
	if err != nil {
		return "", err
	}
	if info.Size() > maxDescriptor {
		return "", fmt.Errorf("%s: larger than %d bytes", name, maxDescriptor)
	}
	text, err := fs.ReadFile(in.FS(), name)
	return string(text), err
}

// errNoVersion is why there is no way back.
var errNoVersion = errors.New("there is no version before the one that serves")

// rollback puts the version before in the place of the one that serves.
func (d *deployer) rollback(ctx context.Context, name string) error {
	ctx, done, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if d.registry.Service(name) == nil {
		return services.ErrNoService
	}
	dir := d.store.previous(name)
	if !isDirectory(dir) {
		return errNoVersion
	}
	rec, err := d.store.read(dir)
	if err != nil {
		return err
	}
	return d.change(ctx, name, dir, rec, func() error { return d.store.swap(name) })
}

// restart starts a service anew, with the files that are in its directory now.
func (d *deployer) restart(ctx context.Context, name string) error {
	ctx, done, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	return d.again(ctx, name)
}

// again is restart; mu is held.
func (d *deployer) again(ctx context.Context, name string) error {
	if d.registry.Service(name) == nil {
		return services.ErrNoService
	}
	rec, err := d.store.read(d.store.current(name))
	if err != nil {
		return err
	}
	return d.change(ctx, name, d.store.current(name), rec, nil)
}

// errConfigured is why a service is not removed.
var errConfigured = errors.New("the configuration names the service: it is removed there")

// undeploy removes a service that a bundle has brought.
func (d *deployer) undeploy(ctx context.Context, name string) error {
	ctx, done, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if _, ok := d.named[name]; ok {
		return errConfigured
	}
	defer d.emptyTrash(name)
	delete(d.asked, name)
	return d.registry.Remove(ctx, name, func() error {
		return d.discarding(func() error { return d.store.remove(name) })
	})
}

// discarding calls what puts a version into the trash.
func (d *deployer) discarding(do func() error) error {
	d.trashing.Lock()
	defer d.trashing.Unlock()
	return do()
}

// start starts a service that does not run.
func (d *deployer) start(ctx context.Context, name string) error {
	ctx, done, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	d.asked[name] = true
	return d.registry.StartService(ctx, name)
}

// stop stops one that does.
func (d *deployer) stop(ctx context.Context, name string) error {
	ctx, done, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	d.asked[name] = false
	return d.registry.StopService(ctx, name)
}

// change has the version of a service in dir checked, started, and take its place; commit
// is called in between. mu is held.
func (d *deployer) change(ctx context.Context, name, dir string, rec record, commit func() error) error {
	s, err := d.service(name, rec)
	if err != nil {
		return err
	}
	from, err := openFolder(dir)
	if err != nil {
		return err
	}
	from.version = rec.Version
	c, err := serviceConfig(d.cfg, name, s, from)
	if err != nil {
		return err
	}
	c.Where = d.store.current(name) // where it will be
	if d.registry == nil {
		defer c.Release()
		return d.install(c, commit)
	}
	c.Modules = d.outgoing.modules(c)
	release := c.Release
	c.Release = func() {
		release()
		d.emptyTrash(name)
	}
	err = d.registry.Check(c)
	if err == nil {
		_, err = d.registry.Deploy(ctx, c, commit)
	}
	switch {
	case err == nil:
		d.asked[name] = true
	case errors.Is(err, context.Canceled):
		err = context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%s: its instances have not started within %v: is there a loop in its files, or in onStart?", name, d.limit)
	}
	if err != nil {
		release()
	}
	return err
}

// install is change for a server that does not serve yet.
func (d *deployer) install(c services.Config, commit func() error) error {
	c.Depends = nil // on what may come with another bundle
	none, err := services.New(nil, described, slog.New(slog.DiscardHandler))
	if err == nil {
		err = none.Check(c)
	}
	if err != nil {
		return err
	}
	return commit()
}

// emptyTrash removes versions that nobody has any more.
func (d *deployer) emptyTrash(name string) {
	d.trashing.Lock()
	defer d.trashing.Unlock()
	if d.registry != nil && slices.ContainsFunc(d.registry.Leaving(), func(s *services.Service) bool { return s.Name == name }) {
		return
	}
	if err := os.RemoveAll(d.store.trash(name)); err != nil {
		d.log.Warn("old version not removed", "service", name, "err", err)
	}
}

// service is what a service is: the configuration says it, or else the descriptor of
// the bundle that it came in.
func (d *deployer) service(name string, rec record) (config.Service, error) {
	if s, ok := d.named[name]; ok {
		if rec.Descriptor != "" {
			d.log.Info("the bundle's descriptor is not read: the configuration names the service", "service", name, "bundle", rec.Bundle)
		}
		return s, nil
	}
	if rec.Descriptor == "" {
		return config.Service{}, fmt.Errorf("%s: the configuration does not name this service, and its bundle has no descriptor: expected %[1]s/%[1]s.json", name)
	}
	s, notices, err := config.ParseDescriptor(rec.Bundle+": descriptor", []byte(rec.Descriptor), name, rec.LAppS)
	for _, n := range notices {
		d.log.Warn("descriptor", "notice", n.String())
	}
	if err == nil {
		err = checkName(name, s)
	}
	if err != nil {
		return s, err
	}
	for _, m := range s.Preload {
		if privileged(m) && !d.lapps {
			return s, fmt.Errorf("%s: preload: %s reaches outside of the server: the configuration has to name the service to grant that", name, m)
		}
	}
	return d.cfg.Adopt(s), nil
}

// newDeployer makes a deployer of a configuration. Until serve it installs only: what
// it changes is there when the services are started.
func newDeployer(cfg *config.Config, lapps bool, log *slog.Logger) *deployer {
	d := &deployer{cfg: cfg, named: cfg.Services, lapps: lapps, store: newStore(cfg.Directories.Applications), log: log, limit: changeTime, asked: make(map[string]bool)}
	d.life, d.end = context.WithCancel(context.Background())
	if err := d.store.tidy(); err != nil {
		log.Warn("what an earlier deployment has left is not removed", "err", err)
	}
	return d
}

// withDeployed is the configuration with the services that bundles have brought. One
// that cannot be is logged and left out.
func (d *deployer) withDeployed() *config.Config {
	records, err := d.store.deployed()
	if err != nil {
		d.log.Error("some of what was deployed is left out", "err", err)
	}
	full := *d.cfg
	full.Services = maps.Clone(d.named)
	targets := make(map[string]string)
	for name, s := range full.Services {
		targets[s.RequestTarget] = name
	}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		if _, ok := d.named[name]; ok {
			continue
		}
		s, err := d.service(name, records[name])
		if other := targets[s.RequestTarget]; err == nil && !s.Standalone && other != "" {
			err = fmt.Errorf("its request target %q is that of %s", s.RequestTarget, other)
		}
		if err == nil {
			_, err = os.Stat(filepath.Join(d.store.current(name), name+".lua"))
		}
		if err != nil {
			d.log.Error("deployed service left out", "service", name, "err", err)
			continue
		}
		full.Services[name], targets[s.RequestTarget] = s, name
	}
	d.leaveOutDependents(&full)
	d.cfg = &full
	return &full
}

// leaveOutDependents leaves out deployed services that depend on what there is not.
func (d *deployer) leaveOutDependents(full *config.Config) {
	for again := true; again; {
		again = false
		for name, s := range full.Services {
			i := slices.IndexFunc(s.Depends, func(on string) bool { _, ok := full.Services[on]; return !ok })
			if _, ok := d.named[name]; i >= 0 && !ok {
				d.log.Error("deployed service left out", "service", name, "err", fmt.Errorf("it depends on %s, which does not exist", s.Depends[i]))
				delete(full.Services, name)
				again = true
			}
		}
	}
}

// files finds the files of the services, and which versions they are.
func (d *deployer) files(name string) (folder, error) {
	from, err := openFolder(d.store.current(name))
	if err != nil {
		return from, err
	}
	rec, err := d.store.read(d.store.current(name))
	if err != nil {
		d.log.Warn("which version a service is, is not known", "service", name, "err", err)
	}
	from.version = rec.Version
	return from, nil
}
