package luadoc

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Parse reads a description. name is its file's, for errors. The error has all that is
// wrong, a line for each, and the Doc is nil then.
func Parse(name, text string) (*Doc, error) {
	p := &parser{file: name, doc: new(Doc), vars: make(map[string]*Class), mentioned: make(map[string]bool)}
	var b block
	for i, line := range strings.Split(text, "\n") {
		p.line = i + 1
		switch line = strings.TrimRight(line, " \t\r"); {
		case strings.HasPrefix(line, "---"):
			b.lines = append(b.lines, commentLine{p.line, strings.TrimPrefix(line, "---")})
		default:
			p.end(&b, line)
			b = block{}
		}
	}
	p.line++
	p.end(&b, "")
	p.finish()
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return p.doc, nil
}

// A parser reads one description.
type parser struct {
	file       string
	line       int
	doc        *Doc
	vars       map[string]*Class // what variables are
	returned   string            // the variable that is returned; "": none is yet
	returnLine int
	open       *Func // a function whose end is not there yet
	mentioned  map[string]bool
	errs       []error
}

// A block is the comment above a statement, or above an empty line.
type block struct {
	lines []commentLine

	// What annotations have said of the statement.
	text    []string  // lines that belong to nothing yet
	class   *Class    // the last one
	fn      *Func     // nil: no annotation is about a function
	fnLine  int       // where the first that is stands
	typ     string    // of the variable
	options *[]Option // of what was described last
	others  bool      // there are aliases or classes
}

type commentLine struct {
	line int
	text string // without the dashes
}

func (p *parser) fail(line int, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s:%d: %s", p.file, line, fmt.Sprintf(format, args...)))
}

// end reads a block and the line behind it.
func (p *parser) end(b *block, line string) {
	for _, c := range b.lines {
		p.comment(b, c)
	}
	switch {
	case p.open != nil:
		if line != "end" || len(b.lines) > 0 {
			p.fail(p.line, "function %s has a body; it must be empty", p.open.FullName())
		}
		p.open = nil
	case line == "":
		p.loose(b)
	default:
		p.statement(b, line)
	}
}

// loose is a block that no statement follows: the introduction, or a type without a
// variable.
func (p *parser) loose(b *block) {
	if b.fn != nil || b.typ != "" {
		p.fail(cmp.Or(b.fnLine, p.line-1), "the annotation belongs to nothing: a declaration must follow in the next line")
		return
	}
	text := b.takeText()
	switch {
	case text == "":
	case b.class != nil:
		b.class.Text = paragraphs(b.class.Text, text)
	case !b.others && p.doc.Text == "" && len(p.doc.Classes)+len(p.doc.Funcs)+len(p.doc.Aliases)+len(p.doc.Vars) == 0:
		p.doc.Text = text
	default:
		p.fail(p.line-1, "the comment belongs to nothing: a declaration must follow in the next line")
	}
}

var (
	tableStatement    = regexp.MustCompile(`^(local )?([A-Za-z_]\w*) = \{\}$`)
	variableStatement = regexp.MustCompile(`^(?:([A-Za-z_]\w*)\.)?([A-Za-z_]\w*) = (nil|true|false|-?[0-9.]+|"[^"]*"|\{\})$`)
	functionStatement = regexp.MustCompile(`^function (?:([A-Za-z_]\w*)([.:]))?([A-Za-z_]\w*)\(([^()]*)\)( end)?$`)
	returnStatement   = regexp.MustCompile(`^return ([A-Za-z_]\w*)$`)
)

// own are Lua's tables, to which descriptions may add.
var own = []string{"coroutine", "io", "math", "os", "package", "string", "table"}

// statement reads a line of Lua, and gives it what its block says.
func (p *parser) statement(b *block, line string) {
	if p.returned != "" {
		p.fail(p.line, "nothing may follow the return")
		return
	}
	if m := functionStatement.FindStringSubmatch(line); m != nil {
		p.function(b, m)
		return
	}
	if b.fn != nil {
		p.fail(b.fnLine, "the annotation is about a function, and none follows")
	}
	switch m := tableStatement.FindStringSubmatch(line); {
	case m != nil && (b.class != nil || m[1] != ""):
		p.table(b, m[2], m[1] == "")
	case variableStatement.MatchString(line):
		p.variable(b, variableStatement.FindStringSubmatch(line))
	case returnStatement.MatchString(line):
		if len(b.lines) > 0 {
			p.fail(p.line, "the comment belongs to nothing: a return is not described")
		}
		p.returned, p.returnLine = returnStatement.FindStringSubmatch(line)[1], p.line
	default:
		p.fail(p.line, "not understood: %s", line)
	}
}

// table is local t = {} or t = {}, the table of a class.
func (p *parser) table(b *block, name string, global bool) {
	switch {
	case b.class == nil:
		p.fail(p.line, "%s needs a ---@class", name)
		return
	case b.typ != "":
		p.fail(p.line, "%s has a ---@class and a ---@type", name)
	case p.vars[name] != nil:
		p.fail(p.line, "%s is there already", name)
		return
	}
	b.class.Var, b.class.Global = name, global
	b.class.Text = paragraphs(b.class.Text, b.takeText())
	p.vars[name] = b.class
}

