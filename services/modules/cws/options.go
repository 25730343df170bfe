package cws

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
)

const (
	maxMessage   = 16 << 20 // of the server's, in bytes, where nothing is said
	maxWaiting   = 1024     // messages that wait for Lua
	maxHeaders   = 64
	maxHeader    = 8192 // bytes of all headers
	maxProtocols = 16

	closeTime = 5 * time.Second  // that a server has for the closing handshake
	stuckTime = 60 * time.Second // that it may read nothing, while something waits for it
)

// options are what a connection can be told. They are immutable.
type options struct {
	headers      []wire.HeaderField
	subprotocols []string
	caFile       string // "": none
	compression  bool

	timeout     time.Duration // of all that comes before the connection is open
	sendTimeout time.Duration // a send may wait
	ping        time.Duration // of silence, before the server is asked; 0: it is not
	pong        time.Duration // for its answer; 0: for ever
	idle        time.Duration // of silence, before the connection is closed; 0: for ever

	maxMessage int         // bytes
	limits     wire.Limits // the same
	inbox      int         // bytes that may wait for Lua
	outbox     int         // bytes that may wait for the server
}

func defaults() *options {
	return &options{
		timeout:     10 * time.Second,
		sendTimeout: 10 * time.Second,
		ping:        25 * time.Second,
		pong:        10 * time.Second,
		maxMessage:  maxMessage,
		inbox:       1 << 20,
		outbox:      1 << 20,
	}
}

// An option reads its value. The error says what the value must be.
type option func(o *options, v lua.LValue) error

// known are the options by name.
var known = map[string]option{
	"headers":      (*options).setHeaders,
	"subprotocols": (*options).setSubprotocols,
	"ca_file":      (*options).setCAFile,
	"compression":  (*options).setCompression,
	"timeout":      seconds(func(o *options) *time.Duration { return &o.timeout }, 0.001),
	"send_timeout": seconds(func(o *options) *time.Duration { return &o.sendTimeout }, 0),
	"ping":         seconds(func(o *options) *time.Duration { return &o.ping }, 0),
	"pong_timeout": seconds(func(o *options) *time.Duration { return &o.pong }, 0),
	"idle_timeout": seconds(func(o *options) *time.Duration { return &o.idle }, 0),
	"max_message":  size(func(o *options) *int { return &o.maxMessage }, 1, 256<<20),
	"inbox_bytes":  size(func(o *options) *int { return &o.inbox }, 1024, 64<<20),
	"outbox_bytes": size(func(o *options) *int { return &o.outbox }, 1024, 64<<20),
}

// checkOptions is the n-th argument, a table of options or nothing.
func checkOptions(L *lua.LState, n int) *options {
	o := defaults()
	if L.Get(n) == lua.LNil {
		o.limits.Message = o.maxMessage
		return o
	}
	var err error
	L.CheckTable(n).ForEach(func(k, v lua.LValue) {
		if err == nil {
			err = o.set(k, v)
		}
	})
	if err != nil {
		L.ArgError(n, err.Error())
	}
	o.limits.Message = o.maxMessage
	return o
}

func (o *options) set(k, v lua.LValue) error {
	name, ok := k.(lua.LString)
	if !ok {
		return fmt.Errorf("options have names, not the key %.40s", k.String())
	}
	set := known[string(name)]
	if set == nil {
		return fmt.Errorf("there is no option %.40q", string(name))
	}
	if err := set(o, v); err != nil {
		return fmt.Errorf("%s must be %w", name, err)
	}
	return nil
}

// seconds makes an option that is a time: at least so many seconds, at most a day.
func seconds(field func(*options) *time.Duration, least lua.LNumber) option {
	return func(o *options, v lua.LValue) error {
		n, ok := v.(lua.LNumber)
		if !ok || !(n >= least && n <= 86400) {
			return fmt.Errorf("a number of seconds from %v to 86400", least)
		}
		*field(o) = time.Duration(float64(n) * float64(time.Second))
		return nil
	}
}

// size makes an option that is a whole number of bytes.
func size(field func(*options) *int, least, most int) option {
	return func(o *options, v lua.LValue) error {
		n, ok := v.(lua.LNumber)
		if !ok || !(n >= lua.LNumber(least) && n <= lua.LNumber(most)) || n != lua.LNumber(int(n)) {
			return fmt.Errorf("a whole number of bytes from %d to %d", least, most)
		}
		*field(o) = int(n)
		return nil
	}
}

func (o *options) setCompression(v lua.LValue) error {
	on, ok := v.(lua.LBool)
	if !ok {
		return errors.New("true or false")
	}
	o.compression = bool(on)
	return nil
}

func (o *options) setCAFile(v lua.LValue) error {
	name, ok := v.(lua.LString)
	if !ok || name == "" || len(name) > 4096 {
		return errors.New("the name of a file")
	}
	o.caFile = string(name)
	return nil
}

func (o *options) setSubprotocols(v lua.LValue) error {
	wrong := fmt.Errorf("an array of at most %d tokens, each once", maxProtocols)
	t, ok := v.(*lua.LTable)
	if !ok {
		return wrong
	}
	t.ForEach(func(k, v lua.LValue) {
		_, indexed := k.(lua.LNumber)
		s, isString := v.(lua.LString)
		if !indexed || !isString || len(s) > 256 || !wire.IsSubprotocol(string(s)) || slices.Contains(o.subprotocols, string(s)) {
			ok = false
			return
		}
		o.subprotocols = append(o.subprotocols, string(s))
	})
	if !ok || len(o.subprotocols) > maxProtocols {
		return wrong
	}
	return nil
}

func (o *options) setHeaders(v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return errors.New("a table of names and values")
	}
	var err error
	bytes := 0
	t.ForEach(func(k, v lua.LValue) {
		name, isName := k.(lua.LString)
		if v.Type() == lua.LTNumber {
			v = lua.LString(v.String())
		}
		value, isValue := v.(lua.LString)
		f := wire.HeaderField{Name: string(name), Value: string(value)}
		if !isName || !isValue || !f.Sendable() {
			err = fmt.Errorf("a table of names and values that can be sent: %.40q cannot, or is part of the handshake", k.String())
			return
		}
		bytes += len(name) + len(value) + len(": \r\n")
		o.headers = append(o.headers, f)
	})
	if err == nil && (len(o.headers) > maxHeaders || bytes > maxHeader) {
		err = fmt.Errorf("at most %d headers, of %d bytes in all", maxHeaders, maxHeader)
	}
	slices.SortFunc(o.headers, func(a, b wire.HeaderField) int { return strings.Compare(a.Name, b.Name) })
	return err
}

// fields are the headers of the request.
func (o *options) fields() []wire.HeaderField {
	for _, f := range o.headers {
		if strings.EqualFold(f.Name, "User-Agent") {
			return o.headers
		}
	}
	return append([]wire.HeaderField{{Name: "User-Agent", Value: "lapps"}}, o.headers...)
}

// settings are what is offered of compression; nil: nothing.
func (o *options) settings() *wire.Compression {
	if !o.compression {
		return nil
	}
	return compressionOffer
}

// compressionOffer has no context takeover, which would take 32 KiB of each connection.
var compressionOffer = &wire.Compression{MinSize: 64}
