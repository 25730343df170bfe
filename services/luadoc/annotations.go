package luadoc

import (
	"regexp"
	"slices"
	"strings"
)

// comment reads a line of a block.
func (p *parser) comment(b *block, c commentLine) {
	switch {
	case strings.HasPrefix(c.text, "|"):
		p.option(b, c)
	case strings.HasPrefix(c.text, " @"):
		p.fail(c.line, "an annotation follows the dashes without a space")
	case !strings.HasPrefix(c.text, "@"):
		b.text = append(b.text, c.text)
	default:
		name, rest, _ := strings.Cut(c.text[1:], " ")
		read := annotations[name]
		if read == nil {
			p.fail(c.line, "the annotation @%s is not understood", name)
			return
		}
		b.options = nil
		read(p, b, c.line, strings.TrimSpace(rest))
	}
}

// annotations are what is understood. Each reads what stands behind its name.
var annotations = map[string]func(p *parser, b *block, line int, rest string){
	"alias":      (*parser).alias,
	"async":      func(p *parser, b *block, line int, rest string) { p.flag(b, line, rest).Async = true },
	"class":      (*parser).class,
	"deprecated": (*parser).deprecated,
	"diagnostic": func(*parser, *block, int, string) {},
	"field":      (*parser).field,
	"generic":    (*parser).generic,
	"meta":       (*parser).meta,
	"nodiscard":  func(p *parser, b *block, line int, rest string) { p.flag(b, line, rest).NoDiscard = true },
	"operator":   (*parser).operator,
	"overload":   (*parser).overload,
	"param":      (*parser).param,
	"return":     (*parser).result,
	"see":        (*parser).see,
	"type":       (*parser).variableType,
	"vararg":     (*parser).vararg,
}

var (
	metaName     = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	classLine    = regexp.MustCompile(`^(?:\(exact\) )?([A-Za-z_][\w.]*)(?:\s*:\s*([A-Za-z_][\w., ]*))?$`)
	fieldKey     = regexp.MustCompile(`^([A-Za-z_]\w*)(\?)?\s+`)
	visibility   = []string{"private", "protected", "public", "package"}
	operatorLine = regexp.MustCompile(`^([a-z]+)(?:\((.*)\))?:\s*`)
)

func (p *parser) meta(b *block, line int, rest string) {
	switch {
	case line != 1:
		p.fail(line, "---@meta must be the first line")
	case !metaName.MatchString(rest):
		p.fail(line, "---@meta needs a name of lower-case letters, digits and _")
	default:
		p.doc.Name = rest
	}
}

func (p *parser) class(b *block, line int, rest string) {
	m := classLine.FindStringSubmatch(rest)
	if m == nil {
		p.fail(line, "---@class NAME or ---@class NAME: BASE is expected")
		return
	}
	c := &Class{Name: m[1], Text: b.takeText(), Line: line}
	for base := range strings.SplitSeq(m[2], ",") {
		if base = strings.TrimSpace(base); base != "" {
			c.Bases = append(c.Bases, base)
			p.mention([]string{base}, line)
		}
	}
	p.declare(c.Name, line)
	p.doc.Classes = append(p.doc.Classes, c)
	b.class, b.others = c, true
}

// declare notes that there is a type of a name.
func (p *parser) declare(name string, line int) {
	known := slices.ContainsFunc(p.doc.Classes, func(c *Class) bool { return c.Name == name }) ||
		slices.ContainsFunc(p.doc.Aliases, func(a *Alias) bool { return a.Name == name })
	if known {
		p.fail(line, "the type %s is there already", name)
	}
}

