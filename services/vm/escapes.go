package vm

import (
	"fmt"
	"strings"
)

// plainEscapes is source with the escapes of LuaJIT that gopher-lua's lexer takes for
// letters, \xHH and \z, written in others: \ddd, and nothing. Line breaks that \z skips stand
// behind the string. err is about the line.
func plainEscapes(source string) (plain string, line int, err error) {
	if !strings.Contains(source, `\x`) && !strings.Contains(source, `\z`) {
		return source, 0, nil
	}
	e := escaper{rest: source}
	for e.rest != "" && err == nil {
		err = e.token()
	}
	if err != nil {
		return "", 1 + strings.Count(source[:len(source)-len(e.rest)], "\n"), err
	}
	return e.out.String(), 0, nil
}

// An escaper reads Lua just as closely as it takes to tell what is a string.
type escaper struct {
	rest string
	out  strings.Builder
}

// take copies the next n bytes.
func (e *escaper) take(n int) {
	e.out.WriteString(e.rest[:n])
	e.rest = e.rest[n:]
}

// through copies what there is until the end of the first end behind the next n bytes, or all.
func (e *escaper) through(n int, end string) {
	if i := strings.Index(e.rest[n:], end); i >= 0 {
		e.take(n + i + len(end))
	} else {
		e.take(len(e.rest))
	}
}

func (e *escaper) token() error {
	switch s := e.rest; {
	case s[0] == '"' || s[0] == '\'':
		return e.quoted(s[0])
	case strings.HasPrefix(s, "--"):
		e.take(2)
		if n := longBracket(e.rest); n > 0 {
			e.through(n, closing(n))
		} else {
			e.through(0, "\n")
		}
	case s[0] == '[' && longBracket(s) > 0:
		n := longBracket(s)
		e.through(n, closing(n))
	default:
		e.take(1)
	}
	return nil
}

// longBracket is how long the bracket is that s begins with, [[ or [==[; 0: it does not.
func longBracket(s string) int {
	if s == "" || s[0] != '[' {
		return 0
	}
	n := 1 + len(s[1:]) - len(strings.TrimLeft(s[1:], "="))
	if n < len(s) && s[n] == '[' {
		return n + 1
	}
	return 0
}

// closing is the bracket that closes one of n bytes.
func closing(n int) string { return "]" + strings.Repeat("=", n-2) + "]" }

// quoted copies a string in quotes; one without its end is the parser's to refuse.
func (e *escaper) quoted(quote byte) error {
	skipped := 0 // line breaks
	e.take(1)
	for e.rest != "" && e.rest[0] != '\n' {
		switch s := e.rest; {
		case s[0] == quote:
			e.take(1)
			e.out.WriteString(strings.Repeat("\n", skipped))
			return nil
		case strings.HasPrefix(s, `\x`):
			var b byte
			if len(s) < 4 || strings.Trim(s[2:4], "0123456789abcdefABCDEF") != "" {
				return fmt.Errorf(`\x must be followed by two hexadecimal digits`)
			}
			_, _ = fmt.Sscanf(s[2:4], "%x", &b) // checked
			fmt.Fprintf(&e.out, `\%03d`, b)
			e.rest = s[4:]
		case strings.HasPrefix(s, `\z`):
			e.rest = strings.TrimLeft(s[2:], spaces)
			skipped += strings.Count(s[:len(s)-len(e.rest)], "\n")
		case s[0] == '\\' && len(s) > 1:
			e.take(2)
		default:
			e.take(1)
		}
	}
	return nil
}
