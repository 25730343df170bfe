package epoll

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// patience is how long New waits for a loop. It is there for a gnet other
// than the one this was written for; a loop answers in microseconds.
const patience = 10 * time.Second

const readEvents = unix.EPOLLIN | unix.EPOLLPRI // as gnet registers them

// A waker is the connection through which a loop is woken.
type waker struct {
	loop    *loop
	testing atomic.Bool // New is at it
	read    atomic.Bool // something was read meanwhile
}

// newLoop gets hold of one more of gnet's loops: enrolled connections go to
// the loop with the fewest, and so, the first ones, to each loop in turn.
//
// gnet takes sockets only. So one end of a pair is enrolled, and once it has
// served to find the loop and to test pausing, an eventfd takes over its
// descriptor's number: gnet goes on reading that, and never knows.
func (c *Carrier) newLoop() (l *loop, err error) {
	l = &loop{carrier: c, waiting: make(map[int]*socket), longTurn: longTurn}
	w := &waker{loop: l}
	w.testing.Store(true)
	near, far, err := pair()
	if err != nil {
		return nil, err
	}
	defer far.Close()
	conn, err := c.client.EnrollContext(near, w)
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	l.el = conn.EventLoop()
	for _, other := range c.loops {
		if other.el == l.el {
			return nil, errors.New("gnet gave the same loop twice; is it not v2.10?")
		}
	}
	fd := conn.Fd()
	if l.epfd, err = findPoller(fd); err != nil {
		return nil, err
	}
	if err := l.testPause(w, fd, far); err != nil {
		return nil, err
	}
	if l.wakefd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	if err := l.start(w, fd); err != nil {
		unix.Close(l.wakefd)
		return nil, err
	}
	return l, nil
}

// start exchanges the enrolled descriptor for the eventfd, and has the loop
// answer a wake-up.
func (l *loop) start(w *waker, fd int) error {
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_DEL, fd, nil); err != nil {
		return os.NewSyscallError("epoll_ctl del", err)
	}
	if err := unix.Dup3(l.wakefd, fd, unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("dup3", err)
	}
	event := unix.EpollEvent{Events: readEvents, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return os.NewSyscallError("epoll_ctl add", err)
	}
	l.onRoom, l.onAlarm = l.roomMade, l.advance
	if err := l.room.open(l); err != nil {
		return err
	}
	l.alarm = time.AfterFunc(time.Hour, l.ring)
	l.alarm.Stop()
	w.testing.Store(false)
	woken := make(chan struct{})
	l.Post(func() { close(woken) })
	if err := wait(woken); err != nil {
		l.room.close()
		return fmt.Errorf("wake-up: %w", err)
	}
	return nil
}

// findPoller returns the epoll set that gnet put fd into. There is no way to
// ask gnet, but the kernel knows: a set refuses to modify what is not in it,
// and what is no epoll set refuses everything. It leaves fd paused.
func findPoller(fd int) (epfd int, err error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	for epfd := range int(min(limit.Cur, 1<<20)) {
		if setEvents(epfd, fd, 0) == nil {
			return epfd, nil
		}
	}
	return 0, errors.New("gnet's epoll set was not found; is it not v2.10?")
}

// setEvents changes what gnet is told about a descriptor.
func setEvents(epfd, fd int, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl mod", unix.EpollCtl(epfd, unix.EPOLL_CTL_MOD, fd, &event))
}

// testPause checks that the loop does not read from fd, which findPoller left
// paused. What far sends is there before the task is, and gnet runs tasks
// after the events of the same round: were fd read at all, it would be before.
func (l *loop) testPause(w *waker, fd int, far net.Conn) error {
	if _, err := far.Write([]byte{0}); err != nil {
		return err
	}
	done := make(chan struct{})
	look := gnet.RunnableFunc(func(context.Context) error { close(done); return nil })
	if err := l.el.Execute(context.Background(), look); err != nil {
		return err
	}
	if err := wait(done); err != nil {
		return fmt.Errorf("task: %w", err)
	}
	if w.read.Load() {
		return errors.New("a paused descriptor was read; is gnet not v2.10?")
	}
	return nil
}

func wait(done <-chan struct{}) error {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-done:
		return nil
	case <-t.C:
		return fmt.Errorf("no answer within %v", patience)
	}
}

// pair returns two connected Unix-domain sockets.
func pair() (near, far net.Conn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if near, err = fileConn(fds[0]); err != nil {
		unix.Close(fds[1])
		return nil, nil, err
	}
	if far, err = fileConn(fds[1]); err != nil {
		near.Close()
		return nil, nil, err
	}
	return near, far, nil
}

// fileConn makes a net.Conn of fd, and closes fd.
func fileConn(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "socketpair")
	defer f.Close()
	return net.FileConn(f)
}

// signal adds 1 to an eventfd. It neither blocks nor fails: the counter is
// read long before it overflows.
func signal(fd int) {
	one := uint64(1)
	unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), 8)
}
