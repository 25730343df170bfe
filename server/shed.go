package server

// What the server does when the process runs short of memory. It does not look
// at that itself: who does calls Refuse, and, where that is not enough, Shed.

// little is what a connection holds, in bytes, that need not be closed for it: that
// would cost peers their connection and give hardly anything back.
const little = 16 << 10

// Refuse has new connections refused with 503, or no longer. Each is counted as
// LimitMemory. Any goroutine.
func (s *Server) Refuse(on bool) { s.refusing.Store(on) }

// Shed closes the connections that hold most, the largest first, with 1013, until
// what they held comes to n bytes, or those that are left hold little. What those
// hold that are being closed already is part of n. It returns how many it closed; if
// there were any, or would have been, that is counted as LimitMemory. It locks one
// connection at a time: loops go on. Any goroutine.
func (s *Server) Shed(n int64) (closed int) {
	h := s.holders()
	for i, o := range h.open {
		if o.bytes < little {
			h.open = h.open[:i]
			break
		}
	}
	if n -= h.going; n <= 0 || len(h.open) == 0 || !s.Exceed(LimitMemory) {
		return 0
	}
	closed, _ = h.evict(n, "the server runs short of memory")
	return closed
}
