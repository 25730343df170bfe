package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// across checks what concerns two places of the file. It passes over whatever
// value has noted as a mistake.
func (c *checker) across(root *hujson.Value) {
	services := servicesOf(root)
	c.noListener(root, services)
	c.duplicateListeners(root)
	c.listeners(root)
	c.pongWithoutPing(root)
	c.keysOfConnections(services)
	c.nothingToRefine(services)
	c.slowWithoutLimit(services)
	c.looseLAppS(services)
	c.grants(services)
	c.duplicateTargets(services)
	c.dependencies(services, c.add)
}

// noListener finds that nothing is listened on, and yet there is a service
// with connections.
func (c *checker) noListener(root *hujson.Value, services []serviceNode) {
	listeners := member(root, "listeners")
	if listeners == nil {
		return
	}
	if list, ok := listeners.Value.(*hujson.Array); !ok || len(list.Elements) > 0 {
		return
	}
	for _, s := range services {
		if !s.standalone {
			c.add(listeners.StartOffset, "listeners", "must have at least 1")
			return
		}
	}
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

// connectionKeys are the keys of a service that a standalone one has not.
var connectionKeys = []string{
	"protocol", "ordered", "execution", "request_target", "max_inbound_message_size", "acl", "connections", "first_message_ms", "messages_per_s", "messages_burst",
	"bytes_per_s", "bytes_burst", "max_age_ms", "max_age_jitter_ms", "outbox_bytes", "fragment_bytes", "slow_consumer", "origins", "subprotocols",
	"extra_headers", "on_redeploy", "drain_ms", "compression",
}

// keysOfConnections finds what only makes sense with connections in services
// that have none.
func (c *checker) keysOfConnections(services []serviceNode) {
	for _, s := range services {
		o, ok := s.value.Value.(*hujson.Object)
		if !ok || !s.standalone {
			continue
		}
		for i := 0; i < len(o.Members) && !c.full(); i++ {
			if key := nameOf(&o.Members[i]); slices.Contains(connectionKeys, key) {
				c.add(o.Members[i].Name.StartOffset, join(s.path, key), "must be left out: a standalone service has no connections")
			}
		}
	}
}

// slowWithoutLimit finds policies for outboxes that are never full.
func (c *checker) slowWithoutLimit(services []serviceNode) {
	for _, s := range services {
		limit, policy := member(s.value, "outbox_bytes"), member(s.value, "slow_consumer")
		word, ok := text(policy)
		if limit == nil || integer(limit) != 0 || !ok || word == "close" {
			continue
		}
		c.add(policy.StartOffset, s.path+".slow_consumer", "must be \"close\" or left out, since outbox_bytes is 0 (line %d) and no limit", c.line(limit.StartOffset))
	}
}

// looseLAppS finds services that would answer requests in any order, in a protocol
// whose clients tell answers by their order.
func (c *checker) looseLAppS(services []serviceNode) {
	for _, s := range services {
		ordered, protocol := member(s.value, "ordered"), member(s.value, "protocol")
		if word, _ := text(protocol); word == "LAppS" && ordered != nil && ordered.Value.Kind() == 'f' {
			c.add(ordered.StartOffset, s.path+".ordered", "must be true or left out, since protocol is \"LAppS\" (line %d), where answers come in the order of requests", c.line(protocol.StartOffset))
		}
	}
}

// duplicateTargets finds services at one request target, given or by default.
func (c *checker) duplicateTargets(services []serviceNode) {
	type owner struct {
		name string
		line int
	}
	owners := make(map[string]owner)
	for _, s := range services {
		if s.standalone {
			continue
		}
		target, at, origin := defaultTarget(s.name), s.offset, ", the default,"
		if given := member(s.value, "request_target"); given != nil {
			target, _ = text(given)
			at, origin = given.StartOffset, ""
		}
		if requestTarget.mistake(target) != "" {
			continue
		}
		if o, taken := owners[target]; taken {
			c.add(at, s.path+".request_target", "%s%s is the request target of service %s already (line %d)", quote(target), origin, printable(o.name), o.line)
			continue
		}
		owners[target] = owner{s.name, c.line(at)}
	}
}

// A serviceNode is a service in the tree.
type serviceNode struct {
	name       string
	path       string // services.NAME
	offset     int    // of the name
	value      *hujson.Value
	standalone bool
}

// servicesOf returns the services in a file's order; of those that are given
// twice, the first.
func servicesOf(root *hujson.Value) []serviceNode {
	services, ok := valueOf(root, "services").(*hujson.Object)
	if !ok {
		return nil
	}
	seen := make(map[string]bool, len(services.Members))
	nodes := make([]serviceNode, 0, len(services.Members))
	for i := range services.Members {
		m := &services.Members[i]
		name := nameOf(m)
		if seen[name] {
			continue
		}
		seen[name] = true
		standalone := member(&m.Value, "standalone")
		nodes = append(nodes, serviceNode{
			name:       name,
			path:       join("services", name),
			offset:     m.Name.StartOffset,
			value:      &m.Value,
			standalone: standalone != nil && standalone.Value.Kind() == 't',
		})
	}
	return nodes
}

// printable returns a service's name as it may stand in a message.
func printable(service string) string {
	if serviceName.mistake(service) != "" {
		return quote(service)
	}
	return service
}

// nameOf returns the name of a member.
func nameOf(m *hujson.ObjectMember) string { return m.Name.Value.(hujson.Literal).String() }

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
		if nameOf(&o.Members[i]) == name {
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
