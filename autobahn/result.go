package main

// A Result is the record of one case. The names in JSON are the suite's.
type Result struct {
	ID            string      `json:"id"`
	Description   string      `json:"description"`
	Expectation   string      `json:"expectation"`      // in words
	ExpectedClose string      `json:"expectationClose"` // in words
	Expected      []string    `json:"expected"`         // the lists
	Received      []string    `json:"received"`         // what came, abbreviated
	Behavior      Verdict     `json:"behavior"`
	Why           string      `json:"result"`
	BehaviorClose Verdict     `json:"behaviorClose"`
	WhyClose      string      `json:"resultClose"`
	DurationMS    int64       `json:"duration"`
	CloseCode     *int        `json:"remoteCloseCode"`
	CloseReason   *string     `json:"remoteCloseReason"`
	Offer         string      `json:"offer,omitempty"`  // of extensions
	Answer        string      `json:"answer,omitempty"` // to the offer
	Notes         []string    `json:"notes,omitempty"`  // not part of the verdict
	Frames        []WireFrame `json:"wirelog"`
}

func newResult(c *Case, o *outcome) *Result {
	behavior, closing := judge(c, o)
	r := &Result{
		ID: c.ID, Description: c.What, Expectation: c.expectation(), ExpectedClose: c.Closing.String(),
		Expected: []string{}, Received: []string{},
		Behavior: behavior.verdict, Why: behavior.why, BehaviorClose: closing.verdict, WhyClose: closing.why,
		Offer: c.Offer, Answer: o.answer, Notes: o.notes,
	}
	for _, e := range c.Expected {
		r.Expected = append(r.Expected, e.String())
	}
	for _, i := range o.items[:min(len(o.items), logMost)] {
		r.Received = append(r.Received, i.String())
	}
	if o.hasCode {
		r.CloseCode = &o.code
		r.CloseReason = &o.reason
	}
	return r
}

// good tells whether nobody has to look at it.
func (r *Result) good() bool { return r.Behavior.good() && r.BehaviorClose.good() }
