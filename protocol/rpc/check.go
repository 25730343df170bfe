package rpc

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
)

// mode checks that what arrives is well-formed.
var mode = func() cbor.DecMode {
	m, err := cbor.DecOptions{
		TagsMd:           cbor.TagsForbidden,
		IndefLength:      cbor.IndefLengthAllowed,
		MaxNestedLevels:  MaxDepth,
		MaxArrayElements: MaxItems,
		MaxMapPairs:      MaxItems / 2,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return m
}()

// Check returns why p is not one value of the data model (section 2), or nil:
// well-formed CBOR with nothing behind it, within the limits, without tags and
// simple values other than false, true and null, its texts UTF-8, its integers
// from -2^63 to 2^64-1, the keys of its maps different texts. It costs time
// and memory in proportion to p at most. The error is an *Error with code
// ParseError.
func Check(p string) error {
	if e := check(p); e != nil {
		return e
	}
	return nil
}

func check(p string) *Error {
	if err := mode.Wellformed(unsafe.Slice(unsafe.StringData(p), len(p))); err != nil {
		return malformed(err)
	}
	c := checker{cursor: cursor{p: p}}
	if why := c.value(); why != "" {
		return &Error{ParseError, why}
	}
	return nil
}

// malformed words an error of Wellformed.
func malformed(err error) *Error {
	var depth *cbor.MaxNestedLevelError
	var elements *cbor.MaxArrayElementsError
	var pairs *cbor.MaxMapPairsError
	var tags *cbor.TagsMdError
	var extra *cbor.ExtraneousDataError
	why := ""
	switch {
	case errors.Is(err, io.EOF):
		why = "the message is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		why = "the message ends within a CBOR data item"
	case errors.As(err, &depth):
		why = fmt.Sprintf("arrays and maps are nested more than %d deep", MaxDepth)
	case errors.As(err, &elements), errors.As(err, &pairs):
		why = tooMany
	case errors.As(err, &tags):
		why = "CBOR tags are not taken"
	case errors.As(err, &extra):
		why = "data follows the CBOR data item"
	default:
		why = "not CBOR: " + strings.TrimPrefix(err.Error(), "cbor: ")
	}
	return &Error{ParseError, why}
}

var tooMany = fmt.Sprintf("more than %d data items", MaxItems)

// A checker walks well-formed CBOR.
type checker struct {
	cursor
	items int
}

// value checks a data item; it returns what is wrong, or "".
func (c *checker) value() (why string) {
	if c.items++; c.items > MaxItems {
		return tooMany
	}
	start := c.i
	switch h := c.head(); h.major {
	case majorNegative:
		if h.arg > math.MaxInt64 {
			return "an integer is below -2^63"
		}
	case majorBytes:
		c.i = skip(c.p, start)
	case majorText:
		return c.text(h)
	case majorArray:
		for n := count(h); c.more(&n); {
			if why := c.value(); why != "" {
				return why
			}
		}
	case majorMap:
		return c.members(count(h))
	case majorSimple:
		if !h.isFloat() && (h.arg < simpleFalse || h.arg > simpleNull) {
			return fmt.Sprintf("simple value %d is not taken: only false, true and null are", h.arg)
		}
	}
	return ""
}

// text checks a text whose head has been read. Each chunk of one of indefinite
// length has to be UTF-8 (RFC 8949, section 3.2.3).
func (c *checker) text(h head) (why string) {
	if h.info != indefinite {
		if !utf8.ValidString(c.string(h)) {
			return "a text is not valid UTF-8"
		}
		return ""
	}
	for n := -1; c.more(&n); {
		if why := c.text(c.head()); why != "" {
			return why
		}
	}
	return ""
}

// members checks n members of a map.
func (c *checker) members(n int) (why string) {
	var few [16]string
	keys := few[:0]
	for c.more(&n) {
		if c.items++; c.items > MaxItems {
			return tooMany
		}
		start := c.i
		h := c.head()
		if h.major != majorText {
			return "a key of a map is not a text"
		}
		if why := c.text(h); why != "" {
			return why
		}
		key, _ := keyAt(c.p, start)
		keys = append(keys, key)
		if why := c.value(); why != "" {
			return why
		}
	}
	if key, twice := repeated(keys); twice {
		return fmt.Sprintf("a map has the key %.40q twice", key)
	}
	return ""
}

// repeated returns one of keys that is there twice. It sorts them where they
// are many: a set would cost a small map of a peer's twenty times its size.
func repeated(keys []string) (key string, twice bool) {
	if len(keys) <= 16 {
		for i, key := range keys {
			if slices.Contains(keys[:i], key) {
				return key, true
			}
		}
		return "", false
	}
	slices.Sort(keys)
	for i, key := range keys[1:] {
		if key == keys[i] {
			return key, true
		}
	}
	return "", false
}
