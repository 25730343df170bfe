package server

// Queued is how many bytes the outboxes of all connections have on their
// accounts.
func (s *Server) Queued() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := s.conns.next; c != nil && c != &s.conns; c = c.next {
		c.mu.Lock()
		n += c.queued
		c.mu.Unlock()
	}
	return n
}
