package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lapps/config"
	"lapps/services"
)

const (
	// socketName is the socket's in directories.run.
	socketName = "lapps.sock"

	// maxSocketPath is what the kernel takes (unix(7)).
	maxSocketPath = 107

	// answerTime is how long answers may take to go out when the server ends.
	answerTime = 2 * time.Second

	// maxUpload is the size of the largest bundle that the socket takes, in bytes.
	maxUpload = 64 << 20
)

// A control is the socket through which a running server takes commands: HTTP with
// JSON, for who may open the socket, which is the server's user alone.
//
//	GET  /v1/services                      {"services": [serviceStatus…]}
//	GET  /v1/statistics                    statistics
//	POST /v1/services/NAME/start           also stop, restart, rollback, undeploy: serviceStatus
//	POST /v1/bundles?name=FILE             the body is a bundle: serviceStatus
//
// What fails is {"error": "…"}: 404 for a service, or a path, that there is not, 405 for another
// method, 409 where a service is not in the state for it, 422 for a bundle or a version that is no good.
type control struct {
	// Immutable.
	deployer *deployer
	registry *services.Registry
	sample   func() statistics // once the daemon has started
	log      *slog.Logger

	server   http.Server
	listener net.Listener // immutable; nil: it does not listen
	serving  sync.WaitGroup
}

// newControl makes the control of a socket that openControl has opened.
func newControl(socket net.Listener, d *deployer, sample func() statistics, log *slog.Logger) *control {
	c := &control{listener: socket, deployer: d, registry: d.registry, sample: sample, log: log}
	c.server = http.Server{Handler: c.handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	return c
}

// openControl opens the socket; who connects waits until start. That it cannot is logged and
// stands in nobody's way, and there is no listener then, but for another server that listens there.
func openControl(path string, log *slog.Logger) (net.Listener, error) {
	ln, err := listenControl(path)
	if err == nil || errors.Is(err, errListens) {
		return ln, err
	}
	log.Warn("no commands are taken", "socket", path, "err", err)
	return nil, nil
}

// start takes commands, if there is a socket.
func (c *control) start() {
	if c.listener == nil {
		return
	}
	c.serving.Go(func() { _ = c.server.Serve(c.listener) }) // until stop
	c.log.Info("commands are taken", "socket", c.listener.Addr().String())
}

// errListens is why a second server does not start.
var errListens = errors.New("another lapps listens there")

// listenControl opens the socket: for its owner only, before anybody can see it.
func listenControl(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path is longer than %d bytes: set directories.run", maxSocketPath)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", path, errListens)
	} else if errors.Is(err, syscall.ECONNREFUSED) { // the one of a server that was killed
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		if bad := raw.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); bad != nil {
			return bad
		}
		return err // what bind makes has this mode
	}}
	return lc.Listen(context.Background(), "unix", path)
}

// stop ends it, and closes the socket. Who has given a command gets the answer.
func (c *control) stop() {
	if c.listener != nil {
		ctx, cancel := context.WithTimeout(context.Background(), answerTime)
		defer cancel()
		_ = c.server.Shutdown(ctx)
		_ = c.server.Close()
		_ = c.listener.Close() // where it has not served
	}
	c.serving.Wait()
}

func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/services", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"services": c.statuses()})
	})
	mux.HandleFunc("GET /v1/statistics", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, c.sample()) })
	for name, do := range map[string]func(context.Context, string) error{
		"start": c.deployer.start, "stop": c.deployer.stop, "restart": c.deployer.restart, "rollback": c.deployer.rollback,
		"undeploy": c.deployer.undeploy,
	} {
		mux.HandleFunc("POST /v1/services/{service}/"+name, func(w http.ResponseWriter, r *http.Request) {
			service := r.PathValue("service")
			log := c.log.With("do", name, "service", service)
			log.Info("command")
			c.respond(w, log, service, do(r.Context(), service))
		})
	}
	mux.HandleFunc("POST /v1/bundles", c.receiveBundle)
	return answersAll(mux)
}

// answersAll has requests that mux knows nothing about be answered as others that fail: its own
// answers are text.
func answersAll(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		own := refusal{header: make(http.Header)}
		mux.ServeHTTP(&own, r)
		why := "there is nothing at " + r.URL.Path
		if allowed := own.header.Get("Allow"); allowed != "" {
			w.Header().Set("Allow", allowed)
			why = fmt.Sprintf("%s takes %s, not %s", r.URL.Path, allowed, r.Method)
		}
		answer(w, own.status, failureBody{why})
	})
}

// A refusal is an http.ResponseWriter that keeps a status and a header, and no body.
type refusal struct {
	header http.Header
	status int
}

