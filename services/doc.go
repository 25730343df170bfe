// Package services runs applications: it starts the instances of each
// service, gives every peer a seat at one of them, and carries messages from
// peers to Lua and frames from Lua to peers.
//
// The order of calls: New takes the configuration of all services, Start
// loads and starts them. For each peer the server asks Registry.Lookup for
// the service at the request's path, and Service.Join for a Seat; it tells the
// Seat what the peer says (Deliver) and that it has gone (Leave). Stop ends
// the services, after the server has ended the connections.
//
// A service has one or more instances, each a Lua state of its own
// (services/vm). A seat keeps its instance for life. Its messages are handled
// in order; what the instance sends goes to the peer in order.
//
// What a peer is, the package does not know: the server implements Peer. It
// knows no socket, no TLS and no JSON.
package services
