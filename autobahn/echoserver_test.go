package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"unicode/utf8"
)

// An echoServer is a correct echo server, as far as the cases go, unless it is
// told to be wrong. It is written to be told so, and for nothing else.
type echoServer struct {
	// Checks left out.
	noUTF8, lateUTF8        bool // no check of texts; only of whole messages
	fragmentedControl       bool
	longControl             bool
	reservedOpcodes         bool
	reservedBits            bool
	strayContinuation       bool
	closeCodes, closeReason bool

	// Answers that are wrong.
	textCode         int // in place of 1007
	protocolCode     int // in place of 1002
	replyCode        int // in place of the code of a good Close frame
	dropAtBreach     bool
	noCloseReply     bool
	neverDrop        bool
	answerAfterClose bool
	noPong           bool
	lastPong         bool // pongs only when there is nothing more to read, one for all
	latePong         bool // pongs after the message
	change           func(message []byte) []byte
	masked           bool
	split            int  // the echo in fragments of so many octets
	pings            bool // a ping before each echo
	closeFirst       bool // a Close frame instead of the first echo

	deflate *deflating
}

// start serves until the test ends, and returns the URL.
func (s *echoServer) start(t *testing.T) string {
	t.Helper()
	return listen(t, func(conn net.Conn) { s.serve(conn) })
}

// listen has each connection served by a function, until the test ends, and
// returns the URL.
func listen(t *testing.T, serve func(conn net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wait.Wait() })
	return "ws://" + l.Addr().String() + "/"
}

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// A served is one connection of the server.
type served struct {
	*echoServer
	conn net.Conn
	in   *bufio.Reader
	pack *packer // nil: no compression

	op      Op // of the message that comes in fragments
	rsv     byte
	message []byte
	tail    []byte // of a text: the beginning of a character
	pong    []byte // put off
	hasPong bool
	closed  bool
}

func (s *echoServer) serve(conn net.Conn) {
	c := &served{echoServer: s, conn: conn, in: bufio.NewReader(conn)}
	r, err := http.ReadRequest(c.in)
	if err != nil {
		return
	}
	extra := ""
	if offer := r.Header.Get("Sec-WebSocket-Extensions"); offer != "" && s.deflate != nil {
		c.pack = newPacker(s.deflate)
		extra = "Sec-WebSocket-Extensions: " + s.deflate.answer + "\r\n"
	}
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%sSec-WebSocket-Accept: %s\r\n\r\n",
		extra, acceptKey(r.Header.Get("Sec-WebSocket-Key")))
	for c.frame() {
	}
	if tcp, ok := conn.(*net.TCPConn); ok && !s.neverDrop {
		tcp.CloseWrite()
	}
	io.Copy(io.Discard, c.in)
}

// frame takes one frame; false means the connection is over.
func (c *served) frame() bool {
	if c.hasPong && c.lastPong && c.in.Buffered() == 0 {
		c.write(opPong, 0, c.pong)
		c.hasPong = false
	}
	var head [14]byte
	if _, err := io.ReadFull(c.in, head[:2]); err != nil {
		return false
	}
	op, fin, rsv := Op(head[0]&15), head[0]&0x80 != 0, head[0]>>4&7
	size := int(head[1] & 127)
	switch size {
	case 126:
		io.ReadFull(c.in, head[:2])
		size = int(binary.BigEndian.Uint16(head[:]))
	case 127:
		io.ReadFull(c.in, head[:8])
		size = int(binary.BigEndian.Uint64(head[:]))
	}
	var key [4]byte
	if _, err := io.ReadFull(c.in, key[:]); err != nil {
		return false
	}
	if c.breach(op, fin, rsv, size) {
		return c.fail(c.protocolCode, 1002)
	}
	payload, ok := c.payload(op, key, size)
	if !ok {
		return false
	}
	switch {
	case op == opClose:
		return c.receiveClose(payload)
	case op == opPing:
		c.receivePing(payload)
		return true
	case op > opBin, op.control():
		return true
	}
	return c.data(op, rsv, fin, payload)
}

func (c *served) breach(op Op, fin bool, rsv byte, size int) bool {
	control := op.control()
	switch {
	case rsv != 0 && !c.reservedBits && !(rsv == 4 && c.pack != nil && (op == opText || op == opBin)):
		return true
	case (op > opBin && !control || op > opPong) && !c.reservedOpcodes:
		return true
	case control && !fin && !c.fragmentedControl, control && size > 125 && !c.longControl:
		return true
	case op == opCont && c.op == 0 && !c.strayContinuation:
		return true
	case !control && op != opCont && op <= opBin && c.op != 0 && !c.strayContinuation:
		return true
	}
	return false
}

// payload reads the payload as it comes, and fails a text at its first wrong
// octet.
func (c *served) payload(op Op, key [4]byte, size int) (payload []byte, ok bool) {
	payload = make([]byte, 0, size)
	if op == opText {
		c.tail = nil
	}
	text := op == opText || op == opCont && c.op == opText
	for len(payload) < size {
		at := len(payload)
		n, err := c.in.Read(payload[at:size])
		if err != nil {
			return nil, false
		}
		payload = payload[:at+n]
		mask(payload[at:], key, at)
		if text && c.pack == nil && !c.noUTF8 && !c.lateUTF8 && !c.validSoFar(payload[at:]) {
			return nil, c.fail(c.textCode, 1007)
		}
	}
	return payload, true
}

