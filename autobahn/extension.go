package main

import (
	"fmt"
	"strconv"
	"strings"
)

// An agreement is the parameters of permessage-deflate as the server's
// response states them (RFC 7692, section 7.1). Window bits are 8 to 15; 15 if
// the response is silent.
type agreement struct {
	serverNoContext, clientNoContext bool
	serverBits, clientBits           int
	clientBitsGiven                  bool
}

const deflateName = "permessage-deflate"

// parseAnswer reads the server's Sec-WebSocket-Extensions. Any well-formed
// response of the four parameters is accepted, each at most once; nil, if
// there is none. What was not offered is an error.
func parseAnswer(answer, offer string) (*agreement, error) {
	if answer == "" {
		return nil, nil
	}
	if offer == "" {
		return nil, fmt.Errorf("extension %q was not offered", answer)
	}
	name, rest, _ := strings.Cut(answer, ";")
	if strings.TrimSpace(name) != deflateName {
		return nil, fmt.Errorf("extension %q was not offered", answer)
	}
	a := &agreement{serverBits: 15, clientBits: 15}
	seen := make(map[string]bool)
	for rest != "" {
		var param string
		param, rest, _ = strings.Cut(rest, ";")
		key, value, has := strings.Cut(param, "=")
		key = strings.TrimSpace(key)
		if seen[key] {
			return nil, fmt.Errorf("extension response %q has %s twice", answer, key)
		}
		seen[key] = true
		if err := a.set(key, strings.Trim(strings.TrimSpace(value), `"`), has); err != nil {
			return nil, fmt.Errorf("extension response %q: %w", answer, err)
		}
	}
	if a.clientBitsGiven && !strings.Contains(offer, "client_max_window_bits") {
		return nil, fmt.Errorf("extension response %q: client_max_window_bits was not offered", answer)
	}
	return a, nil
}

func (a *agreement) set(key, value string, has bool) error {
	switch key {
	case "server_no_context_takeover", "client_no_context_takeover":
		if has {
			return fmt.Errorf("%s takes no value", key)
		}
		if key[0] == 's' {
			a.serverNoContext = true
		} else {
			a.clientNoContext = true
		}
		return nil
	case "server_max_window_bits", "client_max_window_bits":
		bits, err := strconv.Atoi(value)
		if err != nil || bits < 8 || bits > 15 || strconv.Itoa(bits) != value {
			return fmt.Errorf("%s is %q instead of 8 to 15", key, value)
		}
		if key[0] == 's' {
			a.serverBits = bits
		} else {
			a.clientBits, a.clientBitsGiven = bits, true
		}
		return nil
	}
	return fmt.Errorf("unknown parameter %q", key)
}

// dishonoured tells in what way an accepted response does not do what the
// offer asked for; the verdicts do not depend on it. Any of several offers may
// be the one accepted.
func (a *agreement) dishonoured(offer string) string {
	var first string
	for one := range strings.SplitSeq(offer, ",") {
		why := a.dishonours(one)
		if why == "" {
			return ""
		}
		if first == "" {
			first = why
		}
	}
	return first
}

func (a *agreement) dishonours(one string) string {
	for param := range strings.SplitSeq(one, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		switch key {
		case "server_no_context_takeover":
			if !a.serverNoContext {
				return "asked for server_no_context_takeover, the response leaves it out"
			}
		case "server_max_window_bits":
			if bits, _ := strconv.Atoi(value); a.serverBits > bits {
				return fmt.Sprintf("asked for server_max_window_bits=%d, the response means %d", bits, a.serverBits)
			}
		}
	}
	return ""
}
