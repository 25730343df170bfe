// Package proxied is a carrier on a carrier: it reads the header of the PROXY
// protocol, versions 1 and 2, with which a proxy begins a connection to say
// where that comes from. What is above sees a socket that has the client's
// address, and the bytes that follow the header.
//
// A Layer makes an Acceptor of an Acceptor. It is asked for each connection,
// and believes only proxies that are trusted, by the address of the socket:
//
//	                Required                          not Required
//	trusted         the header comes first            the header may come first
//	not trusted     aborted                           passed through: whatever it
//	                                                  says, its address is the socket's
//
// A header that is broken, too long or late ends the connection by an abort: the
// other end is a proxy, and whom it speaks for is not known. A version 1 header
// has 107 bytes at most; a version 2 header is refused if it has more than 4096
// bytes behind the first 16. Where it has a checksum, that is verified; other
// type-length-values are skipped.
//
// The socket keeps its own address where the proxy speaks for itself (LOCAL),
// as for health checks, or does not tell (UNKNOWN, and the families unspecified
// and Unix). So it does where the connection passes through.
//
// The protocol: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
package proxied
