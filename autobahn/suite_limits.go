package main

import "fmt"

// What group 9 sends; the units are shorter than most buffers and of odd
// lengths.
const (
	textUnit   = "BAsd7&jh23"
	binaryUnit = "\x00\xfe\x23\xfa\xf0"
	kib        = 1024
	mib        = 1024 * kib
)

func limit(id, what string, step Step, op Op, p Payload, seconds float64) Case {
	return Case{
		ID: id, What: what, Steps: []Step{step}, Expected: only(echo(op, p)), LengthOnly: true,
		Closing: normal, Timer: closeAfter(seconds),
	}
}

// bigMessages is 9.1 and 9.2: one frame each.
func bigMessages() []Case {
	var cases []Case
	for _, kind := range []struct {
		prefix string
		op     Op
		unit   string
		limits [6]float64
	}{
		{"9.1.", opText, textUnit, [6]float64{10, 10, 100, 100, 100, 100}},
		{"9.2.", opBin, binaryUnit, [6]float64{10, 10, 10, 10, 100, 100}},
	} {
		for i, size := range []int{64 * kib, 256 * kib, mib, 4 * mib, 8 * mib, 16 * mib} {
			p := rep(kind.unit, size)
			cases = append(cases, limit(fmt.Sprint(kind.prefix, i+1), fmt.Sprintf("%d KiB in one frame", size/kib),
				send(together, frameOf(kind.op, p)), kind.op, p, kind.limits[i]))
		}
	}
	return cases
}

// fragmented is 9.3 and 9.4: 4 MiB in fragments of ever greater size. Where
// the size divides 4 MiB there is an empty last frame.
func fragmented() []Case {
	const size = 4 * mib
	var cases []Case
	for _, kind := range []struct {
		prefix string
		op     Op
	}{
		{"9.3.", opText},
		{"9.4.", opBin},
	} {
		for i := range 9 {
			unit := "*"
			if kind.op == opBin && i == 0 {
				unit = "\xfe"
			}
			p, what, frames := rep(unit, size), "4 MiB in one frame", []Frame{frameOf(kind.op, rep(unit, size))}
			if i < 8 {
				fragment := 64 << (2 * i)
				what = fmt.Sprintf("4 MiB in fragments of %d octets", fragment)
				frames = fragments(kind.op, unit, size, fragment)
			}
			cases = append(cases, limit(fmt.Sprint(kind.prefix, i+1), what, send(together, frames...), kind.op, p, 100))
		}
	}
	return cases
}

// fragments cuts a payload of size octets into frames of at most n octets,
// where all units begin anew. An empty last frame follows if they are all full.
func fragments(op Op, unit string, size, n int) []Frame {
	frames := []Frame{frameOf(op, rep(unit, min(n, size))).more()}
	for at := n; at <= size; at += n {
		frames = append(frames, frameOf(opCont, rep(unit, min(n, size-at))).more())
	}
	frames[len(frames)-1].More = false
	return frames
}

// chopped is 9.5 and 9.6: 1 MiB in one frame, in small writes.
func chopped() []Case {
	var cases []Case
	for _, kind := range []struct {
		prefix string
		op     Op
		unit   string
	}{
		{"9.5.", opText, textUnit},
		{"9.6.", opBin, binaryUnit},
	} {
		for i := range 6 {
			n, p := 64<<i, rep(kind.unit, mib)
			cases = append(cases, limit(fmt.Sprint(kind.prefix, i+1), fmt.Sprintf("1 MiB in one frame, in writes of %d octets", n),
				send(Writes(n), frameOf(kind.op, p)), kind.op, p, 1000))
		}
	}
	return cases
}

// Trips are messages sent one at a time, each after the echo of the one
// before.
type Trips struct {
	Op       Op
	Count    int     // 0: what the configuration says
	Payload  Payload // each message, unless there is a File
	File     *File   // the messages are cut out of it, compressed and compared
	Size     int     // of a message out of File, in characters or octets
	Fragment int     // a compressed message's frames have at most that many octets; 0 means one frame
}

// roundTrips is 9.7 and 9.8.
func roundTrips() []Case {
	var cases []Case
	limits := [6]float64{60, 60, 60, 120, 240, 480}
	for _, kind := range []struct {
		prefix string
		op     Op
		unit   string
	}{
		{"9.7.", opText, "*"},
		{"9.8.", opBin, "\xfe"},
	} {
		for i, size := range []int{0, 16, 64, 256, kib, 4 * kib} {
			cases = append(cases, Case{
				ID: fmt.Sprint(kind.prefix, i+1), What: fmt.Sprintf("1000 round trips of %d octets", size),
				Trips:      &Trips{Op: kind.op, Count: 1000, Payload: rep(kind.unit, size)},
				LengthOnly: true, Closing: normal, Timer: closeAfter(limits[i]),
			})
		}
	}
	return cases
}

// autoFragmented is group 10.
func autoFragmented() []Case {
	p := rep("*", 65536)
	return []Case{{
		ID: "10.1.1", What: "64 KiB in frames of 1300 octets",
		Steps: steps(together, fragments(opText, "*", 65536, 1300)...), Expected: only(echo(opText, p)),
		Closing: normal, Timer: killAfter(10),
	}}
}
