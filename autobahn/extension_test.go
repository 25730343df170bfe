package main

import "testing"

func TestParseAnswer(t *testing.T) {
	plain := agreement{serverBits: 15, clientBits: 15}
	with := func(change func(a *agreement)) *agreement {
		a := plain
		change(&a)
		return &a
	}
	for _, c := range []struct {
		answer string
		want   *agreement
		err    string
	}{
		{"", nil, ""},
		{"permessage-deflate", &plain, ""},
		{"permessage-deflate; client_no_context_takeover;server_no_context_takeover",
			with(func(a *agreement) { a.clientNoContext, a.serverNoContext = true, true }), ""},
		{`permessage-deflate; server_max_window_bits=9; client_max_window_bits="12"`,
			with(func(a *agreement) { a.serverBits, a.clientBits, a.clientBitsGiven = 9, 12, true }), ""},
		{"permessage-deflate; server_max_window_bits", nil,
			`extension response "permessage-deflate; server_max_window_bits": server_max_window_bits is "" instead of 8 to 15`},
		{"permessage-deflate; server_max_window_bits=7", nil,
			`extension response "permessage-deflate; server_max_window_bits=7": server_max_window_bits is "7" instead of 8 to 15`},
		{"permessage-deflate; server_max_window_bits=09", nil,
			`extension response "permessage-deflate; server_max_window_bits=09": server_max_window_bits is "09" instead of 8 to 15`},
		{"permessage-deflate; server_no_context_takeover=1", nil,
			`extension response "permessage-deflate; server_no_context_takeover=1": server_no_context_takeover takes no value`},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", nil,
			`extension response "permessage-deflate; server_no_context_takeover; server_no_context_takeover" has server_no_context_takeover twice`},
		{"permessage-deflate, permessage-deflate", nil, `extension "permessage-deflate, permessage-deflate" was not offered`},
		{"permessage-bzip2", nil, `extension "permessage-bzip2" was not offered`},
	} {
		got, err := parseAnswer(c.answer, usualOffer)
		message := ""
		if err != nil {
			message = err.Error()
		}
		if message != c.err || (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%q: got %+v, %q, want %+v, %q", c.answer, got, message, c.want, c.err)
		}
	}
}

// TestParseAnswerUnasked: window bits for the client need an offer.
func TestParseAnswerUnasked(t *testing.T) {
	_, err := parseAnswer("permessage-deflate; client_max_window_bits=12", "permessage-deflate")
	if err == nil {
		t.Error("no error")
	}
}

func TestDishonoured(t *testing.T) {
	for _, c := range []struct{ offer, answer, want string }{
		{usualOffer, "permessage-deflate", ""},
		{"permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9", ""},
		{"permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=8", ""},
		{"permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=12",
			"asked for server_max_window_bits=9, the response means 12"},
		{"permessage-deflate; server_no_context_takeover", "permessage-deflate",
			"asked for server_no_context_takeover, the response leaves it out"},
		{"permessage-deflate; server_max_window_bits=9, permessage-deflate", "permessage-deflate", ""}, // the second one was taken
	} {
		a, err := parseAnswer(c.answer, c.offer)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.dishonoured(c.offer); got != c.want {
			t.Errorf("%q to %q: got %q, want %q", c.answer, c.offer, got, c.want)
		}
	}
}
