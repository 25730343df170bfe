package wire

import "strconv"

// A Compression is what a server is willing to do about permessage-deflate
// (RFC 7692), or a client. It is not changed while it is in use, and may be shared.
type Compression struct {
	// Level is how hard it tries: from 1, the fastest, to 9. 0 means
	// 1. Where less than 15 bits of window have been agreed on there is only
	// one level, about 5.
	Level int

	// MinSize is the size of the smallest message that it compresses,
	// in bytes. Smaller ones are sent as they are.
	MinSize int

	// ContextTakeover allows messages to refer to those before them. It costs
	// memory for each connection: see Deflate.
	ContextTakeover bool

	// WindowBits is the binary logarithm of the largest window, in bytes, of
	// either side: 9 to 15. 0 means 15. A client does not look at it.
	WindowBits int

	// MaxRatio is how many times its compressed size a peer's message may
	// have, where that is more than 4 KiB. 0 means no limit.
	MaxRatio int
}

func (c *Compression) windowBits() int {
	if c.WindowBits == 0 {
		return maxWindowBits
	}
	return c.WindowBits
}

// The bounds of window bits (RFC 7692, section 7.1.2).
const (
	minWindowBits = 8
	maxWindowBits = 15
)

// An Agreement is permessage-deflate as a client has offered it and a server
// has accepted it.
type Agreement struct {
	ServerTakeover bool // the server's messages may refer to earlier ones
	ClientTakeover bool // the client's may
	ServerBits     int  // of the server's window: 8 to 15
	ClientBits     int  // of the client's

	sayServerBits bool // it has to be in the answer
	sayClientBits bool
}

// Negotiate accepts the first of a client's offers that c can serve: offers is
// a well-formed list as in Request.Extensions. ok is false where there is none;
// the connection then goes on without compression. Offers of other extensions,
// and those with parameters that are unknown, come twice or have no proper
// value, are declined (RFC 7692, sections 5.1 and 7.1).
func (c *Compression) Negotiate(offers string) (a Agreement, ok bool) {
	for offers != "" {
		var name, params string
		if name, params, offers, ok = cutExtension(offers); !ok {
			break
		}
		if name != "permessage-deflate" {
			continue
		}
		if o, ok := parseOffer(params); ok {
			return c.answer(o), true
		}
	}
	return Agreement{}, false
}

// An offer has the parameters that a client sent.
type offer struct {
	noServerTakeover, noClientTakeover bool
	serverBits                         int // 0: not limited
	clientBits                         int // 0: the client did not mention it; then it must not be in the answer
}

// parseOffer reads the parameters of one offer; each may come once.
func parseOffer(params string) (o offer, ok bool) {
	for params != "" {
		name, value, given, rest, ok := cutParam(params)
		if !ok || !o.set(name, value, given) {
			return o, false
		}
		params = rest
	}
	return o, true
}

// set takes one parameter (RFC 7692, section 7.1).
func (o *offer) set(name, value string, given bool) (ok bool) {
	flag := func(b *bool) bool {
		fresh := !*b && !given
		*b = true
		return fresh
	}
	switch name {
	case "server_no_context_takeover":
		return flag(&o.noServerTakeover)
	case "client_no_context_takeover":
		return flag(&o.noClientTakeover)
	case "server_max_window_bits":
		fresh := o.serverBits == 0
		o.serverBits = parseWindowBits(value)
		return fresh && o.serverBits != 0
	case "client_max_window_bits":
		fresh := o.clientBits == 0
		if o.clientBits = maxWindowBits; given {
			o.clientBits = parseWindowBits(value)
		}
		return fresh && o.clientBits != 0
	}
	return false
}

// parseWindowBits reads a number from 8 to 15, which has no leading zeros; 0:
// it is none.
func parseWindowBits(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < minWindowBits || n > maxWindowBits || strconv.Itoa(n) != s {
		return 0
	}
	return n
}

// answer makes the most of an offer that c's limits allow.
func (c *Compression) answer(o offer) Agreement {
	most := c.windowBits()
	a := Agreement{
		ServerTakeover: c.ContextTakeover && !o.noServerTakeover,
		ClientTakeover: c.ContextTakeover && !o.noClientTakeover,
		ServerBits:     most,
		ClientBits:     maxWindowBits,
	}
	if o.serverBits != 0 {
		a.ServerBits = min(most, o.serverBits)
	}
	a.sayServerBits = o.serverBits != 0 || most < maxWindowBits
	// A client that offers a value keeps to it, whatever is answered (section
	// 7.1.2.2): so 8, which zlib cannot compress with, need not be answered.
	if o.clientBits != 0 {
		a.ClientBits = min(most, o.clientBits)
		a.sayClientBits = a.ClientBits < o.clientBits
	} else if most < maxWindowBits {
		a.ClientTakeover = false // it cannot be told to have a smaller window: keep none
	}
	return a
}

// Extension is the element of Sec-WebSocket-Extensions that tells the client.
func (a Agreement) Extension() string {
	s := "permessage-deflate"
	if !a.ServerTakeover {
		s += "; server_no_context_takeover"
	}
	if !a.ClientTakeover {
		s += "; client_no_context_takeover"
	}
	if a.sayServerBits {
		s += "; server_max_window_bits=" + strconv.Itoa(a.ServerBits)
	}
	if a.sayClientBits {
		s += "; client_max_window_bits=" + strconv.Itoa(a.ClientBits)
	}
	return s
}

// Offer is what a client sends in Sec-WebSocket-Extensions. It says nothing of
// windows: the server's may be as large as can be, and so may the client's.
func (c *Compression) Offer() string {
	if c.ContextTakeover {
		return "permessage-deflate"
	}
	return "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
}

// accept reads a server's answer to Offer. What was not offered must not be in it:
// another extension, a second one, or the client's window. A server that says nothing
// of its context is believed to use it, whatever was asked for.
func (c *Compression) accept(answer string) (a Agreement, ok bool) {
	name, params, rest, ok := cutExtension(answer)
	if !ok || name != "permessage-deflate" {
		return a, false
	}
	if name, _, _, ok = cutExtension(rest); !ok || name != "" {
		return a, false
	}
	o, ok := parseOffer(params)
	if !ok || o.clientBits != 0 {
		return a, false
	}
	a = Agreement{
		ServerTakeover: !o.noServerTakeover,
		ClientTakeover: c.ContextTakeover && !o.noClientTakeover,
		ServerBits:     maxWindowBits,
		ClientBits:     maxWindowBits,
	}
	if o.serverBits != 0 {
		a.ServerBits = o.serverBits
	}
	return a, true
}
