package wire_test

import (
	"slices"
	"strings"
	"testing"

	"lapps/protocol/wire"
)

// fragments are the sizes of the frames that text is, and what it means.
func fragments(t *testing.T, text []byte) (sizes []int, message string) {
	t.Helper()
	for i := 0; len(text) > 0; i++ {
		n, header := int(text[1]&0x7f), 2
		if n == 126 {
			n, header = int(text[2])<<8|int(text[3]), 4
		}
		op, fin := wire.Op(text[0]&0x0f), text[0]&0x80 != 0
		if want := i > 0; (op == wire.Continuation) != want || fin != (header+n == len(text)) || text[0]&0x70 != 0 {
			t.Fatalf("fragment %d begins with %x", i, text[:2])
		}
		message += string(text[header : header+n])
		sizes = append(sizes, n)
		text = text[header+n:]
	}
	return sizes, message
}

func TestFragment(t *testing.T) {
	for _, tt := range []struct {
		bytes, n int
		want     []int
	}{
		{0, 1392, []int{0}},
		{2783, 1392, []int{2783}},
		{2784, 1392, []int{1392, 1392}},
		{5000, 1392, []int{1392, 1392, 2216}}, // as LAppS has them
		{5, 2, []int{2, 3}},
		{3, 1, []int{1, 1, 1}},
		{1000, 125, slices.Repeat([]int{125}, 8)},
	} {
		payload := strings.Repeat("0123456789", tt.bytes/10+1)[:tt.bytes]
		f := wire.Frame{Op: wire.Text, Payload: payload, Reply: true, Channel: 7}.Fragment(tt.n)
		text := f.Append(nil)
		sizes, message := fragments(t, text)
		if !slices.Equal(sizes, tt.want) || message != payload {
			t.Errorf("%d bytes by %d: fragments of %d", tt.bytes, tt.n, sizes)
		}
		if f.Size() != len(text) || f.Messages() != 1 || !f.Reply || f.Channel != 7 || !f.Message() {
			t.Errorf("%d bytes by %d: %d bytes and %d messages, not %d and 1: %v %d", tt.bytes, tt.n, f.Size(), f.Messages(), len(text), f.Reply, f.Channel)
		}
		whole := wire.Bundle([]wire.Frame{f, {Op: wire.Binary, Payload: "x"}})
		if want := string(text) + "\x82\x01x"; whole.Payload != want {
			t.Errorf("%d bytes by %d: within a bundle it is something else", tt.bytes, tt.n)
		}
	}
	for _, f := range []wire.Frame{{Op: wire.Ping, Payload: "ping"}, wire.CloseFrame(1000, "bye")} {
		if got := f.Fragment(1); got != f {
			t.Errorf("a control frame became %v", got)
		}
	}
}
