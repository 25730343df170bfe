package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
)

// floodLua sends as much as it can, where it is asked to.
const floodLua = `
local part = ("x"):rep(65536)
return {onMessage = function(handler, opcode, message)
  if message ~= "flood" then return ws:send(handler, opcode, message) end
  local sent, why
  repeat sent, why = ws:send(handler, 2, part) until not sent
  print("ended by " .. why)
  return true
end}`

// slowReader: all other clients of the instance waited for one that does not read, their
// pings, too.
func slowReader(t *testing.T) {
	d := startDaemon(t, `{"timeouts": {"close_ms": 300}, "services": {"flood": {"instances": 1}}}`, map[string]string{"flood/flood.lua": floodLua})
	c, pinging := dialCoder(t, d.url("/flood"), nil), rawOpen(t, d.addr(), "/flood")
	answers := bufio.NewReader(pinging)
	const attackers = 4
	for i := range attackers {
		rawOpen(t, d.addr(), "/flood").Write(maskedFrame(0x81, []byte("flood")))
		for range 10 {
			unharmed(t, c)
			pinging.Write(maskedFrame(0x89, []byte("alive?")))
			if op, p := readFrame(t, answers); op != 0xA || string(p) != "alive?" {
				t.Fatalf("beside %d attackers: op %d, %q", i+1, op, p)
			}
		}
	}
	for range 2 { // whose answers wait for them
		greedy := rawOpen(t, d.addr(), "/flood")
		floodWhile(greedy, 32<<20)
		unharmed(t, c)
		greedy.Close()
	}
	eventually(t, "each has had enough sent", func() bool { return d.logged.count("ended by backpressure") == attackers })
	eventually(t, "those who do not read have gone", func() bool { return d.server.Open() == 2 })
	unharmed(t, c)
}

// A holdBack writes the first half only of what it is to write, once on is set.
type holdBack struct {
	net.Conn
	on   bool
	held []byte
}

func (h *holdBack) Write(p []byte) (int, error) {
	first := p
	if h.on {
		first, h.held = p[:len(p)/2], bytes.Clone(p[len(p)/2:])
	}
	if _, err := h.Conn.Write(first); err != nil {
		return 0, err
	}
	return len(p), nil
}

// halfRecord: all connections of the thread that read half a record waited for the rest.
func halfRecord(t *testing.T) {
	doc, trusts := overTLS(t, `{"loops": 1, "services": {"echo": {"instances": 1}}}`)
	d := startDaemon(t, doc, echoApp)
	dial := trusting(trusts)["coder"]
	c := dial(t, "wss://"+d.addr()+"/echo")

	raw(t, d.addr()).Write([]byte("\x16\x03\x01\x02\x00\x01\x00\x01")) // of a ClientHello
	cfg := trusts.Clone()
	cfg.ServerName = "127.0.0.1"
	half := &holdBack{Conn: raw(t, d.addr())}
	attacker := tls.Client(half, cfg)
	io.WriteString(attacker, upgrade("/echo"))
	r := bufio.NewReader(attacker)
	if response, err := http.ReadResponse(r, nil); err != nil || response.StatusCode != 101 {
		t.Fatal(response, err)
	}
	half.on = true
	attacker.Write(maskedFrame(0x81, []byte("hello")))
	for range 20 {
		unharmed(t, c)
	}
	unharmed(t, dial(t, "wss://"+d.addr()+"/echo"))
	half.Conn.Write(half.held)
	if op, p := readFrame(t, r); op != 1 || string(p) != "hello" {
		t.Errorf("what was sent in halves comes back as op %d, %q", op, p)
	}
}

// hangingShutdown: it waited for ever for programs that wait or never ask must_stop(), and
// for one whose init had failed.
func hangingShutdown(t *testing.T) {
	apps := map[string]string{
		"echo":    echoLua,
		"fails":   `return {init = function() error("no") end, run = function() end}`,
		"sleeps":  `return {run = function() sleep(1e9) end}`,
		"naps":    `return {run = function() while true do nap:sleep(1) end end}`,
		"loops":   `return {run = function() while true do end end}`,
		"catches": `return {run = function() while true do pcall(function() while true do end end) end end}`,
	}
	preload := []string{"nap"}
	if moduleMistake("preload", []string{"mqr"}) == "" {
		apps["receives"] = `return {run = function() local q = mqr.create("empty") while true do q:recv() end end}`
		preload = append(preload, "mqr")
	} else {
		t.Log("without a program that waits in recv: there is no mqr yet")
	}
	files, services := map[string]string{}, object{}
	for name, lua := range apps {
		files[name+"/"+name+".lua"] = lua
		services[name] = object{"standalone": name != "echo", "instances": 1, "preload": preload}
	}
	doc, err := json.Marshal(object{"timeouts": object{"shutdown_ms": 2000, "close_ms": 200}, "services": services})
	if err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, 1, string(doc), files)
	mustEcho(t, "ws://"+p.addr+"/echo")
	p.cmd.Process.Signal(syscall.SIGTERM)
	if status := p.wait(t); status != exitOK || p.log.count(`"msg":"stopped"`) != 1 {
		t.Errorf("exit status %d\n%s", status, p.log)
	}
}
