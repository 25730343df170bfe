package main

// handshakeFlood has the server compute: it answers a ClientHello with a key
// exchange and a signature. The connection is reset then.
func handshakeFlood(p *player) string {
	l, err := p.connect(0)
	if err != nil {
		return p.noPlace(err)
	}
	defer l.Close()
	l.tcp.SetLinger(0) // ports are not used up
	if err := p.pour(l, p.target.hello()); err != nil {
		return p.ended(err)
	}
	first, err := l.in.Peek(1)
	switch {
	case err != nil:
		return p.ended(err)
	case first[0] == typeAlert:
		return p.alerted(l)
	}
	return "answered"
}
