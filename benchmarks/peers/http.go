package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"sync"
)

// serveHTTP serves with net/http, for the libraries that upgrade its requests.
func serveHTTP(s settings, echo, broadcast http.HandlerFunc) error {
	ln, err := s.listen()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	mux.HandleFunc("/broadcast", broadcast)
	server := &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	return server.Serve(ln)
}

// keptBuffer is the greatest capacity, in bytes, that buffers keeps.
const keptBuffer = 1 << 20

// buffers holds a *bytes.Buffer for each message that is being read, rather
// than one for each connection.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func getBuffer() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= keptBuffer {
		b.Reset()
		buffers.Put(b)
	}
}
