package main

import (
	"context"
	"net/http"

	"github.com/coder/websocket"
)

// serveCoder serves with github.com/coder/websocket on net/http. Its methods
// take a context; that of Background costs them nothing, while one that can be
// cancelled costs a timer's worth for each read and write.
func serveCoder(s settings) error {
	members := newRoom[*websocket.Conn]()
	return serveHTTP(s,
		func(w http.ResponseWriter, r *http.Request) {
			if c, err := coderAccept(w, r); err == nil {
				go coderEcho(c)
			}
		},
		func(w http.ResponseWriter, r *http.Request) {
			c, err := members.open(func() (*websocket.Conn, error) { return coderAccept(w, r) })
			if err == nil {
				go coderMember(c, members)
			}
		})
}

func coderAccept(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
	c, err := websocket.Accept(w, r, nil)
	if err == nil {
		c.SetReadLimit(maxMessage)
	}
	return c, err
}

func coderEcho(c *websocket.Conn) {
	defer c.CloseNow()
	echo := func(typ websocket.MessageType, payload []byte) error {
		return c.Write(context.Background(), typ, payload)
	}
	for coderMessage(c, echo) == nil {
	}
}

// coderMessage reads a message and calls f with it, who must not keep it.
func coderMessage(c *websocket.Conn, f func(typ websocket.MessageType, payload []byte) error) error {
	typ, r, err := c.Reader(context.Background())
	if err != nil {
		return err
	}
	payload := getBuffer()
	defer putBuffer(payload)
	if _, err := payload.ReadFrom(r); err != nil {
		return err
	}
	return f(typ, payload.Bytes())
}

// coderMember reads what a member of the topic publishes. Writing is safe for
// concurrent use in this library.
func coderMember(c *websocket.Conn, members *room[*websocket.Conn]) {
	defer c.CloseNow()
	defer members.leave(c)
	publish := func(typ websocket.MessageType, payload []byte) error {
		members.each(func(c *websocket.Conn) { _ = c.Write(context.Background(), typ, payload) })
		return nil
	}
	for coderMessage(c, publish) == nil {
	}
}
