package servertest

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// A pipe is one direction of a connection: a bounded buffer.
type pipe struct {
	mu      sync.Mutex // guards the fields below
	changed sync.Cond
	buf     []byte
	size    int
	eof     bool   // no more will be written
	err     error  // the connection was reset
	moved   func() // called, without mu, when the blocking side has read or written
	expires [2]*time.Timer
	expired [2]bool // the deadlines of reader and writer have passed
}

// The sides of a pipe that may wait.
const (
	reader = iota
	writer
)

func newPipe(size int) *pipe {
	p := &pipe{size: size}
	p.changed.L = &p.mu
	return p
}

// broken returns the error of a connection that was reset.
func (p *pipe) broken() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// offer writes what can be written without waiting.
func (p *pipe) offer(b []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.eof || p.err != nil {
		return len(b)
	}
	n := min(len(b), p.size-len(p.buf))
	p.buf = append(p.buf, b[:n]...)
	p.changed.Broadcast()
	return n
}

// take removes up to n bytes without waiting; eof: none will follow.
func (p *pipe) take(n int) (b []byte, eof bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, false, p.err
	}
	n = min(n, len(p.buf))
	b = append(b, p.buf[:n]...)
	p.buf = append(p.buf[:0], p.buf[n:]...)
	p.changed.Broadcast()
	return b, p.eof && len(p.buf) == 0, nil
}

// end marks the end of what is written.
func (p *pipe) end() {
	p.mu.Lock()
	p.eof = true
	p.changed.Broadcast()
	p.mu.Unlock()
}

// reset ends both sides at once.
func (p *pipe) reset(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.changed.Broadcast()
	p.mu.Unlock()
}

// read is the client's Read.
func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	for len(p.buf) == 0 && !p.eof && p.err == nil && !p.expired[reader] && len(b) > 0 {
		p.changed.Wait()
	}
	n, err := 0, p.err
	switch {
	case err != nil:
	case p.expired[reader]:
		err = os.ErrDeadlineExceeded
	case len(p.buf) == 0 && p.eof:
		err = io.EOF
	default:
		n = copy(b, p.buf)
		p.buf = append(p.buf[:0], p.buf[n:]...)
	}
	p.mu.Unlock()
	if n > 0 {
		p.moved()
	}
	return n, err
}

// write is the client's Write.
func (p *pipe) write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		p.mu.Lock()
		for len(p.buf) >= p.size && !p.eof && p.err == nil && !p.expired[writer] {
			p.changed.Wait()
		}
		k := 0
		switch {
		case p.err != nil:
			err = p.err
		case p.eof:
			err = syscall.EPIPE
		case p.expired[writer]:
			err = os.ErrDeadlineExceeded
		default:
			k = min(len(b), p.size-len(p.buf))
			p.buf = append(p.buf, b[:k]...)
		}
		p.mu.Unlock()
		n, b = n+k, b[k:]
		if k > 0 {
			p.moved()
		}
	}
	return n, err
}

// setDeadline has one side fail from t on; the zero time: never.
func (p *pipe) setDeadline(side int, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.expires[side]; old != nil {
		old.Stop()
		p.expires[side] = nil
	}
	p.expired[side] = !t.IsZero() && !t.After(time.Now())
	if !t.IsZero() && !p.expired[side] {
		var alarm *time.Timer
		alarm = time.AfterFunc(time.Until(t), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.expires[side] == alarm {
				p.expired[side] = true
				p.changed.Broadcast()
			}
		})
		p.expires[side] = alarm
	}
	p.changed.Broadcast()
}

// stopDeadlines releases the timers.
func (p *pipe) stopDeadlines() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for side, alarm := range p.expires {
		if alarm != nil {
			alarm.Stop()
			p.expires[side] = nil
		}
	}
}
