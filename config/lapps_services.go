package config

import (
	"path/filepath"
	"slices"

	"github.com/tailscale/hujson"
)

// services checks lapps.json, and makes the native form of the tree: what has
// no meaning here is taken out, and what has another name renamed.
func (c *checker) services(root *hujson.Value) {
	c.notNative(root)
	c.prune("", servicesSchema(), schema(), root)
	for _, s := range servicesOf(root) {
		c.renameInternal(s)
	}
	for _, s := range servicesOf(root) {
		c.pruneService(s)
	}
	c.value("", servicesSchema(), root)
	c.leaveOut(root)
	left := servicesOf(root)
	c.duplicateTargets(left)
	c.dependencies(left, c.noteIgnored)
	for _, dir := range []string{"applications", "deploy"} {
		c.noteAbsolute("directories."+dir, member(member(root, "directories"), dir))
	}
	for _, s := range left {
		c.noteService(s)
	}
}

// notNative finds keys that only the native form has, whose file may be named
// lapps.json too: its listeners and limits must not be passed over.
func (c *checker) notNative(root *hujson.Value) {
	o, ok := root.Value.(*hujson.Object)
	if !ok {
		return
	}
	o.Members = slices.DeleteFunc(o.Members, func(m hujson.ObjectMember) bool {
		key := nameOf(&m)
		if schema().Properties[key] == nil || servicesSchema().Properties[key] != nil {
			return false
		}
		c.add(m.Name.StartOffset, key, "is no key of LAppS's %s but of a native configuration: give the path of that file, not of its directory", servicesFile)
		return true
	})
}

// renameInternal gives standalone its name, which was internal once.
func (c *checker) renameInternal(s serviceNode) {
	o, ok := s.value.Value.(*hujson.Object)
	if !ok {
		return
	}
	var standalone hujson.Kind // 0: it is not given
	if v := member(s.value, "standalone"); v != nil {
		standalone = v.Value.Kind()
	}
	kept := o.Members[:0]
	for _, m := range o.Members {
		kind := m.Value.Value.Kind()
		if nameOf(&m) != "internal" || kind != 't' && kind != 'f' {
			kept = append(kept, m)
			continue
		}
		at, path := m.Name.StartOffset, s.path+".internal"
		switch standalone {
		case 0:
			m.Name.Value = hujson.String("standalone")
			kept = append(kept, m)
			c.note(at, path, "read as standalone, its name since LAppS 0.9.0")
		case kind:
			c.note(at, path, "has no meaning here: it is the old name of standalone, which is given")
		default:
			c.add(at, path, "must be left out: it is the old name of standalone, and says otherwise")
		}
	}
	o.Members = kept
}

// pruneService takes out of a service what is allowed where it means nothing.
func (c *checker) pruneService(s serviceNode) {
	o, ok := s.value.Value.(*hujson.Object)
	if !ok {
		return
	}
	o.Members = slices.DeleteFunc(o.Members, func(m hujson.ObjectMember) bool {
		key := nameOf(&m)
		if s.standalone && (key == "proto_alias" || slices.Contains(connectionKeys, key)) {
			c.note(m.Name.StartOffset, join(s.path, key), "has no meaning here: a standalone service has no connections")
			return true
		}
		return key == "preload" && m.Value.Value.Kind() == 'n' // LAppS itself writes null
	})
}

// leaveOut takes out services without instances.
func (c *checker) leaveOut(root *hujson.Value) {
	services, ok := valueOf(root, "services").(*hujson.Object)
	if !ok {
		return
	}
	services.Members = slices.DeleteFunc(services.Members, func(m hujson.ObjectMember) bool {
		instances := member(&m.Value, "instances")
		if instances == nil || integer(instances) != 0 {
			return false
		}
		c.note(instances.StartOffset, join("services", nameOf(&m))+".instances", "0 means none: the service is left out")
		return true
	})
}

// noteAbsolute notes that an absolute path is not read as one.
func (c *checker) noteAbsolute(key string, v *hujson.Value) {
	if path, ok := text(v); ok && filepath.IsAbs(path) {
		c.note(v.StartOffset, key, "read as a path below LAppS's home, as all its directories are")
	}
}

// noteService notes what else is read otherwise than in LAppS.
func (c *checker) noteService(s serviceNode) {
	for _, key := range []string{"preload", "depends"} {
		if list, ok := valueOf(s.value, key).(*hujson.Array); ok {
			c.repeated(join(s.path, key), list, c.noteIgnored)
		}
	}
	c.notePreload(s)
	if s.standalone {
		return
	}
	if member(s.value, "request_target") == nil {
		c.note(s.offset, s.path+".request_target", "is missing, and so read as %s", quote(defaultTarget(s.name)))
	}
	if size := member(s.value, "max_inbound_message_size"); size != nil && integer(size) == 0 {
		c.note(size.StartOffset, s.path+".max_inbound_message_size", "0 means no limit here")
	}
	c.noteEntries(join(s.path, "acl"), member(s.value, "acl"))
	c.renameAlias(s)
}

// notePreload notes what a module may do.
func (c *checker) notePreload(s serviceNode) {
	list, ok := valueOf(s.value, "preload").(*hujson.Array)
	if !ok {
		return
	}
	for i := range list.Elements {
		if name, _ := text(&list.Elements[i]); name == clientModule {
			c.note(list.Elements[i].StartOffset, join(s.path, "preload"), "cws may connect to everything but link-local addresses and the like; a native configuration grants what is needed (grants.network)")
			return
		}
	}
}

// renameAlias makes the native subprotocols of a service's proto_alias, where
// that is a string.
func (c *checker) renameAlias(s serviceNode) {
	o, ok := s.value.Value.(*hujson.Object)
	if !ok {
		return
	}
	for i := range o.Members {
		m := &o.Members[i]
		if nameOf(m) != "proto_alias" || m.Value.Value.Kind() != '"' {
			continue
		}
		alias := m.Value.Value
		c.note(m.Name.StartOffset, s.path+".proto_alias", "read as the only one of subprotocols: told to clients that offer it, in LAppS to all")
		m.Name.Value = hujson.String("subprotocols")
		m.Value.Value = &hujson.Array{Elements: []hujson.Value{{Value: alias}}}
	}
}

// once returns names without those that are among them already.
func once(names []string) []string {
	seen := make(map[string]bool, len(names))
	return slices.DeleteFunc(names, func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
}

// others returns the names that are names of services, but not self.
func others(self string, names []string, services map[string]Service) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		_, known := services[name]
		return !known || name == self
	})
}
