package proxied

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// maxVersion1 is the size of the longest line, its CRLF included (section 2.1).
const maxVersion1 = 107

// parseVersion1 reads a line such as
//
//	PROXY TCP4 192.0.2.1 198.51.100.1 56324 443
func parseVersion1(p []byte) (client netip.AddrPort, size int, err error) {
	p = p[:min(len(p), maxVersion1)]
	end := bytes.IndexByte(p, '\n')
	switch {
	case end < 0 && len(p) < maxVersion1:
		return client, 0, nil
	case end < 0:
		return client, 0, fmt.Errorf("proxied: version 1: want a line of at most %d bytes", maxVersion1)
	case p[end-1] != '\r':
		return client, 0, errors.New("proxied: version 1: want CRLF at the end of the line")
	}
	client, err = parseLine(string(p[len(signature1) : end-1]))
	return client, end + 1, err
}

// parseLine reads what stands between "PROXY " and the CRLF. The destination
// must be well-formed as well: a line is exact, or it is no header.
func parseLine(line string) (client netip.AddrPort, err error) {
	family, addresses, _ := strings.Cut(line, " ")
	if family == "UNKNOWN" {
		return client, nil // whatever follows is ignored
	}
	fields := strings.Split(addresses, " ")
	if family != "TCP4" && family != "TCP6" || len(fields) != 4 {
		return client, errors.New(`proxied: version 1: want "PROXY TCP4" or "TCP6", two addresses and two ports, each behind one space`)
	}
	if client, err = parseEnd(family, fields[0], fields[2]); err != nil {
		return client, err
	}
	_, err = parseEnd(family, fields[1], fields[3])
	return client, err
}

// parseEnd reads the address and port of one end of a connection.
func parseEnd(family, address, port string) (end netip.AddrPort, err error) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() != (family == "TCP4") || a.Zone() != "" {
		return end, fmt.Errorf("proxied: version 1: want an address of family %s, not %.40q", family, address)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || len(port) > 1 && port[0] == '0' {
		return end, fmt.Errorf("proxied: version 1: want a port from 0 to 65535, not %.40q", port)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
}
