package vm

import (
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/pattern"
)

const (
	// maxText bounds the strings that library functions make, in bytes.
	maxText = 64 << 20

	// stepsPerInstruction is how many steps of a pattern take about the time of an
	// instruction.
	stepsPerInstruction = 8

	// keepPatterns is how many compiled patterns an instance keeps, and
	// longPattern the length from which on one is not kept.
	keepPatterns = 128
	longPattern  = 128
)

// texts are what the functions of string that match patterns need. Owned by the
// baton's holder.
type texts struct {
	matcher  pattern.Matcher
	programs map[string]*pattern.Program
}

func (in *Instance) initTexts() {
	in.texts.programs = make(map[string]*pattern.Program)
	in.texts.matcher.Spend = func(steps int) error { return in.spend(1 + steps/stepsPerInstruction) }
}

// program is the compiled pattern.
func (t *texts) program(L *lua.LState, source string) *pattern.Program {
	if p := t.programs[source]; p != nil {
		return p
	}
	fail(L, Of(L).spend(len(source)/4))
	p := pattern.Compile(source, true)
	if len(source) < longPattern {
		if len(t.programs) >= keepPatterns {
			clear(t.programs)
		}
		t.programs[source] = p
	}
	return p
}

// fail raises an error of a budget, or of a pattern.
func fail(L *lua.LState, err error) {
	if err != nil {
		L.RaiseError("%s", err.Error())
	}
}

// spendBytes counts the work on n bytes.
func spendBytes(L *lua.LState, n int) { fail(L, Of(L).spend(n/bytesPerStep)) }

// makeBytes counts n bytes that are about to be made.
func makeBytes(L *lua.LState, n int) {
	spendBytes(L, n)
	fail(L, Of(L).allocate(n))
}

// checkText raises an error for a text of n bytes that is too long to be made.
func checkText(L *lua.LState, n int, function string) {
	if n > maxText {
		L.RaiseError("resulting string too large (%s: at most %d bytes)", function, maxText)
	}
}

// find is string.find.
func find(L *lua.LState) int {
	s, p := L.CheckString(1), L.CheckString(2)
	from := offset(L, len(s))
	if lua.LVAsBool(L.Get(4)) || pattern.Plain(p) {
		spendBytes(L, len(s)-from)
		i := strings.Index(s[from:], p)
		if i < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(from + i + 1))
		L.Push(lua.LNumber(from + i + len(p)))
		return 2
	}
	t := &Of(L).texts
	program := t.program(L, p)
	start, end, ok := t.find(L, program, s, from)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(start + 1))
	L.Push(lua.LNumber(end))
	return 2 + t.pushCaptures(L, program, s)
}

// match is string.match.
func match(L *lua.LState) int {
	s, p := L.CheckString(1), L.CheckString(2)
	from := offset(L, len(s))
	t := &Of(L).texts
	program := t.program(L, p)
	start, end, ok := t.find(L, program, s, from)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	return t.pushMatch(L, program, s, start, end)
}

// offset is where the third argument has a search in n bytes begin.
func offset(L *lua.LState, n int) int {
	i := optInt(L, 3, 1)
	if i < 0 {
		i = max(i+n+1, 1)
	}
	return min(max(i, 1)-1, n)
}

// optInt is the n-th argument, a number or the text of one; d where there is none.
func optInt(L *lua.LState, n, d int) int {
	if L.Get(n) == lua.LNil {
		return d
	}
	return checkInt(L, n)
}

// checkInt is the n-th argument, without its fraction, and as far as an int reaches.
func checkInt(L *lua.LState, n int) int {
	switch f := float64(L.CheckNumber(n)); {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	case f != f:
		return 0
	default:
		return int(f)
	}
}

// find finds the first match from there on.
func (t *texts) find(L *lua.LState, p *pattern.Program, s string, from int) (start, end int, ok bool) {
	t.matcher.Allowance = pattern.Allowance(len(s))
	start, end, ok, err := t.matcher.Find(p, s, from)
	fail(L, err)
	return start, end, ok
}

// pushCaptures pushes the captures of the match.
func (t *texts) pushCaptures(L *lua.LState, p *pattern.Program, s string) int {
	for i := range p.Captures() {
		L.Push(t.capture(L, p, s, i))
	}
	return p.Captures()
}

func (t *texts) capture(L *lua.LState, p *pattern.Program, s string, i int) lua.LValue {
	if p.Unfinished(i) {
		L.RaiseError("unfinished capture")
	}
	text, place, isPlace := t.matcher.Capture(s, i)
	if isPlace {
		return lua.LNumber(place + 1)
	}
	return lua.LString(part(L, s, text))
}

// longText is the length from which on a small part of a text is a copy.
const longText = 1024

// part is a part of a text that Lua is to have: where it is a small one of a long
// text it is a copy, or the text would be kept for it.
func part(L *lua.LState, whole, text string) string {
	if len(whole) < longText || 2*len(text) > len(whole) {
		return text
	}
	if len(text) >= bytesPerStep {
		makeBytes(L, len(text))
	}
	return strings.Clone(text)
}

// pushMatch pushes the captures, or all of the match where there are none.
func (t *texts) pushMatch(L *lua.LState, p *pattern.Program, s string, start, end int) int {
	if p.Captures() == 0 {
		L.Push(lua.LString(part(L, s, s[start:end])))
		return 1
	}
	return t.pushCaptures(L, p, s)
}

