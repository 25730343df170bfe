package epoll

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// iovecs is how many slices one system call sends; Linux takes up to 1024.
type iovecs [64]unix.Iovec

const sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL

// send sends what it can of p without blocking, and returns how many bytes
// that was. A full send buffer is no error: n is then short of p.
func send(fd int, p []byte) (n int, err error) {
	for {
		r, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), sendFlags, 0, 0)
		if errno != unix.EINTR {
			return result(r, errno, "sendto")
		}
	}
}

// sendv is send for several slices, at most as many as iov has room for. iov
// is scratch space on the heap, and is left empty.
func sendv(fd int, p [][]byte, iov *iovecs) (n int, err error) {
	for i, b := range p {
		iov[i].Base = unsafe.SliceData(b)
		iov[i].SetLen(len(b))
	}
	defer clear(iov[:len(p)])
	msg := unix.Msghdr{Iov: &iov[0]}
	msg.SetIovlen(len(p))
	for {
		r, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), sendFlags)
		if errno != unix.EINTR {
			return result(r, errno, "sendmsg")
		}
	}
}

func result(r uintptr, errno unix.Errno, call string) (n int, err error) {
	switch errno {
	case 0:
		return int(r), nil
	case unix.EAGAIN:
		return 0, nil
	}
	return 0, os.NewSyscallError(call, errno)
}

// size is the number of bytes in p.
func size(p [][]byte) (n int) {
	for _, b := range p {
		n += len(b)
	}
	return n
}

// skip is p without its first n bytes, of which there are that many: what is
// left of the slice that n cuts in two, and the slices after it.
func skip(p [][]byte, n int) (rest []byte, more [][]byte) {
	for i, b := range p {
		if n < len(b) {
			return b[n:], p[i+1:]
		}
		n -= len(b)
	}
	return nil, nil
}
