package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
)

// Ports for servers lie below 32768, where Linux begins to choose ports for
// outgoing connections: a generator with thousands of them must not hold the
// port of the next server.
const (
	firstPort = 20000
	lastPort  = 32767
)

// FreeAddr returns a loopback address with a port from 20000 to 32767 that
// nobody listens on. It is free when FreeAddr returns, no longer: whoever
// wants it listens soon.
func FreeAddr() (netip.AddrPort, error) {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	for range 1000 {
		addr := netip.AddrPortFrom(loopback, uint16(firstPort+rand.IntN(lastPort-firstPort+1)))
		ln, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(addr))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("process: find a free port: %w", err)
		}
		return addr, ln.Close()
	}
	return netip.AddrPort{}, fmt.Errorf("process: no free port from %d to %d in 1000 tries", firstPort, lastPort)
}
