package epoll

import (
	"net/netip"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"lapps/server"
	"lapps/server/servertest"
)

// TestMemoryModel holds what gnet and this package keep alive of an idle connection
// against the model. It has connections that are real, for gnet has no others.
func TestMemoryModel(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes everything larger")
	}
	const portion, portions = 200, 4
	c := start(t, 1)
	accepted := make(chan bool, portion)
	addr := netip.MustParseAddrPort(listen(t, c, func(server.Socket) (server.Receiver, error) {
		accepted <- true
		return deaf{}, nil
	}))
	clients := make([]int, 0, portion*(1+portions))
	defer func() {
		for _, fd := range clients {
			unix.Close(fd)
		}
	}()
	connect := func() {
		for range portion {
			clients = append(clients, dialRaw(t, addr))
		}
		for range portion {
			<-accepted
		}
	}
	connect() // what the first ones need, all share
	before := live()
	for range portions {
		connect()
	}
	bytes := (live() - before) / (portion * portions)
	t.Logf("%.0f bytes of %d: %s; %d are ours", bytes, servertest.ModelSocket.Bytes, servertest.ModelSocket.Name, unsafe.Sizeof(socket{}))
	if bytes > 1.1*float64(servertest.ModelSocket.Bytes) {
		t.Errorf("%s: %.0f bytes, the model says %d", servertest.ModelSocket.Name, bytes, servertest.ModelSocket.Bytes)
	}
}

// deaf is a Receiver of nothing.
type deaf struct{}

func (deaf) Receive([]byte) error { return nil }
func (deaf) Writable()            {}
func (deaf) Lost(error)           {}

// dialRaw connects a client that takes nothing of Go's heap.
func dialRaw(t *testing.T, addr netip.AddrPort) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	to := unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	if err := unix.Connect(fd, &to); err != nil {
		t.Fatal(err)
	}
	return fd
}

// live is the live heap.
func live() float64 {
	runtime.GC() // finalizers run behind the first
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}
