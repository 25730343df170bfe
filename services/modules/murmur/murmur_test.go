package murmur

import (
	"encoding/binary"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"lapps/services/vm"
	"lapps/services/vm/vmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestScripts(t *testing.T) {
	vmtest.Scripts(t, vm.Config{Modules: []vm.Module{Module()}})
}

// TestVerification is SMHasher's of MurmurHash64A: the hash of the hashes of 256 texts, of
// all lengths up to 255, is published.
func TestVerification(t *testing.T) {
	var text, hashes []byte
	for i := range 256 {
		hashes = binary.LittleEndian.AppendUint64(hashes, hash64A(string(text), uint64(256-i)))
		text = append(text, byte(i))
	}
	if got := uint32(hash64A(string(hashes), 0)); got != 0x1F0D3804 {
		t.Errorf("%08X, want 1F0D3804", got)
	}
}

// TestHash has what LAppS was seen to give.
func TestHash(t *testing.T) {
	if got := hash64A("abc", seed); got != 0x32d82bf8ed3dba39 {
		t.Errorf("%016x", got)
	}
}

func BenchmarkHash(b *testing.B) {
	for name, size := range map[string]int{"8": 8, "64": 64, "4096": 4096} {
		b.Run(name, func(b *testing.B) {
			text := strings.Repeat("x", size)
			b.SetBytes(int64(size))
			for b.Loop() {
				hash64A(text, seed)
			}
		})
	}
}
