package rpc

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// TestSpecExamples has the bytes and the notation of each example in SPEC.md be
// the same message, and a vector.
func TestSpecExamples(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, examples, _ := strings.Cut(string(text), "\n## 6 Examples\n")
	examples, _, _ = strings.Cut(examples, "\n## ")
	vectors := make(map[string]bool)
	for _, v := range loadVectors(t) {
		vectors[v.Hex] = true
	}
	digits, n := "", 0
	for line := range strings.Lines(examples) {
		code, ok := strings.CutPrefix(line, "    ")
		if !ok {
			continue
		}
		code = strings.TrimSpace(code)
		if !strings.HasPrefix(code, "{") {
			digits += strings.ReplaceAll(code, " ", "")
			continue
		}
		message, err := hex.DecodeString(digits)
		digits = ""
		if err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		n++
		if notation, err := cbor.Diagnose(message); err != nil || notation != code {
			t.Errorf("%x is %s, %v, not %s", message, notation, err, code)
		}
		if !vectors[hex.EncodeToString(message)] {
			t.Errorf("%s is no vector", code)
		}
	}
	if n < 6 {
		t.Errorf("%d examples were found", n)
	}
}
