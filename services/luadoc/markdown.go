package luadoc

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Markdown returns the reference page: the introduction, a line for each function, and
// all that the description says of each. It is the same for the same Doc.
func (d *Doc) Markdown() string {
	p := &page{doc: d, anchors: make(map[string]int), place: make(map[string]string)}
	p.arrange()
	p.line("# %s", d.Name)
	p.paragraph(d.Text)
	p.contents()
	if m := d.Main; m != nil {
		p.paragraph(m.Text)
		p.called(m)
		p.fields(m.Fields)
	}
	for _, f := range d.Vars {
		p.heading(2, f.Name)
		p.paragraph(fence(f.Name + " --> " + f.Type))
		p.paragraph(f.Text)
	}
	for _, f := range p.functions {
		p.function(2, f)
	}
	for _, c := range p.classes {
		p.class(c)
	}
	for _, a := range d.Aliases {
		p.heading(2, a.Name)
		p.paragraph(a.Text)
		if a.Type != "" {
			p.paragraph(p.typ(a.Type))
		}
		p.options("", a.Options)
	}
	return p.b.String()
}

// A page is one that is being written.
type page struct {
	doc       *Doc
	functions []*Func  // of Main, global ones, and those of Lua's tables
	classes   []*Class // but for Main
	b         strings.Builder
	anchors   map[string]int    // how many headings have had each
	place     map[string]string // of types, by their names
}

// arrange decides what comes where, and finds the anchors that types will have.
func (p *page) arrange() {
	d := p.doc
	if d.Main != nil {
		p.functions = append(p.functions, d.Main.Funcs...)
	}
	p.functions = append(p.functions, d.Funcs...)
	p.classes = slices.DeleteFunc(slices.Clone(d.Classes), func(c *Class) bool { return c == d.Main })
	p.anchor(d.Name) // the title's
	for _, h := range p.headings() {
		p.place[h] = p.anchor(h)
	}
}

// headings are those below the title, in order.
func (p *page) headings() (all []string) {
	for _, f := range p.doc.Vars {
		all = append(all, f.Name)
	}
	for _, f := range p.functions {
		all = append(all, f.FullName())
	}
	for _, c := range p.classes {
		all = append(all, c.Name)
		for _, f := range c.Funcs {
			all = append(all, f.FullName())
		}
	}
	for _, a := range p.doc.Aliases {
		all = append(all, a.Name)
	}
	return all
}

// line writes a line.
func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

// paragraph writes a text with an empty line above it, if there is one.
func (p *page) paragraph(text string) {
	if text != "" {
		p.line("\n%s", text)
	}
}

func (p *page) heading(level int, text string) { p.line("\n%s %s", strings.Repeat("#", level), text) }

var notInAnchors = regexp.MustCompile(`[^a-z0-9 _-]`)

// anchor is what forges make of a heading for links to it.
func (p *page) anchor(heading string) string {
	a := strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
	n := p.anchors[a]
	if p.anchors[a]++; n > 0 {
		return fmt.Sprintf("%s-%d", a, n)
	}
	return a
}

// contents is a line for each variable, function and class.
func (p *page) contents() {
	if len(p.headings()) < 2 {
		return
	}
	p.line("")
	entry := func(indent, shown, heading, text string) {
		if text = firstSentence(text); text != "" {
			text = ": " + text
		}
		p.line("%s- [`%s`](#%s)%s", indent, shown, p.place[heading], text)
	}
	for _, f := range p.doc.Vars {
		entry("", f.Name, f.Name, f.Text)
	}
	for _, f := range p.functions {
		entry("", f.call(), f.FullName(), f.Text)
	}
	for _, c := range p.classes {
		entry("", c.Name, c.Name, c.Text)
		for _, f := range c.Funcs {
			entry("  ", f.call(), f.FullName(), f.Text)
		}
	}
	for _, a := range p.doc.Aliases {
		entry("", a.Name, a.Name, a.Text)
	}
}

// Summary is the first sentence of the introduction, in one line and without its full stop.
func (d *Doc) Summary() string { return firstSentence(d.Text) }

var link = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// firstSentence is that of a text, in one line, without its full stop, and without links:
// it may stand on another page.
func firstSentence(text string) string {
	text, _, _ = strings.Cut(text, "\n\n")
	text = link.ReplaceAllString(strings.Join(strings.Fields(text), " "), "$1")
	text, _, _ = strings.Cut(text, ". ")
	return strings.TrimRight(text, ".:")
}

// function writes all about a function.
func (p *page) function(level int, f *Func) {
	p.heading(level, f.FullName())
	calls := []string{f.call() + arrow(f.Results)}
	for _, o := range f.Overloads {
		calls = append(calls, f.FullName()+arguments(o.Params)+arrow(o.Results))
	}
	p.paragraph(fence(strings.Join(calls, "\n")))
	if f.Deprecated {
		p.paragraph(strings.TrimSpace("**Deprecated.** " + f.Instead))
	}
	p.paragraph(f.Text)
	if f.Async {
		p.paragraph("It waits, and others of the instance go on meanwhile.")
	}
	if f.Generics != "" {
		p.paragraph("Any type: `" + f.Generics + "`.")
	}
	p.params(f.Params)
	p.results(f.Results)
	if len(f.See) > 0 {
		p.paragraph("See " + strings.Join(f.See, ", ") + ".")
	}
}

