package main

import (
	"fmt"
	"slices"
	"strings"
)

// An outcome is what is known of a conversation when it is over.
type outcome struct {
	refused error // the opening handshake never completed: nothing else is known

	items []Item
	kept  int // octets of items

	unimplemented bool
	mismatch      string // of trips: what was wrong; empty if all came back
	tripsDone     int
	notes         []string
	answer        string // to the offer of extensions

	breach      *breach // by the server, the first
	aborted     string  // why the runner gave up, if it did
	late        bool    // the case's timer ran out
	closedByMe  bool    // the first Close frame was the runner's
	droppedByMe bool
	clean       bool // a closing handshake
	gotClose    bool
	hasCode     bool // of the server's Close frame
	code        int
	reason      string
}

// What a server can make the runner keep.
const (
	maxItems = 10000
	maxKept  = 2 * largest
)

func (o *outcome) add(i Item) bool {
	o.kept += len(i.Payload.unit)
	if len(o.items) == maxItems || o.kept > maxKept {
		return false
	}
	o.items = append(o.items, i)
	return true
}

// matches compares what came, in order, with a list.
func (e Expectation) matches(items []Item, lengthOnly bool) bool {
	return slices.EqualFunc(e.Items, items, func(want, got Item) bool {
		switch {
		case want.Op != got.Op || want.Mark != got.Mark || want.Payload.size != got.Payload.size:
			return false
		case lengthOnly:
			return true
		}
		return string(want.Payload.bytes()) == string(got.Payload.bytes())
	})
}

// A judgement is the verdict on one question, and why.
type judgement struct {
	verdict Verdict
	why     string
}

// judge gives both verdicts. The rules on the closing go first to last.
func judge(c *Case, o *outcome) (behavior, closing judgement) {
	if o.refused != nil {
		why := "the opening handshake failed: " + o.refused.Error()
		return judgement{Failed, why}, judgement{Failed, why}
	}
	behavior, closing = judgeBehavior(c, o), judgeClosing(c, o)
	switch {
	case c.Informational:
		behavior.verdict, closing.verdict = Informational, Informational
	case closing.verdict == Failed && c.Closing.Fatal,
		closing.verdict == WrongCode && c.Group() == "7":
		behavior = closing
		behavior.verdict = Failed
	}
	return behavior, closing
}

func judgeBehavior(c *Case, o *outcome) judgement {
	switch {
	case o.aborted != "":
		return judgement{Failed, o.aborted}
	case o.breach != nil:
		return judgement{Failed, "the server sent " + o.breach.why}
	case o.unimplemented:
		return judgement{Unimplemented, "the server did not accept " + deflateName}
	case c.Trips != nil && o.mismatch != "":
		return judgement{Failed, o.mismatch}
	case c.Trips != nil:
		return judgement{OK, fmt.Sprintf("all %d messages came back", o.tripsDone)}
	}
	for _, e := range c.Expected {
		if e.matches(o.items, c.LengthOnly) {
			return judgement{e.Verdict, "what came is as expected"}
		}
	}
	return judgement{Failed, "expected " + c.expectation() + "; came " + listItems(o.items)}
}

func judgeClosing(c *Case, o *outcome) judgement {
	switch {
	case o.closedByMe && c.Closing.ByServer:
		return judgement{Failed, "the wrong endpoint closed: the server had to fail the connection, and " + o.dawdled()}
	case !o.closedByMe && !c.Closing.ByServer:
		return judgement{Failed, "the wrong endpoint closed: the server " + o.left() + ", before the runner closed"}
	case c.Closing.Clean && !o.clean:
		return judgement{Unclean, "a closing handshake is required; the server " + o.left()}
	case o.hasCode && !slices.Contains(c.Closing.Codes, o.code):
		return judgement{WrongCode, fmt.Sprintf("the server closed with %d; expected one of %v, or no code", o.code, c.Closing.Codes)}
	case o.droppedByMe:
		return judgement{FailedByClient, "the runner had to drop TCP, which the server should do"}
	}
	return judgement{OK, "the connection ended as it should: the server " + o.left()}
}

// dawdled says why the runner closed in the server's place.
func (o *outcome) dawdled() string {
	if o.breach != nil {
		return "sent " + o.breach.why
	}
	return "did not in time"
}

// left says how the server took its leave.
func (o *outcome) left() string {
	var how []string
	switch {
	case o.hasCode:
		how = append(how, fmt.Sprintf("closed with %d", o.code))
	case o.gotClose:
		how = append(how, "closed without a code")
	default:
		how = append(how, "sent no Close frame")
	}
	if o.droppedByMe {
		how = append(how, "did not drop TCP")
	} else {
		how = append(how, "dropped TCP")
	}
	return strings.Join(how, " and ")
}

// expectation is what may come, in words.
func (c *Case) expectation() string {
	if c.Trips != nil {
		return "OK: every message comes back with its type, length and content"
	}
	all := make([]string, len(c.Expected))
	for i, e := range c.Expected {
		all[i] = e.String()
	}
	return strings.Join(all, " / ")
}