func (p *parser) field(b *block, line int, rest string) {
	if b.class == nil {
		p.fail(line, "---@field must stand below a ---@class")
		return
	}
	f := &Field{Line: line}
	s := scanner{text: rest}
	if strings.HasPrefix(rest, "[") {
		s.pos++
		f.Name = "[" + s.typ() + "]"
		s.expect("]")
		s.spaces()
	} else if m := fieldKey.FindStringSubmatch(rest); m != nil && !slices.Contains(visibility, m[1]) {
		f.Name, f.Optional, s.pos = m[1], m[2] != "", len(m[0])
	} else {
		s.fail("---@field NAME TYPE  TEXT is expected")
	}
	f.Type = s.typ()
	p.scanned(&s, line)
	f.Text = paragraphs(b.takeText(), p.text(line, s.rest()))
	p.addField(b.class, f)
	b.options = &f.Options
}

func (p *parser) operator(b *block, line int, rest string) {
	m := operatorLine.FindStringSubmatch(rest)
	if b.class == nil || m == nil {
		p.fail(line, "---@operator NAME: TYPE is expected, below a ---@class")
		return
	}
	s := scanner{text: rest, pos: len(m[0])}
	s.typ()
	p.scanned(&s, line)
	p.nothing(line, s.rest())
	b.class.Operators = append(b.class.Operators, rest)
}

func (p *parser) alias(b *block, line int, rest string) {
	name := typeName.FindString(rest)
	if name == "" {
		p.fail(line, "---@alias NAME TYPE is expected")
		return
	}
	p.declare(name, line)
	a := &Alias{Name: name, Text: b.takeText(), Line: line}
	if rest = strings.TrimSpace(rest[len(name):]); rest != "" {
		s := scanner{text: rest}
		a.Type = s.typ()
		p.scanned(&s, line)
		a.Text = paragraphs(a.Text, p.text(line, s.rest()))
	}
	p.doc.Aliases = append(p.doc.Aliases, a)
	b.options, b.others = &a.Options, true
}

// option is ---| "value"  # text
func (p *parser) option(b *block, c commentLine) {
	if b.options == nil {
		p.fail(c.line, "a value must stand below a ---@alias, ---@field, ---@param or ---@return")
		return
	}
	s := scanner{text: strings.TrimSpace(strings.TrimLeft(c.text, "|+>"))}
	o := Option{Type: s.typ()}
	p.scanned(&s, c.line)
	o.Text = p.text(c.line, s.rest())
	*b.options = append(*b.options, o)
}

// function is the function that the block's annotations are about.
func (b *block) function(line int) *Func {
	if b.fn == nil {
		b.fn, b.fnLine = new(Func), line
	}
	return b.fn
}

// flag is an annotation of a function that is one word.
func (p *parser) flag(b *block, line int, rest string) *Func {
	p.nothing(line, rest)
	return b.function(line)
}

func (p *parser) deprecated(b *block, line int, rest string) {
	fn := b.function(line)
	fn.Deprecated, fn.Instead = true, strings.TrimSpace(strings.TrimPrefix(rest, "#"))
}

func (p *parser) see(b *block, line int, rest string) {
	fn := b.function(line)
	fn.See = append(fn.See, rest)
}

func (p *parser) generic(b *block, line int, rest string) {
	fn := b.function(line)
	if rest == "" || fn.Generics != "" {
		p.fail(line, "---@generic NAME[: TYPE], once, is expected")
	}
	fn.Generics = rest
	for part := range strings.SplitSeq(rest, ",") {
		name, base, _ := strings.Cut(part, ":")
		p.mentioned[strings.TrimSpace(name)] = true // it is declared here
		if base = strings.TrimSpace(base); base != "" {
			p.mention([]string{base}, line)
		}
	}
}

func (p *parser) overload(b *block, line int, rest string) {
	sig, ok := callable(rest)
	if !ok {
		p.fail(line, "---@overload fun(NAME: TYPE): TYPE is expected")
		return
	}
	s := scanner{text: rest}
	s.typ()
	p.scanned(&s, line)
	if b.class != nil {
		b.class.Overloads = append(b.class.Overloads, sig)
		return
	}
	fn := b.function(line)
	fn.Overloads = append(fn.Overloads, sig)
}

