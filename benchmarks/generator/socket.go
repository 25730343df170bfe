package generator

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// receive and send are recv and send on a non-blocking socket. They tell the
// Go scheduler nothing: the call returns at once, so there is nothing to
// schedule around, and telling costs more than the call's way in and out.
// They start anew when a signal came between. p must not be empty.

func receive(fd int, p []byte) (int, unix.Errno) {
	return transfer(unix.SYS_RECVFROM, fd, p, 0)
}

func send(fd int, p []byte) (int, unix.Errno) {
	return transfer(unix.SYS_SENDTO, fd, p, unix.MSG_NOSIGNAL)
}

func transfer(call uintptr, fd int, p []byte, flags uintptr) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
