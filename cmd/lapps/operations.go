package main

import (
	"log/slog"
	"path/filepath"

	"lapps/config"
)

// operations are what changes the services of a daemon while it runs: bundles that
// appear, commands, and files that are written.
type operations struct {
	deployer *deployer
	dropbox  *dropbox
	control  *control
	watches  bool // files
	reloader *reloader
}

// operate installs the bundles that have to be there at the start, and makes a daemon of the
// configuration and what was deployed. lapps says that it is LAppS's pair, watches that
// services start anew when their files change. Where another server has the socket it touches nothing.
func operate(cfg *config.Config, lapps, watches bool, log *slog.Logger) (_ *daemon, err error) {
	socket, err := openControl(socketOf(cfg), log)
	if err != nil {
		return nil, &failure{err}
	}
	defer func() {
		if err != nil && socket != nil {
			_ = socket.Close()
		}
	}()
	dep := newDeployer(cfg, lapps, log)
	box := newDropbox(cfg.Directories.Deploy, log, dep.deploy)
	box.install()
	full := dep.withDeployed()
	d, err := assemble(full, dep.files, log)
	if err != nil {
		return nil, err
	}
	dep.serve(d)
	d.operations = &operations{
		deployer: dep,
		dropbox:  box,
		control:  newControl(socket, dep, d.statistics, log),
		watches:  watches,
	}
	return d, nil
}

// start begins to take commands and bundles, once the services have been started.
func (o *operations) start(log *slog.Logger) {
	if o == nil {
		return
	}
	o.control.start()
	o.dropbox.start()
	if !o.watches {
		return
	}
	dirs, written := make(map[string]string), []string{}
	for name, s := range o.deployer.cfg.Services {
		dirs[name] = realPath(o.deployer.store.current(name))
		for _, f := range s.Grants.Files {
			if f.Access == "write" {
				written = append(written, realPath(f.Path))
			}
		}
	}
	var err error
	if o.reloader, err = newReloader(dirs, written, log, o.deployer.reload); err != nil {
		log.Error("files are not watched", "err", err)
	}
}

// realPath is where a path leads to, or the path where it leads nowhere.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return filepath.Clean(path)
}

// stop ends all of that, and a change that is under way.
func (o *operations) stop() {
	if o == nil {
		return
	}
	o.deployer.close()
	if o.reloader != nil {
		o.reloader.stop()
	}
	o.dropbox.stop()
	o.control.stop()
}

// serve has changes be those of the services of a daemon.
func (d *deployer) serve(of *daemon) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.registry, d.outgoing = of.registry, of.outgoing
}