// validSoFar tells whether a text can go on with b.
func (c *served) validSoFar(b []byte) bool {
	b = append(c.tail, b...)
	for len(b) > 0 && utf8.FullRune(b) {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size < 2 {
			return false
		}
		b = b[size:]
	}
	c.tail = slices.Clone(b)
	return true
}

func (c *served) data(op Op, rsv byte, fin bool, payload []byte) bool {
	if op != opCont || c.op == 0 {
		c.op, c.rsv, c.message = op, rsv, nil
	}
	c.message = append(c.message, payload...)
	if !fin {
		return true
	}
	message := c.message
	op, c.op, c.message = c.op, 0, nil
	if c.closed && !c.answerAfterClose {
		return true
	}
	if op == opCont {
		op = opText
	}
	if c.closeFirst {
		return c.fail(1000, 0)
	}
	if c.pack != nil && c.rsv&4 != 0 {
		message = c.pack.unpack(message)
	}
	if op == opText && !c.noUTF8 && !utf8.Valid(message) {
		return c.fail(c.textCode, 1007)
	}
	c.echo(op, message)
	return true
}

func (c *served) echo(op Op, message []byte) {
	if c.change != nil {
		message = c.change(message)
	}
	if c.pings {
		c.write(opPing, 0, []byte("are you there?"))
	}
	var rsv byte
	if c.pack != nil && !c.deflate.plain {
		message, rsv = c.pack.pack(message), 4
	}
	for c.split > 0 && len(message) > c.split {
		c.write(op|0x80, rsv, message[:c.split])
		message, op = message[c.split:], opCont
		if c.deflate == nil || !c.deflate.rsvAlways {
			rsv = 0
		}
	}
	c.write(op, rsv, message)
	if c.hasPong && c.latePong {
		c.write(opPong, 0, c.pong)
		c.hasPong = false
	}
}

func (c *served) receivePing(payload []byte) {
	switch {
	case c.noPong, c.closed && !c.answerAfterClose:
	case c.lastPong, c.latePong && c.op != 0:
		c.pong, c.hasPong = payload, true
	default:
		c.write(opPong, 0, payload)
	}
}

func (c *served) receiveClose(payload []byte) bool {
	switch {
	case c.noCloseReply:
		return true
	case c.closed:
		return true
	case len(payload) == 1 && !c.closeCodes:
		return c.fail(c.protocolCode, 1002)
	case len(payload) >= 2:
		if code := int(binary.BigEndian.Uint16(payload)); !codeMayBeSent(code) && !c.closeCodes {
			return c.fail(c.protocolCode, 1002)
		}
		if !utf8.Valid(payload[2:]) && !c.closeReason {
			return c.fail(c.textCode, 1007)
		}
		payload = payload[:2]
		if c.replyCode != 0 {
			payload = binary.BigEndian.AppendUint16(nil, uint16(c.replyCode))
		}
	}
	if c.answerAfterClose && c.in.Buffered() > 0 {
		for c.closed = true; c.in.Buffered() > 0 && c.frame(); {
		}
	}
	c.write(opClose, 0, payload)
	return false
}

// fail closes with the code, or with usual where that is 0.
func (c *served) fail(code, usual int) bool {
	if code == 0 {
		code = usual
	}
	if !c.dropAtBreach {
		c.write(opClose, 0, binary.BigEndian.AppendUint16(nil, uint16(code)))
	}
	return false
}

// write writes a frame; 0x80 in op is for FIN=0.
func (c *served) write(op Op, rsv byte, payload []byte) {
	f := Frame{Op: op & 15, RSV: rsv, More: op&0x80 != 0}
	var e encoder
	masked := e.appendRaw(nil, f, payload)
	if c.masked {
		c.conn.Write(masked)
		return
	}
	at := len(masked) - len(payload) - 4 // of the key
	mask(masked[at+4:], e.key, 0)
	masked[1] &^= 0x80
	c.conn.Write(append(masked[:at:at], masked[at+4:]...))
}

// A deflating is how the server compresses.
type deflating struct {
	answer      string // Sec-WebSocket-Extensions
	plain       bool   // replies are not compressed
	bits        int    // of the window in fact
	keepContext bool   // in fact
	rsvAlways   bool   // RSV1 on continuations, too
}

type packer struct {
	out *deflater
	in  *window
}

func newPacker(d *deflating) *packer {
	return &packer{newDeflater(d.bits, !d.keepContext), newWindow(15, false)}
}

func (p *packer) pack(message []byte) []byte { return p.out.deflate(message) }

func (p *packer) unpack(message []byte) []byte {
	b, err := p.in.inflate(message, largest)
	if err != nil {
		return []byte(err.Error())
	}
	return b
}
