package epoll

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A room brings news of room in send buffers. gnet tells nobody when a socket
// becomes writable, so each loop has an epoll set of its own, in which the
// sockets with a backlog wait for one event each. The set's descriptor is in
// the poller of the Go runtime: one goroutine waits for it without a thread.
type room struct {
	// Immutable once open has returned.
	epfd  int
	file  *os.File // owns epfd
	ended chan struct{}

	taken []int32 // owned by the loop

	mu    sync.Mutex // guards the field below
	ready []int32    // descriptors; each may be another socket's by now
}

// open makes the epoll set and starts the goroutine.
func (r *room) open(l *loop) (err error) {
	if r.epfd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err = unix.SetNonblock(r.epfd, true); err != nil { // or NewFile would not use the poller
		unix.Close(r.epfd)
		return os.NewSyscallError("fcntl", err)
	}
	r.file = os.NewFile(uintptr(r.epfd), "epoll")
	r.ended = make(chan struct{})
	go r.listen(l)
	return nil
}

// close ends the goroutine and waits for it.
func (r *room) close() {
	r.file.Close()
	<-r.ended
}

// listen passes what happens in the set on to the loop, until close.
func (r *room) listen(l *loop) {
	defer close(r.ended)
	conn, err := r.file.SyscallConn()
	if err != nil {
		return // closed already
	}
	var events [128]unix.EpollEvent
	for {
		n := 0
		err := conn.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events[:], 0)
			return n > 0
		})
		if err != nil {
			return
		}
		r.mu.Lock()
		for _, e := range events[:n] {
			r.ready = append(r.ready, e.Fd)
		}
		r.mu.Unlock()
		l.Post(l.onRoom)
	}
}

// roomMade has the sockets that are ready go on sending, as flushers, so that
// many of them are cut into slices. A descriptor may have been closed, and be
// another socket's by now: that one then tries in vain.
func (l *loop) roomMade() {
	r := &l.room
	r.mu.Lock()
	r.ready, r.taken = r.taken[:0], r.ready
	r.mu.Unlock()
	for _, fd := range r.taken {
		if s := l.waiting[int(fd)]; s != nil {
			l.Dirty((*drainer)(s))
		}
	}
}

// A drainer is a socket as a flusher of its backlog.
type drainer socket

// Flush implements server.Flusher.
func (d *drainer) Flush() { (*socket)(d).drain() }

// await has the loop told once when there is room in s's send buffer.
func (l *loop) await(s *socket) error {
	event := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLONESHOT, Fd: int32(s.fd)}
	op := unix.EPOLL_CTL_ADD
	if s.inRoom {
		op = unix.EPOLL_CTL_MOD
	}
	if err := unix.EpollCtl(l.room.epfd, op, s.fd, &event); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	s.inRoom = true
	l.waiting[s.fd] = s
	return nil
}

// forget takes s out of the set, which has to be done while its descriptor is
// open: closing does it only where there is no duplicate.
func (l *loop) forget(s *socket) {
	if s.inRoom {
		unix.EpollCtl(l.room.epfd, unix.EPOLL_CTL_DEL, s.fd, nil)
		s.inRoom = false
	}
	delete(l.waiting, s.fd)
}
