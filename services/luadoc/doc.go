// Package luadoc reads descriptions of Lua modules and makes reference pages of them.
//
// A description is a definition file of the Lua language server: Lua without bodies, and
// annotations in its comments. Editors read it as it is; Parse reads the same file, and
// Doc.Markdown is its page. So there is one text for both.
//
//	---@meta counter
//
//	--- Counts things.                        the introduction
//	---@class counter
//	local counter = {}
//
//	--- Counts one more.                      Markdown, as long as need be
//	---@param name string  of what            two spaces before the text, or a #
//	---@param by? integer  1 by default
//	---@return integer n  how many there are
//	function counter.add(name, by) end
//
//	return counter
//
// What is read: the annotations alias, async, class, deprecated, field, generic, meta,
// nodiscard, operator, overload, param, return, see, type and vararg; diagnostic concerns
// editors only. The statements "local t = {}", "t = {}", "x = VALUE", "t.x = VALUE",
// "function f(...) end", with t.f and t:f, and "return t", each in a line of its own. A
// function may also be of one of Lua's own tables (os.remove).
//
// Anything else is an error with its line, and so are a parameter that is not described, a function or variable
// without a text, and a comment that belongs to nothing: a description cannot lose
// something in silence. Types are checked for their form; whether what they name exists is
// for those to ask who have all descriptions (Doc.Mentions).
package luadoc

// A Doc is what a description says. It is not modified by this package once Parse has
// returned it.
type Doc struct {
	Name    string // of the module, or the page
	Text    string // the introduction: Markdown
	Classes []*Class
	Aliases []*Alias
	Funcs   []*Func  // global functions, and those of Lua's own tables
	Vars    []*Field // global variables that are no tables of the description's own

	// Main is the class of the module's table: what the file returns, or the global of the
	// module's name. nil: there is none. It is one of Classes.
	Main *Class

	// Returned reports whether the file returns Main, as that of a module does that has to
	// be required.
	Returned bool

	// Mentions are the names of types that the description uses, each once, where it does first.
	Mentions []Mention
}

// A Mention is where a type is named.
type Mention struct {
	Name string
	Line int
}

// A Class is a kind of table or userdata.
type Class struct {
	Name      string
	Bases     []string // what it is, too
	Text      string   // Markdown
	Var       string   // the variable that its functions are declared with; "": there is none
	Global    bool     // Var is a global
	Fields    []*Field
	Funcs     []*Func
	Overloads []*Signature // how it is called as a function
	Operators []string     // as they are written: "len: integer"
	Line      int
}

// A Field is a member that is no function of its own, or a variable.
type Field struct {
	Name     string // or a type in brackets, for all keys of this type
	Optional bool   // it may be nil
	Type     string // as it is written
	Text     string
	Options  []Option
	Line     int
}

// An Alias is a name for a type.
type Alias struct {
	Name    string
	Type    string // "": it is one of Options
	Text    string
	Options []Option
	Line    int
}

// An Option is a value that something may have.
type Option struct {
	Type string // a literal, for the most part
	Text string
}

// A Func is a function or method.
type Func struct {
	Table string // the variable that it is declared with; "": it is a global function
	Colon bool   // it is called as Table:Name
	Name  string
	Text  string // Markdown

	Params    []Param
	Results   []Result
	Overloads []*Signature // other ways to call it; without self
	Generics  string       // as it is written
	See       []string

	Async      bool   // it may wait
	NoDiscard  bool   // its results are what it is called for
	Deprecated bool   //
	Instead    string // of one that is Deprecated
	Line       int
}

// FullName is how it is called, without arguments: "ws:send".
func (f *Func) FullName() string {
	switch {
	case f.Table == "":
		return f.Name
	case f.Colon:
		return f.Table + ":" + f.Name
	}
	return f.Table + "." + f.Name
}

// A Param is a parameter.
type Param struct {
	Name     string // "...": all further ones
	Optional bool
	Type     string // "": any
	Text     string
	Options  []Option
}

// A Result is one of the results of a function.
type Result struct {
	Name    string // "": it has none; "...": all further ones
	Type    string
	Text    string
	Options []Option
}

// A Signature is the type of a function.
type Signature struct {
	Params  []Param
	Results []Result
}
