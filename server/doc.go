// Package server turns peers' bytes into messages for services, and services'
// frames into bytes for peers.
//
// It listens on nothing and reads no socket. A carrier (server/epoll, or
// server/servertest in memory) asks a Listener whether a peer may connect at all,
// gives its Accept a Socket for each that may, and tells the Receiver it gets
// back what the peer sends. doors.go says what a carrier is.
//
// The order of calls for one connection: Admit; Accept; Receive with the bytes of the
// opening handshake (protocol/wire), until the request is complete; the
// service at its path is asked for a seat (Service.Join); its answer is posted
// to the loop and the 101, or a refusal, is written; Receive with frames, each
// message of which goes to Seat.Deliver; Lost. Meanwhile the service sends
// from any goroutine: frames are put into the connection's outbox, the
// connection onto its loop's dirty list, and the loop writes the outboxes of
// all dirty connections when it is woken.
//
// What the server decides and what the peer sees:
//
//	address not allowed by the server, more   closed unread
//	than Limits.Accepts connections a second
//	more than Server.MaxConns connections,    503, Retry-After, before any request
//	or than Listener.MaxConns
//	the process runs short of memory          503, Retry-After, before any request;
//	(shed.go)                                 close 1013, those who hold most
//	more than Limits.PerPrefix connections    429, Retry-After, before any request
//	of a client
//	client behind a proxy: address not        403; 429, Retry-After
//	allowed; more than Limits.PerPrefix
//	more than Limits.Handshakes under way     503, Retry-After, at the first byte
//	unknown path                              404
//	address or origin not allowed by the      403
//	service
//	more than its MaxConns connections        503, Retry-After
//	service stopped, busy, or no answer       503, Retry-After
//	no sub-protocol in common                 101, without one
//	request not complete in time              408
//	any other fault of the request            400, 405, 413, 414, 426, 431 (protocol/wire)
//	breach of the protocol                    close 1002, 1007, 1009 (protocol/wire)
//	Close frame                               the same code
//	shutdown                                  close 1001
//	nothing received, no pong, message not    close 1008
//	finished in time
//	outbox over its limit, where the          close 1013
//	service does not have messages dropped
//	(slow.go), or no progress: the service
//	does not keep up, or the peer does not
//	read
//	all hold more than Limits.Buffered        close 1013, those who hold most (buffered.go)
//
// In all of these, what the peer sent before is answered before the Close
// frame goes out, but for a peer that does not read.
//
// Whose connection it is, for ACLs, limits, logs and the service: the peer's at
// the Socket's address, or, where that is one of Listener.Trusted and there are
// ForwardedHops, who it names in the head of the request. From others such
// headers mean nothing. A proxy may connect whatever Server.Access says, but
// that is asked about the client; a proxy that names none is its own client.
//
// Each limit is a Limit: Server.Exceeded says how often it has been, and those
// of Limits.DryRun are only counted. A connection that is refused for a limit
// on connections does not count as one of them while it lingers.
//
// Where a service and its peer agree on compression, messages are compressed as
// they are written, on the loop: an outbox, its limit and its policies know them
// as they were sent. One slice is compressed at a time, and then others have
// their turn.
//
// Back-pressure comes in two steps. While much waits for a peer to read, its
// own messages wait for it (Peer.Full, Seat.Drained); while its share of the
// service's mailbox is full, its socket is not read, and the peer feels TCP's
// back-pressure.
package server
