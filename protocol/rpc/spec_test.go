package rpc

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// TestSpecExamples has the bytes and the notation of each example in SPEC.md be
// the same message, which is one of the protocol.
func TestSpecExamples(t *testing.T) {
	text, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, examples, _ := strings.Cut(string(text), "\n## 6 Examples\n")
	examples, _, _ = strings.Cut(examples, "\n## ")
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
		_, bad := ParseRequest(string(message))
		if _, err := ParseReply(string(message)); bad != nil && err != nil {
			t.Errorf("%s is neither: %v, %v", code, bad, err)
		}
	}
	if n < 6 {
		t.Errorf("%d examples were found", n)
	}
}
