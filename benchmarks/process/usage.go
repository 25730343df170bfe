package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the processor time, user and system, that the process pid and
// its living descendants have used since each of them started.
//
// It reads the process's own CPU clock: nanoseconds where /proc/PID/stat
// counts in ticks of 10 ms, and unlike a sum over /proc/PID/task it keeps the
// time of threads that have ended. The time of a thread that is running just
// now may lack what it used since the last scheduler tick, up to 4 ms or so:
// measure for much longer than that. Descendants that end between two readings
// take their time with them.
func CPU(pid int) (time.Duration, error) {
	var total time.Duration
	err := eachOf(pid, func(pid int) error {
		t, err := cpuClock(pid)
		total += t
		return err
	})
	return total, err
}

// SelfCPU is CPU for the calling process, without its descendants: a generator
// is not charged for the server it started.
func SelfCPU() (time.Duration, error) { return cpuClock(os.Getpid()) }

// SelfRSS is RSS for the calling process, without its descendants.
func SelfRSS() (int64, error) { return rss(os.Getpid()) }

// maxPID is the greatest process id Linux gives (PID_MAX_LIMIT).
const maxPID = 1 << 22

// cpuClock reads the CPU clock of one process, all threads: the clock id is
// made as in clock_getcpuclockid(3).
func cpuClock(pid int) (time.Duration, error) {
	const scheduler = 2 // CPUCLOCK_SCHED, for the whole process
	if pid < 1 || pid > maxPID {
		return 0, fmt.Errorf("process: CPU clock of process %d: expected a number from 1 to %d", pid, maxPID)
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &ts); err != nil {
		return 0, fmt.Errorf("process: CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// RSS returns the resident memory of the process pid and its living
// descendants, in bytes. Pages that several of them share count in each.
func RSS(pid int) (int64, error) {
	var total int64
	err := eachOf(pid, func(pid int) error {
		n, err := rss(pid)
		total += n
		return err
	})
	return total, err
}

// rss reads smaps_rollup, which is exact, or else status, which is behind by
// up to some dozen pages for each processor.
func rss(pid int) (int64, error) {
	if n, err := sizeLine(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Rss:"); err == nil {
		return n, nil
	}
	return sizeLine(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
}

// sizeLine returns the size in bytes on the line of the file called name that
// starts with label: "Rss:  1752 kB".
func sizeLine(name, label string) (int64, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, fmt.Errorf("process: memory: %w", err)
	}
	n, err := parseSize(text, label)
	if err != nil {
		return 0, fmt.Errorf("process: %s: %w", name, err)
	}
	return n, nil
}

func parseSize(text []byte, label string) (int64, error) {
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) == 0 || string(f[0]) != label {
			continue
		}
		if len(f) != 3 || string(f[2]) != "kB" {
			return 0, fmt.Errorf("line %q: expected a number of kB", bytes.TrimSpace(line))
		}
		n, err := strconv.ParseInt(string(f[1]), 10, 54)
		if err != nil {
			return 0, fmt.Errorf("line %q: %w", bytes.TrimSpace(line), err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("no line starts with %q", label)
}

// eachOf calls f with pid, and then with each living descendant. One that
// ended while we looked is passed over; the process itself must live.
func eachOf(pid int, f func(pid int) error) error {
	if err := f(pid); err != nil {
		return err
	}
	for _, child := range children(pid) {
		if err := eachOf(child, f); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL)
}

// children returns the processes that threads of pid started and that live.
// A kernel without CONFIG_PROC_CHILDREN says of none.
func children(pid int) []int {
	var pids []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for _, f := range bytes.Fields(text) {
			if child, err := strconv.Atoi(string(f)); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
