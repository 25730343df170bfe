package config

import (
	"net"
	"strconv"

	"github.com/tailscale/hujson"
)

// defaultLAppSServer returns the ws.json that {} is. The limit of connections
// is LAppS's for a file that names none: out of reach.
func defaultLAppSServer() lappsServer {
	return lappsServer{Listeners: 2, IP: "0.0.0.0", Port: 5083, ACL: defaultACL(), TLSCertificates: lappsCertificates{Cert: lappsCert, Key: lappsKey}}
}

// listeners returns where LAppS would listen. Its listeners are threads, all
// at one address.
func (s *lappsServer) listeners() []Listener {
	if s.Listeners == 0 {
		return []Listener{}
	}
	l := defaultListener(net.JoinHostPort(s.IP, strconv.Itoa(s.Port)))
	if s.TLS {
		l.TLS = s.encryption()
	}
	return []Listener{l}
}

// connections returns how many connections LAppS would let in: its limit is
// one of each worker.
func (w lappsWorkers) connections() int {
	all := int64(w.MaxConnections) * int64(max(w.Workers, 1)) // of 31 bits each
	return int(min(all, maxConnections))
}

// server checks ws.json, and takes out of the tree what has no meaning here.
func (c *checker) server(root *hujson.Value) {
	c.pruneTLS(root)
	c.prune("", serverSchema(), schema(), root)
	c.value("", serverSchema(), root)
	c.noteTLS(root)
	c.noteCA(root)
	if n := member(root, "listeners"); n != nil && integer(n) > 1 {
		c.note(n.StartOffset, "listeners", "has no meaning here but for 0: the event loops share one listener")
	}
	c.noteWorkers(member(root, "workers"))
	c.noteEntries("acl", member(root, "acl"))
}

// noteWorkers notes that there are no workers here.
func (c *checker) noteWorkers(v *hujson.Value) {
	var w lappsWorkers
	workers, limit := member(v, "workers"), member(v, "max_connections")
	if workers != nil {
		c.note(workers.StartOffset, "workers.workers", "has no meaning here: there is an event loop for each CPU")
		w.Workers = int(integer(workers))
	}
	if limit == nil {
		return
	}
	w.MaxConnections = int(integer(limit))
	if w.MaxConnections == 0 {
		c.note(limit.StartOffset, "workers.max_connections", "0 means no limit here")
		return
	}
	c.note(limit.StartOffset, "workers.max_connections", "is the limit of each of %d workers, and so read as %d of the server", max(w.Workers, 1), w.connections())
}