func (f *refusal) Header() http.Header         { return f.header }
func (f *refusal) WriteHeader(status int)      { f.status = status }
func (f *refusal) Write(p []byte) (int, error) { return len(p), nil }

// receiveBundle deploys what the body holds.
func (c *control) receiveBundle(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.URL.Query().Get("name"))
	if !isBundle(name) {
		answer(w, http.StatusBadRequest, failureBody{"name: must be a file's that ends with .lar, .zip, .tar.gz or .tgz"})
		return
	}
	log := c.log.With("do", "deploy", "bundle", name)
	log.Info("command")
	service, err := c.deployBody(r.Context(), http.MaxBytesReader(w, r.Body, maxUpload), name)
	c.respond(w, log, service, err)
}

// deployBody deploys a bundle that comes from somewhere. It is written to a file first,
// which has no name any more.
func (c *control) deployBody(ctx context.Context, body io.Reader, name string) (service string, err error) {
	f, err := os.CreateTemp("", "lapps-*")
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return "", err
	}
	if _, err := io.Copy(f, body); err != nil {
		return "", err
	}
	return c.deployer.deploy(ctx, f, name)
}

type failureBody struct {
	Error string `json:"error"`
}

// respond answers a command: with what the service is now, or why not, which log, the command's, tells too.
func (c *control) respond(w http.ResponseWriter, log *slog.Logger, service string, err error) {
	if err == nil {
		status := serviceStatus{Name: service, State: "removed"}
		if s := c.registry.Service(service); s != nil {
			status = describe(c.registry, s)
		}
		answer(w, http.StatusOK, status)
		return
	}
	var large *http.MaxBytesError
	var needed *services.NeededError
	status := http.StatusUnprocessableEntity
	switch {
	case errors.Is(err, services.ErrNoService):
		status = http.StatusNotFound
	case errors.Is(err, services.ErrRunning), errors.Is(err, services.ErrNotRunning), errors.Is(err, errNoVersion), errors.Is(err, errConfigured),
		errors.As(err, &needed):
		status = http.StatusConflict
	case errors.Is(err, errEnding):
		status = http.StatusServiceUnavailable
	case errors.As(err, &large):
		status = http.StatusRequestEntityTooLarge
		err = fmt.Errorf("the bundle is larger than %d bytes", large.Limit)
	}
	log.Error("command failed", "err", err)
	answer(w, status, failureBody{err.Error()})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // whoever has asked may have gone
}

// A serviceStatus is what a service is doing.
type serviceStatus struct {
	Name          string          `json:"name"`
	Version       string          `json:"version,omitempty"` // of the bundle that it came in
	State         string          `json:"state"`             // services.StateRunning, …; or removed
	Standalone    bool            `json:"standalone"`
	RequestTarget string          `json:"request_target,omitempty"`
	Instances     int             `json:"instances"`
	Connections   int             `json:"connections"`
	Errors        uint64          `json:"errors"` // of Lua, since this version started, and runs that failed
	Leaving       []versionStatus `json:"leaving,omitempty"`
}

// A versionStatus is an old version, with which connections finish.
type versionStatus struct {
	Version     string `json:"version,omitempty"`
	Instances   int    `json:"instances"`
	Connections int    `json:"connections"`
}

// statuses are those of all services, in order of their names, and of those that were removed
// and have not ended.
func (c *control) statuses() []serviceStatus {
	all := []serviceStatus{}
	for _, s := range c.registry.Services() {
		all = append(all, describe(c.registry, s))
	}
	for _, s := range c.registry.Leaving() {
		if !slices.ContainsFunc(all, func(o serviceStatus) bool { return o.Name == s.Name }) {
			all = append(all, serviceStatus{Name: s.Name, State: "removed", Standalone: s.Standalone, Leaving: leaving(c.registry, s.Name)})
		}
	}
	slices.SortFunc(all, func(a, b serviceStatus) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// leaving are the versions of a service that have not ended.
func leaving(r *services.Registry, name string) (all []versionStatus) {
	for _, old := range r.Leaving() {
		if old.Name == name {
			all = append(all, versionStatus{old.Version, old.Alive(), old.Seats()})
		}
	}
	return all
}

func describe(r *services.Registry, s *services.Service) serviceStatus {
	errs, _ := s.Errors()
	return serviceStatus{
		Name: s.Name, Version: s.Version, State: s.State(), Standalone: s.Standalone, RequestTarget: s.RequestTarget,
		Instances: s.Alive(), Connections: s.Seats(), Errors: errs + s.Failures(), Leaving: leaving(r, s.Name),
	}
}

// socketOf is the socket of the server that has this configuration.
func socketOf(cfg *config.Config) string { return filepath.Join(cfg.Directories.Run, socketName) }
