package nljson

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"lapps/protocol/rpc"
)

const (
	// bytesPerStep is how many bytes are checked in about the time of an instruction
	// of Lua.
	bytesPerStep = 4

	// stepsPerItem is how many instructions of Lua take as long as an item:
	// encoding/json's Token is slow.
	stepsPerItem = 50
)

// parseJSON tells b what a JSON text (RFC 8259) holds: any value, with nothing
// behind it. Numbers without a fraction and an exponent are integers if they
// fit. Errors say at which byte, the first being byte 1. What encoding/json
// makes of \ud800 without its other half, U+FFFD, is not an error. spend is told
// of the work, in instructions of Lua, before it is done, and may panic to end it;
// nil: nobody is.
func parseJSON(text string, b *treeBuilder, spend func(instructions int)) error {
	if spend == nil {
		spend = func(int) {}
	}
	spend(len(text) / bytesPerStep)
	text = strings.TrimPrefix(text, "\ufeff") // RFC 8259, section 8.1: it may be ignored
	if i := invalid(text); i >= 0 {
		return fmt.Errorf("not valid UTF-8 (at byte %d)", i+1)
	}
	if err := wellFormed(text); err != nil {
		return err
	}
	r := reader{text: text, dec: json.NewDecoder(strings.NewReader(text)), b: b, spend: spend}
	r.dec.UseNumber()
	return r.value()
}

// invalid is where s stops being UTF-8; -1: nowhere.
func invalid(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	i := 0
	for {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// wellFormed checks the syntax: Decoder.Token alone does not see all mistakes,
// nor tell where they are.
func wellFormed(text string) error {
	data := []byte(text)
	if json.Valid(data) {
		return nil
	}
	var discard json.RawMessage
	err := json.Unmarshal(data, &discard)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	why := err.Error()
	if strings.HasSuffix(why, "exceeded max depth") { // encoding/json's own limit, 10000
		return errDepth
	}
	return fmt.Errorf("%s (at byte %d)", why, syntax.Offset)
}

// A reader walks well-formed JSON.
type reader struct {
	text  string
	dec   *json.Decoder
	b     *treeBuilder
	spend func(instructions int)
	depth int
	items int
}

func (r *reader) value() error {
	tok, at, err := r.next()
	if err != nil {
		return err
	}
	switch tok := tok.(type) {
	case json.Delim:
		return r.container(tok)
	case nil:
		r.b.Null()
	case bool:
		r.b.Bool(tok)
	case string:
		r.b.Text(tok)
	case json.Number:
		if !tellNumber(r.b, string(tok)) {
			return fmt.Errorf("the number %.40s is out of range (at byte %d)", tok, at)
		}
	}
	return nil
}

// next returns the token that an item begins with, and where that is.
func (r *reader) next() (tok json.Token, at int, err error) {
	rest := strings.TrimLeft(r.text[r.dec.InputOffset():], " \t\r\n,:")
	at = len(r.text) - len(rest) + 1
	if r.items++; r.items > maxItems {
		return nil, at, fmt.Errorf("%w (at byte %d)", errItems(maxItems), at)
	}
	r.spend(stepsPerItem)
	tok, err = r.dec.Token()
	return tok, at, err
}

func (r *reader) container(begin json.Delim) error {
	if r.depth++; r.depth > rpc.MaxDepth {
		return errDepth
	}
	element := r.value
	if begin == '{' {
		r.b.Map(-1)
		element = r.member
	} else {
		r.b.Array(-1)
	}
	for r.dec.More() {
		if err := element(); err != nil {
			return err
		}
	}
	r.b.End()
	r.depth--
	_, err := r.dec.Token()
	return err
}

func (r *reader) member() error {
	tok, at, err := r.next()
	if err != nil {
		return err
	}
	key, _ := tok.(string)
	if r.b.has(key) {
		return fmt.Errorf("an object has the key %.40q twice (at byte %d)", key, at)
	}
	r.b.Key(key)
	return r.value()
}

// tellNumber reports whether s, a JSON number, is in range.
func tellNumber(b rpc.Builder, s string) bool {
	if !strings.ContainsAny(s, ".eE") {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			b.Int(n)
			return true
		}
		if n, err := strconv.ParseUint(s, 10, 64); err == nil {
			b.Uint(n)
			return true
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err == nil {
		b.Float(f)
	}
	return err == nil
}
