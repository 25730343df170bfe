package epoll

import (
	"math"

	"golang.org/x/sys/unix"
)

// lastTasks bounds what is run for Receivers after a loop has ended, in case
// a task posts itself for ever.
const lastTasks = 1 << 24

// finish runs what is left after the loop has polled for the last time, on
// the goroutine that stops the carrier, and releases what the loop holds.
func (l *loop) finish() {
	for _, s := range l.waiting { // these gnet knows no more, and has not closed
		s.end(ErrStopped)
	}
	l.turnEnds = math.MaxInt64
	l.run(lastTasks)
	l.silence()
	if l.alarm.Stop() {
		l.alarms.Done()
	}
	l.alarms.Wait()
	l.room.close()
}

// silence drops what is queued from now on. It closes wakefd when nobody will
// write to it any more: whoever sets told writes, once, and waits for a turn
// that takes both back, or is the loop itself, and has that turn before it comes here; once told is set from here nobody will.
func (l *loop) silence() {
	l.mu.Lock()
	l.stopped = true
	l.queue, l.running = batch{}, batch{}
	l.mu.Unlock()
	var count [8]byte
	for !l.told.CompareAndSwap(false, true) {
		for {
			if _, err := unix.Read(l.wakefd, count[:]); err == nil {
				break
			}
			unix.Poll([]unix.PollFd{{Fd: int32(l.wakefd), Events: unix.POLLIN}}, -1)
		}
		l.told.Store(false)
	}
	unix.Close(l.wakefd)
}
