package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"lapps/config"
	"lapps/server"
	"lapps/server/epoll"
	"lapps/server/secure"
	"lapps/services"
	"lapps/services/modules/cws"
	"lapps/services/vm"
)

// outgoing are the connections that services open, carried by the daemon's event loops.
type outgoing struct {
	pool    *cws.Pool
	layer   *secure.Layer
	caFile  string                        // of authorities besides the system's; "": none
	carrier atomic.Pointer[epoll.Carrier] // nil until it runs
}

func newOutgoing(c config.Outgoing, log *slog.Logger) *outgoing {
	o := &outgoing{caFile: c.CAFile, layer: secure.New(secure.Config{Log: log})}
	o.pool = cws.NewPool(o.carry)
	return o
}

// modules are those of s that need its grants, or the event loops.
func (o *outgoing) modules(s services.Config) []vm.Module {
	return []vm.Module{cws.Module(cws.Config{Pool: o.pool, Grants: s.Grants, Files: s.Files, CAFile: o.caFile})}
}

// carry is a cws.Carry.
func (o *outgoing) carry(conn net.Conn, s *cws.Security, r cws.Receiver) error {
	carrier := o.carrier.Load()
	if carrier == nil {
		return errors.Join(errors.New("the event loops do not run yet"), conn.Close())
	}
	attach := func(sock server.Socket) (*carried, error) {
		c := &carried{Socket: sock, Receiver: r, loop: sock.Loop()}
		c.timer.F = r.Alarm
		r.Attached(c)
		return c, nil
	}
	if s != nil {
		secured := func(sock server.Socket) (server.Receiver, error) { return attach(sock) }
		return carrier.Attach(conn, o.layer.Connect(secure.ClientConfig(s.Server, s.Roots), secured))
	}
	return carrier.Attach(conn, func(sock server.Socket) (server.Receiver, error) {
		c, err := attach(sock)
		if err == nil {
			r.Ready()
		}
		return c, err
	})
}

// outgoingTime is how long connections that services have left have for their closing handshakes
// when the server stops.
const outgoingTime = time.Second

// farewell waits for the connections of services that have ended.
func (o *outgoing) farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, outgoingTime)
	defer cancel()
	_ = o.pool.Stop(ctx) // stop waits again, once the carrier has aborted those that are left
}

// stop waits for what is left, once the carrier has stopped.
func (o *outgoing) stop(ctx context.Context) error {
	return errors.Join(o.pool.Stop(ctx), o.layer.Stop(ctx))
}

// A carried is a connection that a service has opened: what a carrier and cws know of each
// other.
type carried struct {
	server.Socket
	cws.Receiver

	loop  server.Loop
	timer server.Timer
}

var (
	_ cws.Socket      = (*carried)(nil)
	_ server.Receiver = (*carried)(nil)
	_ server.Flusher  = (*carried)(nil)
	_ secure.Secured  = (*carried)(nil)
)

// Secured implements secure.Secured.
func (c *carried) Secured() { c.Ready() }

// Lost implements server.Receiver.
func (c *carried) Lost(err error) {
	c.loop.Stop(&c.timer)
	c.Receiver.Lost(err)
}

// Loop implements cws.Socket.
func (c *carried) Loop() cws.Loop { return c.loop }

// Now implements cws.Socket.
func (c *carried) Now() time.Duration { return c.loop.Now() }

// Arm implements cws.Socket.
func (c *carried) Arm(d time.Duration) { c.loop.Arm(&c.timer, d) }

// Dirty implements cws.Socket.
func (c *carried) Dirty() { c.loop.Dirty(c) }