// gmatch is string.gmatch.
func gmatch(L *lua.LState) int {
	s, p := L.CheckString(1), L.CheckString(2)
	var program *pattern.Program
	if strings.HasPrefix(p, "^") {
		fail(L, Of(L).spend(len(p)/4))
		program = pattern.Compile(p, false) // it would match at each place
	} else {
		program = Of(L).texts.program(L, p)
	}
	from, allowance := 0, pattern.Allowance(len(s))
	iterator := func(L *lua.LState) int {
		if from > len(s) {
			return 0
		}
		t := &Of(L).texts
		t.matcher.Allowance = allowance
		start, end, ok, err := t.matcher.Find(program, s, from)
		allowance = t.matcher.Allowance
		fail(L, err)
		if !ok {
			from = len(s) + 1
			return 0
		}
		if from = end; end == start {
			from++
		}
		return t.pushMatch(L, program, s, start, end)
	}
	L.Push(L.NewClosure(iterator, lua.LString(s))) // where memory is measured it is seen there
	return 1
}

// gsub is string.gsub.
func gsub(L *lua.LState) int {
	s, p, most := L.CheckString(1), L.CheckString(2), optInt(L, 4, -1)
	g := gsubbing{L: L, s: s, program: Of(L).texts.program(L, p), replacement: L.Get(3), most: most}
	if most < 0 && L.Get(4) == lua.LNil {
		g.most = len(s) + 1
	}
	switch r := g.replacement.(type) {
	case lua.LString, lua.LNumber:
		g.text = r.String()
		g.literal = strings.IndexByte(g.text, '%') < 0
	case *lua.LTable, *lua.LFunction:
	default:
		L.ArgError(3, "string/function/table expected, got "+r.Type().String())
	}
	g.run()
	if g.replaced {
		checkText(L, g.out.Len()+len(s)-g.copied, "string.gsub")
		g.out.WriteString(s[g.copied:])
		L.Push(lua.LString(g.out.String()))
	} else {
		L.Push(lua.LString(s))
	}
	L.Push(lua.LNumber(g.count))
	return 2
}

// A gsubbing is a call of string.gsub. Functions and metamethods that it calls may
// match patterns themselves, and wait: nothing is kept in texts meanwhile.
type gsubbing struct {
	L           *lua.LState
	s           string
	program     *pattern.Program
	replacement lua.LValue
	text        string // of a replacement that is a string
	literal     bool   // there is no % in it
	most        int

	out      strings.Builder
	copied   int // how much of s is in out, or replaced there
	count    int
	replaced bool
}

// run replaces what matches, from the beginning to the end.
func (g *gsubbing) run() {
	t := &Of(g.L).texts
	allowance := pattern.Allowance(len(g.s))
	for at := 0; g.count < g.most && at <= len(g.s); {
		t.matcher.Allowance = allowance
		start, end, ok, err := t.matcher.Find(g.program, g.s, at)
		allowance = t.matcher.Allowance
		fail(g.L, err)
		if !ok {
			return
		}
		g.count++
		g.replace(t, start, end)
		if at = end; end == start {
			at++
		}
		if g.program.Anchored() {
			return
		}
	}
}

// replace puts in what stands for a match.
func (g *gsubbing) replace(t *texts, start, end int) {
	switch r := g.replacement.(type) {
	case *lua.LTable:
		key := lua.LValue(lua.LString(g.s[start:end])) // which is not kept
		if g.program.Captures() > 0 {
			key = t.capture(g.L, g.program, g.s, 0)
		}
		g.put(start, end, g.L.GetTable(r, key))
	case *lua.LFunction:
		g.L.Push(r)
		g.L.Call(t.pushMatch(g.L, g.program, g.s, start, end), 1)
		v := g.L.Get(-1)
		g.L.Pop(1)
		g.put(start, end, v)
	default:
		g.begin(start, end)
		if g.literal {
			g.write(g.text)
		} else {
			g.expand(t, start, end)
		}
	}
}

// put puts in a value that a table or function has for a match.
func (g *gsubbing) put(start, end int, v lua.LValue) {
	switch v := v.(type) {
	case lua.LString, lua.LNumber:
		g.begin(start, end)
		g.write(v.String())
	default:
		if lua.LVAsBool(v) {
			g.L.RaiseError("invalid replacement value (a %s)", v.Type())
		}
	}
}

// begin copies what is before a match, which is left out.
func (g *gsubbing) begin(start, end int) {
	g.write(g.s[g.copied:start])
	g.copied, g.replaced = end, true
}

func (g *gsubbing) write(text string) {
	checkText(g.L, g.out.Len()+len(text), "string.gsub")
	if len(text) >= bytesPerStep {
		makeBytes(g.L, len(text))
	} else {
		fail(g.L, Of(g.L).spend(1))
	}
	g.out.WriteString(text)
}

// expand writes the replacement with the captures it names.
func (g *gsubbing) expand(t *texts, start, end int) {
	text := g.text
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 || i+1 == len(text) {
			g.write(strings.TrimSuffix(text, "%"))
			return
		}
		g.write(text[:i])
		c := text[i+1]
		text = text[i+2:]
		switch {
		case c < '0' || c > '9':
			g.write(string([]byte{c}))
		case c == '0' || c == '1' && g.program.Captures() == 0:
			g.write(g.s[start:end])
		case int(c-'1') >= g.program.Captures():
			g.L.RaiseError("invalid capture index")
		default:
			g.write(t.capture(g.L, g.program, g.s, int(c-'1')).String())
		}
	}
}
