package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A WireFrame is a frame in the record of a case.
type WireFrame struct {
	AtMS     float64 `json:"ms"` // since the handshake was done
	Sent     bool    `json:"sent"`
	Text     string  `json:"frame"`
	Omitted  int     `json:"omitted,omitempty"` // frames left out before this one
	op       Op
	fin      bool
	rest     bool
	rsv      byte
	size     int
	declared int
	head     []byte
}

// A wirelog records what went over the wire, abbreviated: if there were more
// than most frames, the first and the last ones.
type wirelog struct {
	start   time.Time
	frames  []WireFrame
	omitted int
}

const (
	logMost  = 60
	logFirst = 12
	logLast  = 8
)

func (l *wirelog) add(f WireFrame, payload []byte) {
	f.AtMS = float64(time.Since(l.start).Microseconds()) / 1000
	f.size, f.head = len(payload), slices.Clone(payload[:min(len(payload), shown)])
	switch {
	case l.omitted == 0 && len(l.frames) < logMost:
	case l.omitted == 0:
		l.omitted = logMost - logFirst - logLast + 1
		l.frames = slices.Delete(l.frames, logFirst, logFirst+l.omitted)
	default:
		l.omitted++
		l.frames = slices.Delete(l.frames, logFirst, logFirst+1)
	}
	l.frames = append(l.frames, f)
}

func (l *wirelog) sent(f Frame, payload []byte) {
	l.add(WireFrame{Sent: true, op: f.Op, fin: !f.More, rest: f.Rest, rsv: f.RSV, declared: f.Declared}, payload)
}

func (l *wirelog) received(f received) {
	l.add(WireFrame{op: f.op, fin: f.fin, rsv: f.rsv}, f.payload)
}

// written is the record in words.
func (l *wirelog) written() []WireFrame {
	for i := range l.frames {
		l.frames[i].Text = l.frames[i].words()
	}
	if l.omitted > 0 {
		l.frames[logFirst].Omitted = l.omitted
	}
	return l.frames
}

// words describes a frame as the tables of cases do: ~ is for FIN=0.
func (f *WireFrame) words() string {
	if f.rest {
		return fmt.Sprintf("(more of the frame) %s", abbreviate(f.head, f.size))
	}
	var b strings.Builder
	b.WriteString(f.op.String())
	if !f.fin {
		b.WriteString("~")
	}
	if f.rsv != 0 {
		fmt.Fprintf(&b, "[rsv=%03b]", f.rsv)
	}
	if f.declared > 0 {
		fmt.Fprintf(&b, " (the first of %d octets)", f.declared)
	}
	if f.op == opClose && f.size >= 2 {
		fmt.Fprintf(&b, " %d", int(f.head[0])<<8|int(f.head[1]))
		if f.size > 2 {
			fmt.Fprintf(&b, " %s", abbreviate(f.head[2:], f.size-2))
		}
		return b.String()
	}
	fmt.Fprintf(&b, " %s", abbreviate(f.head, f.size))
	return b.String()
}
