package murmur

import "encoding/binary"

const (
	// seed is that of libstdc++'s std::hash, which LAppS takes.
	seed = 0xc70f6907

	multiplier = 0xc6a4a7935bd1e995
	shift      = 47
)

// hash64A is MurmurHash64A, by Austin Appleby, of the bytes of s.
func hash64A(s string, seed uint64) uint64 {
	h := seed ^ uint64(len(s))*multiplier
	for ; len(s) >= 8; s = s[8:] {
		h = (h ^ mix(word(s[:8])*multiplier)*multiplier) * multiplier
	}
	if len(s) > 0 {
		h = (h ^ word(s)) * multiplier
	}
	return mix(mix(h) * multiplier)
}

// mix has the upper bits of x bear on the lower ones.
func mix(x uint64) uint64 { return x ^ x>>shift }

// word is the number in up to 8 bytes, the lowest first.
func word(s string) (x uint64) {
	var p [8]byte
	copy(p[:], s)
	return binary.LittleEndian.Uint64(p[:])
}
