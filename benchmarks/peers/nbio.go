package main

import (
	"net"
	"net/http"

	"github.com/lesismal/llib/std/crypto/tls"
	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

// serveNbio serves with github.com/lesismal/nbio on its own event loops, not
// blocking, TLS included, for which it has a crypto/tls of its own. Handlers run
// on the loop: those here never block, and the pool of goroutines that is the
// default costs some 10 µs a message.
func serveNbio(s settings) error {
	logging.SetLevel(logging.LevelNone)
	config := nbhttp.Config{
		Network:                 "tcp",
		Listen:                  func(string, string) (net.Listener, error) { return s.listener, nil },
		NPoller:                 s.loops,
		IOMod:                   nbhttp.IOModNonBlocking,
		ServerExecutor:          func(f func()) { f() },
		ReleaseWebsocketPayload: true,
		Handler:                 nbioHandler(),
	}
	addr := s.listener.Addr().String()
	if s.cert == "" {
		config.Addrs = []string{addr}
	} else {
		pair, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return err
		}
		config.AddrsTLS = []string{addr}
		config.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	engine := nbhttp.NewEngine(config)
	if err := engine.Start(); err != nil {
		return err
	}
	select {} // its goroutines serve
}

func nbioHandler() http.Handler {
	echo := nbioUpgrader()
	echo.OnMessage(func(c *websocket.Conn, op websocket.MessageType, payload []byte) {
		_ = c.WriteMessage(op, payload)
	})

	members := newRoom[*websocket.Conn]()
	topic := nbioUpgrader()
	topic.OnClose(func(c *websocket.Conn, _ error) {
		go members.leave(c) // a write to a member may be what ended it
	})
	topic.OnMessage(func(_ *websocket.Conn, op websocket.MessageType, payload []byte) {
		members.each(func(c *websocket.Conn) { _ = c.WriteMessage(op, payload) })
	})

	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = echo.Upgrade(w, r, nil) })
	mux.HandleFunc("/broadcast", func(w http.ResponseWriter, r *http.Request) {
		_, _ = members.open(func() (*websocket.Conn, error) { return topic.Upgrade(w, r, nil) })
	})
	return mux
}

func nbioUpgrader() *websocket.Upgrader {
	u := websocket.NewUpgrader()
	u.KeepaliveTime = 0 // else a connection ends after two minutes without a message
	u.MessageLengthLimit = maxMessage
	return u
}
