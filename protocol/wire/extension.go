package wire

import "strings"

// The header Sec-WebSocket-Extensions is a list of elements such as
//
//	permessage-deflate; client_max_window_bits; server_max_window_bits=10
//
// (RFC 6455, section 9.1). Its values are tokens, or tokens in quotes.

// cutExtension takes the first element off a list: its name, and its
// parameters. Empty elements of the list are skipped; name is "" where none is
// left. ok says that what was taken is well-formed.
func cutExtension(list string) (name, params, rest string, ok bool) {
	for list != "" && name == "" {
		var element string
		element, list, _ = strings.Cut(list, ",")
		if element = trim(element); element == "" {
			continue
		}
		name, params, ok = strings.Cut(element, ";")
		if name = trim(name); !isTokens(name) || ok && trim(params) == "" {
			return "", "", "", false
		}
	}
	return name, params, list, true
}

// cutParam takes the first parameter off an element's. given says that it has
// a value, which is returned without its quotes.
func cutParam(params string) (name, value string, given bool, rest string, ok bool) {
	name, rest, more := strings.Cut(params, ";")
	if more && trim(rest) == "" {
		return "", "", false, "", false
	}
	name, value, given = strings.Cut(name, "=")
	if name, value = trim(name), trim(value); given {
		value = unquote(value)
	}
	return name, value, given, rest, isTokens(name) && (!given || isTokens(value))
}

// unquote returns what a quoted string means (RFC 9110, section 5.6.4), and
// anything else as it is. That the value is a token has to be seen afterwards,
// so it does not matter that a quoted comma or semicolon has ended it before.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	plain := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		plain = append(plain, s[i])
	}
	return string(plain)
}

// checkExtensions says whether a list is well-formed and has an element. One
// that is not fails the handshake (section 9.1).
func checkExtensions(list string) bool {
	for n := 0; ; n++ {
		name, params, rest, ok := cutExtension(list)
		if !ok {
			return false
		}
		if name == "" {
			return n > 0
		}
		for params != "" {
			if _, _, _, params, ok = cutParam(params); !ok {
				return false
			}
		}
		list = rest
	}
}
