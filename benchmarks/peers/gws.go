package main

import (
	"bufio"
	"net"
	"net/http"

	"github.com/lxzan/gws"
)

// serveGws serves with github.com/lxzan/gws: its own server rather than
// net/http, the answer written by the goroutine that reads, its Broadcaster for
// the topic. It checks no UTF-8 unless told, and is not told.
func serveGws(s settings) error {
	ln, err := s.listen()
	if err != nil {
		return err
	}
	options := func() *gws.ServerOption {
		return &gws.ServerOption{ReadMaxPayloadSize: maxMessage, WriteMaxPayloadSize: maxMessage}
	}
	server := gws.NewServer(gwsEcho{}, options())
	members := newRoom[*gws.Conn]()
	topic := gws.NewUpgrader(&gwsTopic{members: members}, options())
	server.OnRequest = func(conn net.Conn, br *bufio.Reader, r *http.Request) {
		open := func() (*gws.Conn, error) { return server.GetUpgrader().UpgradeFromConn(conn, br, r) }
		if r.URL.Path == "/broadcast" {
			open = func() (*gws.Conn, error) {
				return members.open(func() (*gws.Conn, error) { return topic.UpgradeFromConn(conn, br, r) })
			}
		}
		c, err := open()
		if err != nil {
			server.OnError(conn, err)
			return
		}
		c.ReadLoop()
	}
	server.OnError = func(conn net.Conn, _ error) {
		if conn != nil { // nil for an error of Accept
			_ = conn.Close()
		}
	}
	return server.RunListener(ln)
}

type gwsEcho struct{ gws.BuiltinEventHandler }

// OnPing implements gws.Event.
func (gwsEcho) OnPing(c *gws.Conn, payload []byte) { _ = c.WritePong(payload) }

// OnMessage implements gws.Event.
func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	_ = c.WriteMessage(m.Opcode, m.Bytes())
	_ = m.Close()
}

type gwsTopic struct {
	gwsEcho

	members *room[*gws.Conn]
}

// OnClose implements gws.Event.
func (t *gwsTopic) OnClose(c *gws.Conn, _ error) { t.members.leave(c) }

// OnMessage implements gws.Event.
func (t *gwsTopic) OnMessage(_ *gws.Conn, m *gws.Message) {
	b := gws.NewBroadcaster(m.Opcode, m.Bytes())
	t.members.each(func(c *gws.Conn) { _ = b.Broadcast(c) })
	_ = b.Close()
	_ = m.Close()
}
