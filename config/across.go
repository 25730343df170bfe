package config

import (
	"fmt"
	"strings"

	"github.com/tailscale/hujson"
)

// across checks what concerns two places of the file. It passes over whatever
// value has noted as a mistake.
func (c *checker) across(root *hujson.Value) {
	c.duplicateListeners(root)
	c.pongWithoutPing(root)
	c.duplicateTargets(root)
}

// duplicateListeners finds addresses that cannot both be listened on. Port 0
// may be listened on any number of times.
func (c *checker) duplicateListeners(root *hujson.Value) {
	listeners, ok := valueOf(root, "listeners").(*hujson.Array)
	if !ok {
		return
	}
	lines := make(map[string]int)
	for i := range listeners.Elements {
		v := member(&listeners.Elements[i], "address")
		address, ok := text(v)
		if !ok || listenAddress.mistake(address) != "" {
			continue
		}
		canonical, _ := canonicalAddress(address)
		if strings.HasSuffix(canonical, " 0") {
			continue
		}
		if first := lines[canonical]; first > 0 {
			c.add(v.StartOffset, fmt.Sprintf("listeners[%d].address", i), "%s is listened on already (line %d)", quote(address), first)
			continue
		}
		lines[canonical] = c.line(v.StartOffset)
	}
}

// pongWithoutPing finds a time for pongs where no pings are sent.
func (c *checker) pongWithoutPing(root *hujson.Value) {
	timeouts := member(root, "timeouts")
	ping, pong := member(timeouts, "ping_ms"), member(timeouts, "pong_ms")
	if ping == nil || pong == nil || integer(ping) != 0 || integer(pong) <= 0 {
		return
	}
	c.add(pong.StartOffset, "timeouts.pong_ms", "must be 0 or left out, since ping_ms is 0 (line %d) and no ping is sent", c.line(ping.StartOffset))
}

// duplicateTargets finds services at one request target, given or by default.
func (c *checker) duplicateTargets(root *hujson.Value) {
	services, ok := valueOf(root, "services").(*hujson.Object)
	if !ok {
		return
	}
	type owner struct {
		name string
		line int
	}
	owners := make(map[string]owner)
	seen := make(map[string]bool)
	for i := range services.Members {
		m := &services.Members[i]
		name := m.Name.Value.(hujson.Literal).String()
		if seen[name] {
			continue
		}
		seen[name] = true
		target, at, origin := defaultTarget(name), m.Name.StartOffset, ", the default,"
		if given := member(&m.Value, "request_target"); given != nil {
			target, _ = text(given)
			at, origin = given.StartOffset, ""
		}
		if requestTarget.mistake(target) != "" {
			continue
		}
		if o, taken := owners[target]; taken {
			c.add(at, join("services", name)+".request_target", "%s%s is the request target of service %s already (line %d)", quote(target), origin, o.name, o.line)
			continue
		}
		owners[target] = owner{name, c.line(at)}
	}
}

// member returns the value of the first member of that name, or nil where v
// is nil, no object, or without it.
func member(v *hujson.Value, name string) *hujson.Value {
	if v == nil {
		return nil
	}
	o, ok := v.Value.(*hujson.Object)
	if !ok {
		return nil
	}
	for i := range o.Members {
		if o.Members[i].Name.Value.(hujson.Literal).String() == name {
			return &o.Members[i].Value
		}
	}
	return nil
}

// valueOf returns what the member of that name is, or nil.
func valueOf(v *hujson.Value, name string) hujson.ValueTrimmed {
	if m := member(v, name); m != nil {
		return m.Value
	}
	return nil
}

// text returns the string that v is, and whether it is one.
func text(v *hujson.Value) (string, bool) {
	if v == nil || v.Value.Kind() != '"' {
		return "", false
	}
	return v.Value.(hujson.Literal).String(), true
}

// integer returns the number that v is, or -1 where it is not a whole one.
func integer(v *hujson.Value) int64 {
	lit, ok := v.Value.(hujson.Literal)
	if !ok || lit.Kind() != '0' || strings.ContainsAny(string(lit), ".eE") {
		return -1
	}
	return lit.Int()
}
