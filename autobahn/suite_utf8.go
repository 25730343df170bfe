package main

import "strings"

const (
	multibyte = "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!"
	greek     = "\u03ba\u1f79\u03c3\u03bc\u03b5"
	surrogate = greek + "\xed\xa0\x80edited"
)

// texts is 6.1 to 6.4: UTF-8 cut into frames, and invalid text that should be
// noticed at its first offending octet.
func texts() []Case {
	good := func(id, what, message string, fs ...Frame) Case {
		return Case{ID: id, What: what, Steps: steps(together, fs...), Expected: only(echoText(message)), Closing: normal, Timer: closeAfter(1)}
	}
	bad := func(id, what string, fs ...Frame) Case {
		return Case{ID: id, What: what, Steps: steps(together, fs...), Expected: only(), Closing: fatally(1007), Timer: killAfter(1)}
	}
	return []Case{
		good("6.1.1", "empty text", "", text("")),
		good("6.1.2", "three empty fragments are one empty text", "", text("").more(), cont("").more(), cont("")),
		good("6.1.3", "empty, non-empty and empty fragment", "middle frame payload",
			text("").more(), cont("middle frame payload").more(), cont("")),
		good("6.2.1", "multi-byte text in one frame", multibyte, text(multibyte)),
		good("6.2.2", "split between code points", multibyte, text(multibyte[:15]).more(), cont(multibyte[15:])),
		good("6.2.3", "every octet a frame, then an empty one", multibyte, octetFrames(multibyte)...),
		good("6.2.4", "Greek, every octet a frame, then an empty one", greek, octetFrames(greek)...),
		bad("6.3.1", "a surrogate, U+D800, in one frame", text(surrogate)),
		bad("6.3.2", "a surrogate, every octet a frame, then an empty one", octetFrames(surrogate)...),
		failFast("6.4.1", "the second fragment is above U+10FFFF", false, greek, "\xf4\x90\x80\x80", "edited"),
		failFast("6.4.2", "the second fragment is the one offending octet", false, greek+"\xf4", "\x90", "\x80\x80edited"),
		failFast("6.4.3", "as 6.4.1, in pieces of one frame", true, greek, "\xf4\x90\x80\x80", "edited"),
		failFast("6.4.4", "as 6.4.2, in pieces of one frame", true, greek+"\xf4", "\x90", "\x80\x80edited"),
	}
}

// fatally: to close at the wrong side fails the behavior, too.
func fatally(code int) Closing {
	c := fails(code)
	c.Fatal = true
	return c
}

// octetFrames is a text of one frame per octet and an empty last one.
func octetFrames(s string) []Frame {
	frames := []Frame{text(s[:1]).more()}
	for i := range len(s) - 1 {
		frames = append(frames, cont(s[i+1:i+2]).more())
	}
	return append(frames, cont(""))
}

// failFast sends three parts with pauses between, the second of which makes
// the text invalid: the connection has to be open at mark A, and should not be
// at mark B.
func failFast(id, what string, oneFrame bool, a, b, c string) Case {
	first, second, third := text(a).more(), cont(b).more(), []Frame{cont(c)}
	if oneFrame {
		first.Declared = len(a) + len(b) + len(c)
		second = Frame{Payload: lit(b), Rest: true}
		third = []Frame{{Payload: lit(c), Rest: true}, cont("")}
	}
	return Case{
		ID: id, What: "fail fast: " + what,
		Steps: []Step{send(together, first), pause("A"), send(together, second), pause("B"), send(together, third...)},
		Expected: []Expectation{
			{OK, []Item{mark("A")}},
			{NonStrict, []Item{mark("A"), mark("B")}},
		},
		Closing: fatally(1007), Timer: killAfter(1),
	}
}

// textTable is 6.5 to 6.23: one text frame each, and half a second for all of
// it.
func textTable() []Case {
	var cases []Case
	for line := range strings.Lines(textTableData) {
		id, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		payload, what, _ := strings.Cut(rest, " ")
		p := hexa(strings.TrimPrefix(payload, "!"))
		c := Case{ID: id, What: what, Steps: steps(together, frameOf(opText, p)), Timer: killAfter(0.5)}
		if payload[0] == '!' {
			c.Expected, c.Closing = only(), fatally(1007)
		} else {
			c.Expected, c.Closing = only(echo(opText, p)), normal
		}
		cases = append(cases, c)
	}
	return cases
}
