package process

import (
	"io"
	"sync"
)

// SharedLog returns a writer to w that several servers, and whoever else
// tells of a run, may use at the same time.
func SharedLog(w io.Writer) io.Writer { return &sharedLog{w: w} }

type sharedLog struct {
	mu sync.Mutex // guards the field below
	w  io.Writer
}

// Write implements io.Writer.
func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