func (p *parser) param(b *block, line int, rest string) {
	name := identifier.FindString(rest)
	if strings.HasPrefix(rest, "...") {
		name = "..."
	}
	s := scanner{text: rest, pos: len(name)}
	param := Param{Name: name, Optional: s.skip("?")}
	if name == "" || !strings.HasPrefix(s.rest(), " ") {
		p.fail(line, "---@param NAME TYPE  TEXT is expected")
		return
	}
	p.putParam(b, line, &s, param)
}

func (p *parser) vararg(b *block, line int, rest string) {
	p.putParam(b, line, &scanner{text: rest}, Param{Name: "..."})
}

// putParam reads the type and text of a parameter.
func (p *parser) putParam(b *block, line int, s *scanner, param Param) {
	fn := b.function(line)
	param.Type = s.typ()
	p.scanned(s, line)
	param.Text = p.text(line, s.rest())
	fn.Params = append(fn.Params, param)
	b.options = &fn.Params[len(fn.Params)-1].Options
}

func (p *parser) result(b *block, line int, rest string) {
	fn := b.function(line)
	s := scanner{text: rest}
	r := Result{Type: s.typ()}
	p.scanned(&s, line)
	r.Name, r.Text = p.nameAndText(line, s.rest())
	fn.Results = append(fn.Results, r)
	b.options = &fn.Results[len(fn.Results)-1].Options
}

var (
	nameOnly    = regexp.MustCompile(`^ *([A-Za-z_]\w*)$`)
	nameAndText = regexp.MustCompile(`^ *([A-Za-z_]\w*)(?:  +| +# *)(.+)$`)
	reserved    = []string{"and", "false", "function", "if", "in", "nil", "not", "or", "true"}
)

// nameAndText reads what stands behind the type of a result. A text without a name needs a #, or
// editors take its first word for the name.
func (p *parser) nameAndText(line int, rest string) (name, text string) {
	switch trimmed := strings.TrimSpace(rest); {
	case trimmed == "", strings.HasPrefix(trimmed, "#"):
		return "", p.text(line, rest)
	case strings.HasPrefix(trimmed, "..."):
		text = p.text(line, strings.TrimPrefix(trimmed, "..."))
		return "...", strings.Replace(text, "  ", ": ", 1) // a word for them, and a text
	}
	m := nameOnly.FindStringSubmatch(rest)
	if m == nil {
		m = nameAndText.FindStringSubmatch(rest)
	}
	if m == nil || slices.Contains(reserved, m[1]) {
		p.fail(line, "---@return TYPE, TYPE NAME, TYPE NAME  TEXT (two spaces) or TYPE # TEXT is expected, not %q", strings.TrimSpace(rest))
		return "", ""
	}
	if len(m) > 2 {
		text = m[2]
	}
	return m[1], strings.TrimSpace(strings.TrimPrefix(text, "#"))
}

func (p *parser) variableType(b *block, line int, rest string) {
	s := scanner{text: rest}
	b.typ = s.typ()
	p.scanned(&s, line)
	p.nothing(line, s.rest())
}

// text is what stands behind a type: nothing, or a text behind spaces or a #.
func (p *parser) text(line int, rest string) string {
	if rest != "" && rest[0] != ' ' && rest[0] != '#' {
		p.fail(line, "a space is expected behind the type, at %q", rest)
	}
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), "#"))
}

// nothing is where no more is expected.
func (p *parser) nothing(line int, rest string) {
	if rest = strings.TrimSpace(rest); rest != "" {
		p.fail(line, "nothing is expected at %q", rest)
	}
}

// scanned notes what a scanner has found.
func (p *parser) scanned(s *scanner, line int) {
	if s.err != nil {
		p.fail(line, "%v", s.err)
		s.pos = len(s.text)
		return
	}
	p.mention(s.names, line)
}

func (p *parser) mention(names []string, line int) {
	for _, name := range names {
		if !p.mentioned[name] {
			p.mentioned[name] = true
			p.doc.Mentions = append(p.doc.Mentions, Mention{name, line})
		}
	}
}
