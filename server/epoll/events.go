package epoll

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/panjf2000/gnet/v2"
)

// events is what gnet calls, on the loop of the connection.
type events struct{ gnet.BuiltinEventEngine }

// OnOpen implements gnet.EventHandler.
func (*events) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	if s, ok := c.Context().(*socket); ok && !s.opened(c) {
		return nil, gnet.Close
	}
	return nil, gnet.None
}

// OnTraffic implements gnet.EventHandler. It takes all that was read: gnet
// would copy the rest.
func (*events) OnTraffic(c gnet.Conn) gnet.Action {
	p, _ := c.Next(-1) // all there is, so that it cannot be too little
	switch x := c.Context().(type) {
	case *socket:
		x.received(p)
		if l := x.loop; l.turnDue {
			l.turnDue = false
			l.turn()
		}
	case *waker:
		x.wake()
	}
	return gnet.None
}

// OnClose implements gnet.EventHandler.
func (*events) OnClose(c gnet.Conn, err error) gnet.Action {
	if s, ok := c.Context().(*socket); ok {
		s.closed(err)
	}
	return gnet.None
}

// opened asks the acceptor, and tells if it wants the connection.
func (s *socket) opened(c gnet.Conn) bool {
	s.conn, s.fd = c, c.Fd()
	forgetAddrs(c)
	s.loop.stats.open.Add(1)
	s.loop.stats.accepted.Add(1)
	accept := s.accept
	s.accept = nil
	recv, err := accept(s)
	if err != nil {
		s.abort()
		s.fail(err)
		return false
	}
	s.recv = recv
	if s.state == opening {
		s.state = open
	}
	return true
}

// forgetAddrs takes what is large from the addresses that c keeps, as long as it
// lives: gnet has no more use for them, and the socket knows the peer's.
func forgetAddrs(c gnet.Conn) {
	for _, a := range []net.Addr{c.LocalAddr(), c.RemoteAddr()} {
		if tcp, ok := a.(*net.TCPAddr); ok {
			tcp.IP = nil
		}
	}
}

// received hands p to the Receiver, or discards it.
func (s *socket) received(p []byte) {
	s.loop.stats.read.Add(uint64(len(p)))
	s.loop.received++
	if s.state != open {
		return
	}
	if err := s.recv.Receive(p); err != nil {
		s.end(err)
	}
}

func (w *waker) wake() {
	if w.testing.Load() {
		w.read.Store(true)
		return
	}
	w.loop.turn()
}

// A logger has gnet log here. What gnet has to say concerns who works on this
// package; what an operator must know is logged by the package itself.
type logger struct{ log *slog.Logger }

func (l logger) Debugf(format string, args ...any) { l.print(format, args) }
func (l logger) Infof(format string, args ...any)  { l.print(format, args) }
func (l logger) Warnf(format string, args ...any)  { l.print(format, args) }
func (l logger) Errorf(format string, args ...any) { l.print(format, args) }
func (l logger) Fatalf(format string, args ...any) { l.print(format, args) }

func (l logger) print(format string, args []any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("gnet: " + fmt.Sprintf(format, args...))
	}
}
