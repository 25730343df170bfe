package main

import "slices"

// suite is all cases in the order in which they are played.
func suite() []Case {
	return slices.Concat(
		framing(), pings(), reservedBits(), reservedOpcodes(), fragmentation(),
		texts(), textTable(), closings(), closeCodes(),
		bigMessages(), fragmented(), chopped(), roundTrips(), autoFragmented(),
		deflatePayloads(), deflateOffers(),
	)
}

const hello = "Hello, world!"

// notText is no UTF-8 and has octets of all kinds.
const notText = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"

// framing is group 1: messages at the boundaries of the length encodings.
func framing() []Case {
	sizes := []struct {
		id, what string
		size     int
		writes   Writes
		timer    Timer
	}{
		{"1", "empty message", 0, together, killAfter(1)},
		{"2", "largest 7-bit length", 125, together, killAfter(1)},
		{"3", "smallest 16-bit length", 126, together, killAfter(1)},
		{"4", "16-bit length", 127, together, killAfter(1)},
		{"5", "16-bit length", 128, together, killAfter(1)},
		{"6", "largest 16-bit length", 65535, together, killAfter(10)},
		{"7", "smallest 64-bit length", 65536, together, killAfter(10)},
		{"8", "64-bit length, in pieces of 997 octets", 65536, 997, killAfter(10)},
	}
	var cases []Case
	for _, kind := range []struct {
		prefix, unit string
		op           Op
	}{
		{"1.1.", "*", opText},
		{"1.2.", "\xfe", opBin},
	} {
		for _, s := range sizes {
			p := rep(kind.unit, s.size)
			cases = append(cases, Case{
				ID: kind.prefix + s.id, What: s.what, Steps: steps(s.writes, frameOf(kind.op, p)),
				Expected: only(echo(kind.op, p)), Closing: normal, Timer: s.timer,
			})
		}
	}
	return cases
}

// pings is group 2. In 2.7 and 2.8 the Close frame follows at once, and
// nothing but its answer may come.
func pings() []Case {
	const unsolicited = "unsolicited pong payload"
	longest := rep("\xfe", 125)
	var ten []Frame
	var answers []Item
	for i := range 10 {
		s := "payload-" + string(rune('0'+i))
		ten, answers = append(ten, ping(s)), append(answers, ponged(s))
	}
	cases := []Case{
		{ID: "2.1", What: "empty ping", Steps: steps(together, ping("")), Expected: only(ponged(""))},
		{ID: "2.2", What: "ping with ASCII payload", Steps: steps(together, ping(hello)), Expected: only(ponged(hello))},
		{ID: "2.3", What: "ping with a payload that is no UTF-8", Steps: steps(together, ping(notText)), Expected: only(ponged(notText))},
		{ID: "2.4", What: "ping with the largest payload", Steps: steps(together, frameOf(opPing, longest)), Expected: only(echo(opPong, longest))},
		{ID: "2.5", What: "ping that is one octet too long", Steps: steps(together, frameOf(opPing, rep("\xfe", 126))),
			Expected: only(), Closing: fails(1002), Timer: killAfter(1)},
		{ID: "2.6", What: "largest ping octet by octet", Steps: steps(1, frameOf(opPing, longest)), Expected: only(echo(opPong, longest)), Timer: closeAfter(2)},
		{ID: "2.7", What: "unsolicited empty pong is ignored", Steps: steps(together, pong(""), closeCode(1000)), Expected: only()},
		{ID: "2.8", What: "unsolicited pong with payload is ignored", Steps: steps(together, pong(unsolicited), closeCode(1000)), Expected: only()},
		{ID: "2.9", What: "unsolicited pong is ignored, the ping after it answered",
			Steps: steps(together, pong(unsolicited), ping("ping payload")), Expected: only(ponged("ping payload"))},
		{ID: "2.10", What: "ten pings at once: ten pongs in order", Steps: steps(together, ten...), Expected: only(answers...), Timer: closeAfter(3)},
		{ID: "2.11", What: "ten pings octet by octet: ten pongs in order", Steps: steps(1, ten...), Expected: only(answers...), Timer: closeAfter(3)},
	}
	return withDefaults(cases, normal, closeAfter(1))
}

// withDefaults fills in what most of a group have in common.
func withDefaults(cases []Case, closing Closing, timer Timer) []Case {
	for i := range cases {
		if cases[i].Closing.Codes == nil {
			cases[i].Closing = closing
		}
		if cases[i].Timer.After == 0 {
			cases[i].Timer = timer
		}
	}
	return cases
}

// reservedBits is group 3; no extension is negotiated. What the suite calls a
// ping in 3.6 is a binary message in fact, and so it is here.
func reservedBits() []Case {
	good := text(hello)
	binary := frameOf(opBin, lit(notText))
	cases := []Case{
		{ID: "3.1", What: "RSV3", Steps: steps(together, good.rsv(1)), Expected: only()},
		{ID: "3.2", What: "good message, then RSV2", Steps: steps(together, good, good.rsv(2), ping("")), Expected: orNothing(echoText(hello))},
		{ID: "3.3", What: "good message, then RSV2 and RSV3", Steps: steps(perFrame, good, good.rsv(3), ping("")), Expected: orNothing(echoText(hello))},
		{ID: "3.4", What: "good message, then RSV1 without compression, octet by octet",
			Steps: steps(1, good, good.rsv(4), ping("")), Expected: orNothing(echoText(hello))},
		{ID: "3.5", What: "RSV1 and RSV3 on a binary message", Steps: steps(together, binary.rsv(5)), Expected: only()},
		{ID: "3.6", What: "RSV1 and RSV2 on a binary message", Steps: steps(together, frameOf(opBin, lit(hello)).rsv(6)), Expected: only()},
		{ID: "3.7", What: "all reserved bits on a close frame", Steps: steps(together, closeFrame(Payload{}).rsv(7)), Expected: only()},
	}
	return withDefaults(cases, fails(1002), killAfter(1))
}

// reservedOpcodes is group 4: five data opcodes, then five control opcodes.
func reservedOpcodes() []Case {
	const payload = "reserved opcode payload"
	var cases []Case
	for _, kind := range []struct {
		prefix string
		first  Op
	}{
		{"4.1.", 3},
		{"4.2.", 11},
	} {
		bad := func(i Op, s string) Frame { return frameOf(kind.first+i, lit(s)) }
		cases = append(cases,
			Case{ID: kind.prefix + "1", What: "reserved opcode, empty", Steps: steps(together, bad(0, "")), Expected: only()},
			Case{ID: kind.prefix + "2", What: "reserved opcode with payload", Steps: steps(together, bad(1, payload)), Expected: only()},
			Case{ID: kind.prefix + "3", What: "good message, reserved opcode, ping",
				Steps: steps(together, text(hello), bad(2, ""), ping("")), Expected: orNothing(echoText(hello))},
			Case{ID: kind.prefix + "4", What: "good message, reserved opcode with payload, ping",
				Steps: steps(together, text(hello), bad(3, hello), ping("")), Expected: orNothing(echoText(hello))},
			Case{ID: kind.prefix + "5", What: "good message, reserved opcode with payload, ping, octet by octet",
				Steps: steps(1, text(hello), bad(4, hello), ping("")), Expected: orNothing(echoText(hello))},
		)
	}
	return withDefaults(cases, fails(1002), killAfter(1))
}
