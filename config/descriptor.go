package config

import (
	"fmt"
	"slices"

	"github.com/tailscale/hujson"
)

// ParseDescriptor reads what a bundle says of the service it holds: an object as a
// service of the file is one, and a name, if any, that must be the service's. What a
// service is granted only the configuration says: the key grants is a mistake. With
// lapps it is a descriptor as LAppS has them, see LoadLAppS, unless it has a key that only
// the native form has, or one that is nearly such: to pass that over could leave out who may connect. Otherwise there are no
// notices. file is the descriptor's name, for mistakes. Whether there are services of
// the names in Depends is not looked at.
func ParseDescriptor(file string, data []byte, service string, lapps bool) (Service, []Notice, error) {
	s, c, err := parseDescriptor(file, data, service, lapps)
	if c.native {
		s, c, err = parseDescriptor(file, data, service, false)
	}
	return s, c.sortedNotices(), err
}

func parseDescriptor(file string, data []byte, service string, lapps bool) (Service, *checker, error) {
	src, root, err := parse(file, data)
	c := &checker{source: src}
	if err != nil {
		return Service{}, c, err
	}
	o, ok := root.Value.(*hujson.Object)
	if !ok {
		c.add(root.StartOffset, "", "must be %s, not %s", kinds["object"], show(root))
		return Service{}, c, c.err()
	}
	c.ownName(o, service)
	wrapped := wrap(root, service)
	c.descriptor(&wrapped, lapps)
	if err := c.err(); err != nil {
		return Service{}, c, err
	}
	cfg, err := decode(&wrapped)
	if err != nil {
		return Service{}, c, fmt.Errorf("config: %s: checked and yet not decoded: %w", file, err)
	}
	s, ok := cfg.Services[service]
	if !ok {
		return Service{}, c, &Error{Mistakes: []Mistake{src.mistake(root.StartOffset, join("services", service)+".instances", "must be at least 1")}}
	}
	if lapps {
		s.fromLAppS()
	}
	return s, c, nil
}

// ownName takes out the name, and what has no place in a descriptor.
func (c *checker) ownName(o *hujson.Object, service string) {
	kept := o.Members[:0]
	for _, m := range o.Members {
		at := m.Name.StartOffset
		switch key := nameOf(&m); key {
		case "name":
			if name, ok := text(&m.Value); !ok || name != service {
				c.add(m.Value.StartOffset, key, "must be the name of the service's directory, %s, not %s", quote(service), show(&m.Value))
			}
		case "grants":
			c.add(at, key, "must be left out: what a service is granted only the server's configuration says")
		default:
			kept = append(kept, m)
		}
	}
	o.Members = kept
}

// wrap makes a file of a descriptor, in which it is the only service.
func wrap(descriptor *hujson.Value, service string) hujson.Value {
	object := func(key string, v hujson.Value) hujson.Value {
		name := hujson.Value{StartOffset: descriptor.StartOffset, Value: hujson.String(key)}
		return hujson.Value{StartOffset: descriptor.StartOffset, Value: &hujson.Object{Members: []hujson.ObjectMember{{Name: name, Value: v}}}}
	}
	return object("services", object(service, *descriptor))
}

// descriptor checks a file in which a descriptor is wrapped.
func (c *checker) descriptor(root *hujson.Value, lapps bool) {
	if !lapps {
		c.value("", schema(), root)
		services := servicesOf(root)
		c.keysOfConnections(services)
		c.nothingToRefine(services)
		c.slowWithoutLimit(services)
		c.looseLAppS(services)
		return
	}
	c.prune("", servicesSchema(), schema(), root)
	for _, s := range servicesOf(root) {
		c.renameInternal(s)
	}
	for _, s := range servicesOf(root) {
		c.pruneService(s)
	}
	c.value("", servicesSchema(), root)
	c.leaveOut(root)
	for _, s := range servicesOf(root) {
		c.noteService(s)
	}
}

// fromLAppS makes of what LAppS's services say what it means here.
func (s *Service) fromLAppS() {
	s.ACL = s.ACL.masked()
	s.Preload = once(s.Preload)
	s.Depends = once(s.Depends)
	if slices.Contains(s.Preload, clientModule) {
		s.Grants.Network = []string{"*:*"}
		s.Grants.PrivateRanges = slices.Clone(localNetworks)
	}
}

// clientModule is LAppS's module that connects to others. LAppS let it connect to
// whatever it liked; so it does here, but for what only those reach who should not.
const clientModule = "cws"

// localNetworks are this machine, and the networks that people have at home and at work.
var localNetworks = []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7"}
