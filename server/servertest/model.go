package servertest

// A Part is a part of a connection, and how much of Go's heap it keeps alive while
// the connection is idle, in bytes, on a machine of 64 bits. Tests of the rooms
// that the parts belong to measure them.
type Part struct {
	Name  string
	Bytes int
}

// The model of the memory of an idle connection. docs/performance.md has the same
// table, and what comes on top.
var (
	ModelSocket       = Part{"socket: gnet's connection with its addresses, and ours", 590}
	ModelConn         = Part{"conn: state, timer, decoder", 400}
	ModelSeat         = Part{"seat, and its place in the registry", 205}
	ModelSubscription = Part{"first subscription to a channel", 100}
	ModelTLS          = Part{"TLS 1.3 with X25519 and AES-GCM", 4050}
	ModelTLSHybrid    = Part{"TLS 1.3 with X25519MLKEM768 and AES-GCM", 5300}
)
