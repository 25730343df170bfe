package main

// fragmentation is group 5: breaches close with 1002, the rest is echoed.
func fragmentation() []Case {
	two := []Frame{text("fragment1").more(), cont("fragment2")}
	pinged := []Frame{two[0], ping("ping payload"), two[1]}
	both, hi := echoText("fragment1fragment2"), text(hello)
	stray := cont("non-continuation payload")
	texted := []Frame{text("fragment2").more(), cont("fragment3")}
	twice := func(stray Frame) []Frame {
		return []Frame{stray, texted[0], texted[1], stray, texted[0], texted[1]}
	}

	breach := func(id, what string, w Writes, fs ...Frame) Case {
		return Case{ID: id, What: what, Steps: steps(w, fs...), Expected: only(), Closing: fails(1002), Timer: killAfter(1)}
	}
	whole := func(id, what string, w Writes, fs []Frame, items ...Item) Case {
		return Case{ID: id, What: what, Steps: steps(w, fs...), Expected: only(items...), Closing: normal, Timer: closeAfter(1)}
	}
	late := func(id string, w Writes) Case {
		return Case{
			ID: id, What: "two pings among five fragments, a pause between: no pong waits for the message",
			Steps: []Step{
				send(w, text("fragment1").more(), cont("fragment2").more(), ping("pongme 1!")),
				pause(""),
				send(w, cont("fragment3").more(), cont("fragment4").more(), ping("pongme 2!"), cont("fragment5")),
			},
			Expected: only(ponged("pongme 1!"), ponged("pongme 2!"), echoText("fragment1fragment2fragment3fragment4fragment5")),
			Closing:  normal, Timer: closeAfter(1),
		}
	}
	after := breach("5.15", "a fragmented message, then CONT without FIN and nothing to continue, then text", together,
		two[0], two[1], cont("fragment3").more(), text("fragment4"))
	after.Expected = orNothing(both)

	return []Case{
		breach("5.1", "fragmented ping", together, ping("fragment1").more(), cont("fragment2")),
		breach("5.2", "fragmented pong", together, pong("fragment1").more(), cont("fragment2")),
		whole("5.3", "text in two fragments", together, two, both),
		whole("5.4", "text in two fragments", perFrame, two, both),
		whole("5.5", "text in two fragments, octet by octet", 1, two, both),
		whole("5.6", "ping between fragments: the pong comes before the echo", together, pinged, ponged("ping payload"), both),
		whole("5.7", "ping between fragments: the pong comes before the echo", perFrame, pinged, ponged("ping payload"), both),
		whole("5.8", "ping between fragments, octet by octet", 1, pinged, ponged("ping payload"), both),
		breach("5.9", "CONT with nothing to continue, then text", together, stray, hi),
		breach("5.10", "CONT with nothing to continue, then text", perFrame, stray, hi),
		breach("5.11", "CONT with nothing to continue, then text, octet by octet", 1, stray, hi),
		breach("5.12", "CONT without FIN and nothing to continue, then text", together, stray.more(), hi),
		breach("5.13", "CONT without FIN and nothing to continue, then text", perFrame, stray.more(), hi),
		breach("5.14", "CONT without FIN and nothing to continue, octet by octet", 1, stray.more(), hi),
		after,
		breach("5.16", "twice CONT without FIN and nothing to continue, then a fragmented text", together, twice(cont("fragment1").more())...),
		breach("5.17", "twice CONT with nothing to continue, then a fragmented text", together, twice(cont("fragment1"))...),
		breach("5.18", "the second fragment is TEXT instead of CONT", together, two[0], text("fragment2")),
		late("5.19", together),
		late("5.20", perFrame),
	}
}
