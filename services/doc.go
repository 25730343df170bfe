// Package services runs applications: it starts the instances of each
// service, gives every peer a seat at one of them, and carries messages from
// peers to Lua and frames from Lua to peers.
//
// The order of calls: New takes the configuration of all services, Start
// loads and starts them, what others depend on first. For each peer the server
// asks Registry.Lookup for the service at the request's path, and Service.Join
// for a Seat; it tells the Seat what the peer says (Deliver) and that it has
// gone (Leave). Stop ends the services, after the server has ended the
// connections, and what others depend on last.
//
// A service has one or more instances, each a Lua state of its own
// (services/vm). A seat keeps its instance for life. Its messages are handled
// in order; what the instance sends goes to the peer in order, whether by ws
// or by bcast.
//
// Two dialects: raw (raw.go) hands a message to Lua as it is; LAppS (lapps.go)
// reads it as protocol/rpc has it and calls a method, or onMessage. What goes
// wrong with one message of this dialect concerns that message only.
//
// A standalone service (standalone.go) has no seats: each instance is a
// program, which is called again where it fails.
//
// Deploy (deploy.go) puts a new version in the place of a service while it runs: the
// new one is started first, then the catalog (catalog.go), an immutable snapshot of what
// services there are, is replaced, and the old one's peers finish with it, or are told to
// come again. A new version is another Service.
//
// The watchdog (watchdog.go) looks each second for instances that do not return, or
// keep too much memory: others start in their place, and their peers are told to
// come again.
//
// A channel (channels.go) is a set of seats, of any services, and is called by a number
// or a text. A broadcast is one frame, encoded once, that the sending instance puts into
// the outbox of each; at the end of its turn each loop is woken once.
//
// A seat keeps little of its request: ws:info tells that, and what its Peer knows
// (Peer.Info). What an application keeps for a connection is a table of the instance
// (data.go), which goes with the seat.
//
// Where a peer reads too slowly Config.SlowConsumer says what becomes of messages:
// the Peer obeys it, and knows a broadcast's channel by Frame.Channel. When it has
// read (Seat.Emptied) onDrain is called, by way of the mailbox like a message;
// services without that callback are told nothing.
//
// What a peer is, the package does not know: the server implements Peer. It
// knows no socket, no TLS and no JSON but nljson.
package services
