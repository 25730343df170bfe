package rpc

// A Builder is told the parts of one value in order, and makes something of
// it: Lua values, a tree, CBOR. Walk calls it with what CBOR says; whoever has
// a value in another form calls it likewise. A well-behaved caller ends what
// it begins and gives every Key a value, so a Builder checks nothing.
//
// Strings are immutable and may be kept, but may be parts of a larger one: see
// Walk.
type Builder interface {
	Null()
	Bool(v bool)
	Int(v int64)
	Uint(v uint64) // only for v > math.MaxInt64: there is one call for each integer
	Float(v float64)
	Text(s string)  // UTF-8
	Bytes(s string) // any bytes

	// Array begins an array of n elements; n < 0: how many is not known.
	// The elements follow, and then End.
	Array(n int)

	// Map begins a map of n members; n < 0: how many is not known. Pairs of
	// Key and a value follow, and then End. No key comes twice.
	Map(n int)

	// Key names the member whose value follows. It is UTF-8.
	Key(s string)

	// End ends the innermost array or map.
	End()
}

// Limits of a value, in CBOR and elsewhere: what goes beyond them is refused.
const (
	// MaxDepth is how many arrays and maps may lie within each other.
	MaxDepth = 64

	// MaxItems is how many data items a value may have in all: it counts
	// every scalar, array, map and key. A message of 1 MiB could hold a
	// million empty arrays, each of which costs a hundred bytes in Lua.
	MaxItems = 1 << 17
)
