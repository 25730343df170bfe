package secure

// Compute keeps all handshakes from computing until release is called.
func (l *Slots) Compute() (release func()) {
	for range cap(l.compute) {
		l.compute <- struct{}{}
	}
	return func() {
		for range cap(l.compute) {
			<-l.compute
		}
	}
}

// Records are those of a stream that comes in pieces of n bytes, and what is left.
func Records(stream []byte, n int) (records [][]byte, left []byte) {
	var s splitter
	for len(stream) > 0 {
		p := stream[:min(n, len(stream))]
		stream = stream[len(p):]
		for {
			record, rest := s.next(p)
			if record == nil {
				break
			}
			records, p = append(records, append([]byte(nil), record...)), rest
		}
	}
	return records, s.partial
}

// Ahead is how much is kept for handshakes.
func (l *Slots) Ahead() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := l.shaking.Front(); e != nil; e = e.Next() {
		h := e.Value.(*handshake)
		h.mu.Lock()
		for _, record := range h.in {
			n += len(record)
		}
		h.mu.Unlock()
	}
	return n
}

// Cut cuts the first record of a connection.
var Cut = cut
