package rpc

import "errors"

// Kinds of what a server sends (section 3.2).
const (
	Result         Kind = iota + 1 // the answer to a request
	Failure                        // likewise: it has failed
	Notification                   // an out-of-order notification (OON)
	ChannelFailure                 // something on another channel than 0 has failed
)

// A Kind says what a server sends.
type Kind uint8

// Answers reports whether a message of this kind is the answer to a request.
func (k Kind) Answers() bool { return k == Result || k == Failure }

// ParseReply says what p, which has passed Check, would be to a peer, or why it
// is nothing that a server may send.
func ParseReply(p string) (Kind, error) {
	c := cursor{p: p}
	h := c.head()
	if h.major != majorMap {
		return 0, errors.New("a message is a map, not " + kindOf(h))
	}
	var m reply
	for n := count(h); c.more(&n); {
		key, at := keyAt(p, c.i)
		c.i = skip(p, at)
		m.set(key, p[at:c.i])
	}
	return m.kind()
}

// A reply is the members that the protocol names, each "" or a data item.
type reply struct{ cid, status, result, message, failure string }

func (m *reply) set(key, item string) {
	switch key {
	case "cid":
		m.cid = item
	case "status":
		m.status = item
	case "result":
		m.result = item
	case "message":
		m.message = item
	case "error":
		m.failure = item
	}
}

func (m *reply) kind() (Kind, error) {
	if m.cid == "" {
		return 0, errors.New("cid is missing")
	}
	cid, e := parseCID(m.cid)
	if e != nil {
		return 0, errors.New(e.Message)
	}
	status := int64(-1)
	if m.status != "" {
		var ok bool
		if status, ok = integer(m.status); !ok || status != 0 && status != 1 {
			return 0, errors.New("status must be 0 or 1")
		}
	}
	switch {
	case status == 0 && cid != 0:
		return ChannelFailure, m.checkFailure()
	case status == 0:
		return Failure, m.checkFailure()
	case cid != 0:
		return Notification, checkArray("message", m.message)
	case status == 1:
		return Result, checkArray("result", m.result)
	}
	return 0, errors.New("status is missing: a response has cid 0 and a status")
}

// checkFailure checks error (section 3.2.2).
func (m *reply) checkFailure() error {
	if m.failure == "" {
		return errors.New("error is missing: status is 0")
	}
	c := cursor{p: m.failure}
	h := c.head()
	if h.major != majorMap {
		return errors.New("error must be a map, not " + kindOf(h))
	}
	var code, message bool
	for n := count(h); c.more(&n); {
		key, at := keyAt(c.p, c.i)
		c.i = skip(c.p, at)
		item, _ := readHead(c.p, at)
		switch key {
		case "code":
			_, code = integer(c.p[at:c.i])
		case "message":
			message = item.major == majorText
		}
	}
	switch {
	case !code:
		return errors.New("error.code must be an integer")
	case !message:
		return errors.New("error.message must be a text")
	}
	return nil
}

func checkArray(name, item string) error {
	if item == "" {
		return errors.New(name + " is missing")
	}
	if h, _ := readHead(item, 0); h.major != majorArray {
		return errors.New(name + " must be an array, not " + kindOf(h))
	}
	return nil
}

// BeginResult begins a response with n results: they follow, each one value,
// and then EndResult.
func BeginResult(b Builder, n int) {
	b.Map(3)
	b.Key("cid")
	b.Int(0)
	b.Key("result")
	b.Array(n)
}

// EndResult ends what BeginResult began.
func EndResult(b Builder) {
	b.End()
	b.Key("status")
	b.Int(1)
	b.End()
}

// PutError tells b a response that a request has failed. data, where it is not
// nil, tells b one value more about it.
func PutError(b Builder, code Code, message string, data func()) {
	b.Map(3)
	b.Key("cid")
	b.Int(0)
	b.Key("error")
	n := 2
	if data != nil {
		n = 3
	}
	b.Map(n)
	b.Key("code")
	b.Int(int64(code))
	if data != nil {
		b.Key("data")
		data()
	}
	b.Key("message")
	b.Text(message)
	b.End()
	b.Key("status")
	b.Int(0)
	b.End()
}
