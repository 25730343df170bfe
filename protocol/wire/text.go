package wire

import "unicode/utf8"

// checkText checks a part of a text that begins between two runes. ok says
// that b can be the beginning of a text; tail is how many bytes at its end, 0
// to 3, begin a rune that is not complete yet.
func checkText(b []byte) (tail int, ok bool) {
	for n := 1; n <= min(utf8.UTFMax-1, len(b)); n++ {
		last := b[len(b)-n:]
		if utf8.RuneStart(last[0]) {
			// FullRune knows which second bytes may follow which first,
			// and calls a rune that has gone wrong full.
			if !utf8.FullRune(last) {
				tail = n
			}
			break
		}
	}
	return tail, utf8.Valid(b[:len(b)-tail])
}