func fence(code string) string { return "```lua\n" + code + "\n```" }

// call is how f is called: "q:recv([timeout])".
func (f *Func) call() string { return f.FullName() + arguments(f.Params) }

// arguments are parameters in brackets, those that may be left out in square ones.
func arguments(params []Param) string {
	required := len(params)
	if required > 1 && params[required-1].Name == "..." && params[required-2].Optional {
		required--
	}
	for required > 0 && params[required-1].Optional {
		required--
	}
	text := ""
	for i, param := range params {
		name := param.Name
		if i > 0 {
			name = ", " + name
		}
		if i >= required {
			name = " [" + name
		}
		text += name
	}
	return "(" + strings.TrimSpace(text) + strings.Repeat("]", len(params)-required) + ")"
}

// arrow is what a call gives.
func arrow(results []Result) string {
	var types []string
	for _, r := range results {
		typ := r.Type
		if r.Name == "..." && strings.Contains(typ, "|") {
			typ = "(" + typ + ")"
		}
		if r.Name == "..." && !strings.HasPrefix(typ, "...") {
			typ = "..." + typ
		}
		types = append(types, typ)
	}
	if types == nil {
		return ""
	}
	return " --> " + strings.Join(types, ", ")
}

func (p *page) params(params []Param) {
	if len(params) == 0 {
		return
	}
	p.line("\nParameters:\n")
	for _, param := range params {
		kind := p.typ(param.Type)
		if param.Optional {
			kind += ", optional"
		}
		p.item("- ", "`"+param.Name+"`", kind, param.Text)
		p.options("  ", param.Options)
	}
}

func (p *page) results(results []Result) {
	if !slices.ContainsFunc(results, func(r Result) bool { return r.Name != "" || r.Text != "" || len(r.Options) > 0 }) {
		return
	}
	p.line("\nResults:\n")
	for i, r := range results {
		name := r.Name
		if name != "" {
			name = "`" + name + "`"
		}
		p.item(fmt.Sprintf("%d. ", i+1), name, p.typ(r.Type), r.Text)
		p.options("   ", r.Options)
	}
}

// item writes a line of a list: a name, its kind, and a text, which may have more lines.
func (p *page) item(bullet, name, kind, text string) {
	if name != "" && kind != "" {
		kind = " (" + kind + ")"
	}
	if text != "" {
		text = ": " + strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", len(bullet)))
	}
	p.line("%s%s%s%s", bullet, name, kind, text)
}

// options are the values that there are, below what has them.
func (p *page) options(indent string, options []Option) {
	if indent == "" && len(options) > 0 {
		p.line("")
	}
	for _, o := range options {
		p.item(indent+"- ", "`"+o.Type+"`", "", o.Text)
	}
}

var baseType = regexp.MustCompile(`^([A-Za-z_][\w.]*)(\[\]|\?)*$`)

// typ is a type as code, with a link to what it is, where that is on the page.
func (p *page) typ(typ string) string {
	typ = strings.ReplaceAll(typ, "`", "")
	if typ == "" {
		return ""
	}
	if m := baseType.FindStringSubmatch(typ); m != nil && p.place[m[1]] != "" {
		return "[`" + typ + "`](#" + p.place[m[1]] + ")"
	}
	return "`" + typ + "`"
}

// fields writes the members of a table. One that is a function shows how it is called.
func (p *page) fields(fields []*Field) {
	if len(fields) == 0 {
		return
	}
	p.line("")
	for _, f := range fields {
		name, kind := "`"+f.Name+"`", p.typ(f.Type)
		if _, ok := callable(f.Type); ok {
			name, kind = "`"+f.Name+strings.TrimPrefix(f.Type, "fun")+"`", ""
		}
		if f.Optional {
			kind = strings.TrimPrefix(kind+", optional", ", ")
		}
		p.item("- ", name, kind, f.Text)
		p.options("  ", f.Options)
	}
}

func (p *page) class(c *Class) {
	p.heading(2, c.Name)
	if len(c.Bases) > 0 {
		var bases []string
		for _, b := range c.Bases {
			bases = append(bases, p.typ(b))
		}
		p.paragraph("It is also: " + strings.Join(bases, ", ") + ".")
	}
	p.paragraph(c.Text)
	p.called(c)
	p.fields(c.Fields)
	for _, f := range c.Funcs {
		p.function(3, f)
	}
}

// called is how a class's values are called, and what operators do with them.
func (p *page) called(c *Class) {
	name := c.Var
	if name == "" {
		name = "value"
	}
	var lines []string
	for _, o := range c.Overloads {
		lines = append(lines, name+arguments(o.Params)+arrow(o.Results))
	}
	for _, o := range c.Operators {
		m := operatorLine.FindStringSubmatch(o)
		lines = append(lines, operation(m[1], name, m[2])+" --> "+o[len(m[0]):])
	}
	if lines != nil {
		p.paragraph(fence(strings.Join(lines, "\n")))
	}
}

// operation is an operator's use.
func operation(operator, left, right string) string {
	switch operator {
	case "len":
		return "#" + left
	case "unm":
		return "-" + left
	case "call":
		return left + "(" + right + ")"
	}
	if sign, ok := signs[operator]; ok {
		return left + " " + sign + " " + right
	}
	return operator + " of " + left
}

var signs = map[string]string{
	"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "pow": "^", "concat": "..", "eq": "==", "lt": "<", "le": "<=",
}
