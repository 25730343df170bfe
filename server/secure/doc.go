// Package secure carries connections over TLS: a carrier on a carrier.
//
// The order of calls: Load reads certificates and keys. New makes a Layer of
// them. Layer.Accept goes between a carrier and the Acceptor that speaks in
// plain text. When the carrier has stopped, Layer.Stop waits for what is left.
// Keys.Reload, at any time, has new connections get what the files hold then.
//
// Layer.Connect is for connections that we have opened ourselves: the same, with us
// as the client.
//
// # On the loop, and beside it
//
// TLS is crypto/tls, 1.2 and 1.3. Its handshakes take half a millisecond of
// computing and wait for the peer in between, so each has a goroutine: from the
// first complete record on, not while a client is silent. They are bounded: a
// handshake waits on its loop until there is a slot, and computes under a
// semaphore of half the processors, while those that wait for their peers hold
// only a slot. While others wait for a slot, who has had one for more than a
// second and waits for its peer is ended, one for each newcomer and one each second
// for each that waits, so that clients that fall silent, or drip, do not keep others
// out. Where too many come all the same, the newest go first.
//
// After the handshake no goroutine is left. Records are put together here, and
// each is given to the tls.Conn when it is complete, on the loop, over a
// transport in memory whose Read says "nothing now" with a temporary error:
// crypto/tls keeps its state over such errors. What one Write is given goes out
// in as few records as can be, and in one Write of the socket below.
//
// # What the peer sees
//
// A connection that is closed before its handshake gets the alert
// access_denied; no HTTP answer can be told before it. A client that speaks
// HTTP in plain text is answered 400 in plain text. Everything else that is not
// TLS is aborted. A close_notify is sent before we half-close, and answered.
//
// The Acceptor is called as soon as the connection is there, so that its
// limits and its timeout include the handshake: Layer has no timeout of its
// own. What it writes before the handshake is done is discarded.
//
// # What it does not do
//
// It does not watch the files. It keeps at most one incomplete record, as much
// of it as has come. A peer that has us answer (KeyUpdate) and does not read is
// aborted when more than 256 KiB wait.
package secure