// variable is x = VALUE or t.x = VALUE.
func (p *parser) variable(b *block, m []string) {
	table, name, value := m[1], m[2], m[3]
	f := &Field{Name: name, Type: b.typ, Text: b.takeText(), Line: p.line}
	if f.Type == "" {
		f.Type = typeOf(value)
	}
	switch c := p.vars[table]; {
	case f.Type == "":
		p.fail(p.line, "%s needs a ---@type", name)
	case f.Text == "":
		p.fail(p.line, "%s has no text", name)
	case b.class != nil:
		p.fail(p.line, "a ---@class is about a table of its own: t = {}")
	case table == "":
		p.doc.Vars = append(p.doc.Vars, f)
	case c == nil:
		p.fail(p.line, "there is no table %s", table)
	default:
		p.addField(c, f)
	}
}

// typeOf is the type of a literal; "": that does not say.
func typeOf(value string) string {
	switch value[0] {
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n', '{':
		return ""
	}
	return "number"
}

// function is function t.f(a, b) end.
func (p *parser) function(b *block, m []string) {
	fn := b.fn
	if fn == nil {
		fn = new(Func)
	}
	fn.Table, fn.Colon, fn.Name, fn.Line = m[1], m[2] == ":", m[3], p.line
	fn.Text = b.takeText()
	if m[5] == "" {
		p.open = fn
	}
	switch {
	case b.class != nil || b.typ != "":
		p.fail(p.line, "function %s has annotations of a table", fn.FullName())
	case fn.Text == "":
		p.fail(p.line, "function %s has no text", fn.FullName())
	}
	p.checkParams(fn, m[4])
	p.dropSelf(fn)
	all := &p.doc.Funcs
	if c := p.vars[fn.Table]; c != nil {
		all = &c.Funcs
		if slices.ContainsFunc(c.Fields, func(f *Field) bool { return f.Name == fn.Name }) {
			p.fail(p.line, "%s is there already, as a field", fn.FullName())
		}
	} else if fn.Table != "" && !slices.Contains(own, fn.Table) {
		p.fail(p.line, "there is no table %s", fn.Table)
	}
	if slices.ContainsFunc(*all, func(f *Func) bool { return f.Name == fn.Name && f.Table == fn.Table }) {
		p.fail(p.line, "%s is there already: another way to call it is an ---@overload", fn.FullName())
	}
	*all = append(*all, fn)
}

// checkParams compares what is described with what is declared.
func (p *parser) checkParams(fn *Func, list string) {
	var declared []string
	if list = strings.ReplaceAll(list, " ", ""); list != "" {
		declared = strings.Split(list, ",")
	}
	for i, name := range declared {
		if name != "..." && identifier.FindString(name) != name || name == "..." && i < len(declared)-1 {
			p.fail(p.line, "function %s: %q is no parameter", fn.FullName(), name)
		}
	}
	var described []string
	for _, param := range fn.Params {
		described = append(described, param.Name)
	}
	if !slices.Equal(declared, described) {
		p.fail(p.line, "function %s has the parameters (%s), and described are (%s)", fn.FullName(),
			strings.Join(declared, ", "), strings.Join(described, ", "))
	}
}

// dropSelf takes self out of the overloads of a method, where it must be.
func (p *parser) dropSelf(fn *Func) {
	if !fn.Colon {
		return
	}
	for _, o := range fn.Overloads {
		if len(o.Params) == 0 || o.Params[0].Name != "self" {
			p.fail(p.line, "function %s: the first parameter of an overload must be self", fn.FullName())
			continue
		}
		o.Params = o.Params[1:]
	}
}

func (p *parser) addField(c *Class, f *Field) {
	if slices.ContainsFunc(c.Fields, func(o *Field) bool { return o.Name == f.Name }) {
		p.fail(f.Line, "%s has a field %s already", c.Name, f.Name)
	}
	c.Fields = append(c.Fields, f)
}

// finish looks at the whole.
func (p *parser) finish() {
	d := p.doc
	if d.Name == "" {
		p.fail(1, "the file must begin with ---@meta NAME")
		return
	}
	d.Main, d.Returned = p.vars[cmp.Or(p.returned, d.Name)], p.returned != ""
	switch {
	case d.Returned && d.Main == nil:
		p.fail(p.returnLine, "there is no table %s to return", p.returned)
		return
	case !d.Returned && d.Main != nil && !d.Main.Global:
		p.fail(d.Main.Line, "the local %s is not returned", d.Name)
	}
	if d.Main != nil && d.Text == "" {
		d.Text, d.Main.Text = d.Main.Text, ""
	}
	if d.Text == "" {
		p.fail(1, "there is no introduction: the comment behind ---@meta")
	}
}

// takeText returns the lines that belong to nothing yet, as Markdown.
func (b *block) takeText() string {
	text := strings.Join(unindent(b.text), "\n")
	b.text = nil
	return strings.Trim(text, "\n")
}

// unindent takes off the space that stands between the dashes and a text.
func unindent(lines []string) (out []string) {
	for _, line := range lines {
		out = append(out, strings.TrimPrefix(line, " "))
	}
	return out
}

// paragraphs are the texts that there are, one below the other.
func paragraphs(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n\n")
}
