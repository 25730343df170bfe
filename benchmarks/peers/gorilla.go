package main

import (
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

// serveGorilla serves with github.com/gorilla/websocket on net/http: buffers
// from a pool for writing, the reading buffer that net/http had, a goroutine of
// its own for each connection so that the one of net/http can go, and a
// PreparedMessage for the topic.
func serveGorilla(s settings) error {
	upgrader := &websocket.Upgrader{WriteBufferPool: &sync.Pool{}}
	members := newRoom[*gorillaMember]()
	return serveHTTP(s,
		func(w http.ResponseWriter, r *http.Request) {
			if c, err := upgrader.Upgrade(w, r, nil); err == nil {
				go gorillaEcho(c)
			}
		},
		func(w http.ResponseWriter, r *http.Request) {
			m, err := members.open(func() (*gorillaMember, error) {
				c, err := upgrader.Upgrade(w, r, nil)
				return &gorillaMember{conn: c}, err
			})
			if err == nil {
				go m.run(members)
			}
		})
}

func gorillaEcho(c *websocket.Conn) {
	defer c.Close()
	for gorillaMessage(c, c.WriteMessage) == nil {
	}
}

// gorillaMessage reads a message and calls f with it, who must not keep it.
func gorillaMessage(c *websocket.Conn, f func(op int, payload []byte) error) error {
	op, r, err := c.NextReader()
	if err != nil {
		return err
	}
	payload := getBuffer()
	defer putBuffer(payload)
	if _, err := payload.ReadFrom(r); err != nil {
		return err
	}
	return f(op, payload.Bytes())
}

// A gorillaMember is a connection subscribed to the topic.
type gorillaMember struct {
	conn *websocket.Conn

	mu sync.Mutex // held by whoever writes
}

// run is the goroutine that reads what the member publishes.
func (m *gorillaMember) run(members *room[*gorillaMember]) {
	defer m.conn.Close()
	defer members.leave(m)
	publish := func(op int, payload []byte) error {
		prepared, err := websocket.NewPreparedMessage(op, payload)
		if err != nil {
			return err
		}
		members.each(func(m *gorillaMember) {
			m.mu.Lock()
			_ = m.conn.WritePreparedMessage(prepared)
			m.mu.Unlock()
		})
		return nil
	}
	for gorillaMessage(m.conn, publish) == nil {
	}
}
