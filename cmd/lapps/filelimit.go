package main

import (
	"log/slog"

	"golang.org/x/sys/unix"
)

// raiseFileLimit raises the soft limit of open files to the hard one, and
// says what it is: every connection needs one.
func raiseFileLimit(log *slog.Logger) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		log.Warn("the limit of open files cannot be read", "err", err)
		return
	}
	before := limit.Cur
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		log.Warn("the limit of open files cannot be raised", "limit", before, "hard", limit.Max, "err", err)
		return
	}
	log.Info("open files", "limit", limit.Cur, "before", before)
}
