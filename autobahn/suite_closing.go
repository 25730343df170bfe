package main

import "fmt"

// closings is group 7 but for the tables of codes. After the Close frame
// nothing but the answer to it may come.
func closings() []Case {
	const hi = "Hello World!"
	end := closeCode(1000)
	closed := func(id, what string, closing Closing, fs ...Frame) Case {
		return Case{ID: id, What: what, Steps: steps(together, fs...), Expected: only(), Closing: closing, Timer: killAfter(1)}
	}
	first := closed("7.1.1", "an echo, then the closing handshake", normal, text(hi))
	first.Expected = only(echoText(hi))

	// The big echo, the small one and the answer to the Close frame race.
	race := closed("7.1.6", "256 KiB of text, a small text, a Close frame and a ping at once", replies(1000),
		frameOf(opText, rep("BAsd7&jh23", 262144)), text(hi), end, ping(""))
	race.Expected = orNothing(echoText(hi))
	race.Informational = true

	return []Case{
		first,
		closed("7.1.2", "a second Close frame is ignored", replies(1000), end, closeFrame(Payload{})),
		closed("7.1.3", "a ping after the Close frame is not answered", replies(1000), end, ping("")),
		closed("7.1.4", "a text after the Close frame is not echoed", replies(1000), end, text(hi)),
		closed("7.1.5", "a Close frame within a fragmented message", replies(1000), text("fragment1").more(), end, cont("fragment2")),
		race,
		closed("7.3.1", "no code", replies(1000), closeFrame(Payload{})),
		closed("7.3.2", "a payload of one octet", repliesOrDrops(1002), closeFrame(lit("a"))),
		closed("7.3.3", "a code", replies(1000), end),
		closed("7.3.4", "a code and a reason", replies(1000), closeReason(1000, hi)),
		closed("7.3.5", "the longest reason", replies(1000), closeFrame(longClose(1000, 123))),
		closed("7.3.6", "a reason that is too long", repliesOrDrops(1002), closeFrame(longClose(1000, 124))),
		closed("7.5.1", "a reason that is not UTF-8", repliesOrDrops(1002, 1007), closeReason(1000, surrogate)),
	}
}

// longClose is the payload of a Close frame with a reason of n asterisks.
func longClose(code, n int) Payload {
	return lit(string(closeCode(code).Payload.bytes()) + string(rep("*", n).bytes()))
}

// closeCodes is 7.7, 7.9 and 7.13: one Close frame with just a code.
func closeCodes() []Case {
	var cases []Case
	add := func(prefix, what string, codes []int, of func(code int) Closing) {
		for i, code := range codes {
			cases = append(cases, Case{
				ID: fmt.Sprint(prefix, i+1), What: fmt.Sprintf("%s: %d", what, code),
				Steps: steps(together, closeCode(code)), Expected: only(),
				Closing: of(code), Timer: killAfter(1), Informational: prefix == "7.13.",
			})
		}
	}
	add("7.7.", "valid code", []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999},
		func(code int) Closing {
			if code == 1000 {
				return replies(1000)
			}
			return replies(1000, code)
		})
	add("7.9.", "invalid code", []int{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999},
		func(int) Closing { return repliesOrDrops(1002) })
	add("7.13.", "code of no defined range", []int{5000, 65535},
		func(code int) Closing { return repliesOrDrops(1000, 1002, code) })
	return cases
}
