package proxied

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
)

// The header of version 2 (section 2.2).
const (
	prefixSize = 16 // signature, version and command, family and transport, length of the rest

	local = 0x20 // the proxy's own connection
	proxy = 0x21 // a client's

	unspecified = 0x00
	inet        = 0x10 // payload: source and destination of 4 bytes each, then their ports
	inet6       = 0x20 // payload: the same, of 16 bytes each
	unix        = 0x30 // payload: two names of 108 bytes each

	typeChecksum = 0x03 // of a type-length-value
)

// maxVersion2 is how many bytes may follow the first 16. There are 4 KiB so
// that a client's certificate fits in.
const maxVersion2 = 4096

func parseVersion2(p []byte) (client netip.AddrPort, size int, err error) {
	if len(p) < prefixSize {
		return client, 0, nil
	}
	command, family := p[12], p[13]
	length := int(binary.BigEndian.Uint16(p[14:]))
	addresses, known := addressesSize(family)
	switch {
	case command != local && command != proxy:
		return client, 0, fmt.Errorf("proxied: version 2: want version and command 0x20 or 0x21, not 0x%02X", command)
	case length > maxVersion2:
		return client, 0, fmt.Errorf("proxied: version 2: want at most %d bytes behind the first %d, not %d", maxVersion2, prefixSize, length)
	case command == proxy && !known:
		return client, 0, fmt.Errorf("proxied: version 2: want a family and transport of section 2.2, not 0x%02X", family)
	case command == proxy && length < addresses:
		return client, 0, fmt.Errorf("proxied: version 2: want %d bytes of addresses or more for 0x%02X, not %d", addresses, family, length)
	case len(p) < prefixSize+length:
		return client, 0, nil
	}
	p = p[:prefixSize+length]
	if command == local || family == unspecified {
		return client, len(p), nil // what follows is ignored
	}
	return source(family, p[prefixSize:]), len(p), verify(p, prefixSize+addresses)
}

// addressesSize is the size of the addresses; known says whether the family
// and transport are defined.
func addressesSize(family byte) (size int, known bool) {
	switch transport := family & 0x0F; {
	case family == unspecified:
		return 0, true
	case transport != 1 && transport != 2: // stream, datagram
		return 0, false
	}
	switch family & 0xF0 {
	case inet:
		return 2*4 + 2*2, true
	case inet6:
		return 2*16 + 2*2, true
	case unix:
		return 2 * 108, true
	}
	return 0, false
}

// source is the first of the addresses. Those of Unix sockets are none here.
func source(family byte, addresses []byte) netip.AddrPort {
	var a netip.Addr
	var port []byte
	switch family & 0xF0 {
	case inet:
		a, port = netip.AddrFrom4([4]byte(addresses)), addresses[2*4:]
	case inet6:
		a, port = netip.AddrFrom16([16]byte(addresses)).Unmap(), addresses[2*16:]
	default:
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(port))
}

var errValues = errors.New("proxied: version 2: want the type-length-values to end where the header does")

// verify walks the type-length-values of a complete header, which begin at i,
// and checks the checksum if there is one (section 2.2.3).
func verify(header []byte, i int) error {
	checksum := 0
	for i < len(header) {
		if len(header)-i < 3 {
			return errValues
		}
		kind, size := header[i], int(binary.BigEndian.Uint16(header[i+1:]))
		i += 3
		switch {
		case size > len(header)-i:
			return errValues
		case kind == typeChecksum && (size != crc32.Size || checksum != 0):
			return errors.New("proxied: version 2: want one CRC32C of 4 bytes")
		case kind == typeChecksum:
			checksum = i
		}
		i += size
	}
	if checksum != 0 && binary.BigEndian.Uint32(header[checksum:]) != crc32c(header, checksum) {
		return errors.New("proxied: version 2: want a CRC32C that is right")
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc32c is the checksum of a header, taken with 0 where the checksum is.
func crc32c(header []byte, at int) uint32 {
	var zero [crc32.Size]byte
	sum := crc32.Update(0, castagnoli, header[:at])
	sum = crc32.Update(sum, castagnoli, zero[:])
	return crc32.Update(sum, castagnoli, header[at+crc32.Size:])
}
