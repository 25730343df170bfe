// Command peers is the servers that lapps is compared with, as far as they are
// Go libraries or need a word in Go to be started: one binary, one file for
// each, set up as its own documentation and benchmarks do.
//
//	peers gws -addr 127.0.0.1:0
//	peers nbio -addr 127.0.0.1:5083 -cert cert.pem -key key.pem -loops 2
//	peers nginx -addr 127.0.0.1:5083 -dir /tmp/run
//
// It prints the address it listens on as one line on standard output and runs
// until SIGTERM or SIGINT; connections that are open then end with the process.
// With -cert and -key it speaks wss, otherwise ws.
//
// All do the same. For any target but /broadcast a message comes back as it
// was, its opcode kept. At /broadcast each connection is subscribed to one
// topic, and a message of any of them goes to all of them, the sender too.
// Nothing is compressed, nothing is logged about a connection, and no timeout
// ends one. README.md says how each is set up and why.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// maxMessage bounds a message, in bytes, in each server that can be told.
const maxMessage = 16 << 20

// A peer is a server that can be started.
type peer struct {
	name string

	// serve serves until the process ends. It returns with an error only,
	// which says why it cannot.
	serve func(settings) error
}

var peers = []peer{
	{name: "gws", serve: serveGws},
	{name: "gorilla", serve: serveGorilla},
	{name: "coder", serve: serveCoder},
	{name: "gobwas", serve: serveGobwas},
	{name: "nbio", serve: serveNbio},
}

// settings is what a peer is told.
type settings struct {
	listener net.Listener // of TCP
	cert     string       // file name; empty: ws
	key      string       // file name
	loops    int          // event loops of those that have some, at least 1
}

// listen returns the listener for those who use crypto/tls or none.
func (s settings) listen() (net.Listener, error) {
	if s.cert == "" {
		return s.listener, nil
	}
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(s.listener, &tls.Config{
		Certificates: []tls.Certificate{pair},
		NextProtos:   []string{"http/1.1"}, // HTTP/2 has another way to WebSockets
	}), nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the command: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "nginx" {
		return runNginx(args[1:], stderr)
	}
	i := -1
	if len(args) > 0 {
		i = slices.IndexFunc(peers, func(p peer) bool { return p.name == args[0] })
	}
	if i < 0 {
		fmt.Fprintf(stderr, "peers: expected %s or nginx first, not %q\n", names(), args)
		return 2
	}
	flags := flag.NewFlagSet("peers "+peers[i].name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	var s settings
	addr := flags.String("addr", "127.0.0.1:0", "`address` to listen on; port 0 chooses one")
	flags.StringVar(&s.cert, "cert", "", "`file` of the certificate, PEM: speak wss")
	flags.StringVar(&s.key, "key", "", "`file` of its private key, PEM")
	flags.IntVar(&s.loops, "loops", 1, "processors that Go uses at a time, if there are so many; for nbio event loops, too")
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	if flags.NArg() > 0 || s.loops < 1 || (s.cert == "") != (s.key == "") {
		fmt.Fprintf(stderr, "peers: expected -loops of at least 1, -cert and -key together, and no arguments, not %q\n", args)
		return 2
	}
	runtime.GOMAXPROCS(min(s.loops, runtime.GOMAXPROCS(0)))
	if err := serve(ctx, peers[i], *addr, s, stdout); err != nil {
		fmt.Fprintf(stderr, "peers: %s: %v\n", peers[i].name, err)
		return 1
	}
	return 0
}

// serve listens on addr, tells stdout where, and serves until ctx is done.
func serve(ctx context.Context, p peer, addr string, s settings, stdout io.Writer) error {
	var err error
	if s.listener, err = net.Listen("tcp", addr); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "peers: %s: listening on %s\n", p.name, s.listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- p.serve(s) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

func names() string {
	var list []string
	for _, p := range peers {
		list = append(list, p.name)
	}
	return strings.Join(list, ", ")
}
