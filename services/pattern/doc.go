// Package pattern matches the patterns of Lua 5.1 (reference manual, section
// 5.4.1) against strings, within bounds: a pattern that backtracks for ever ends
// with an error.
//
// Compile makes a Program of a pattern; it is immutable. A Matcher runs programs,
// one at a time: Allowance is how many steps it may take, Find matches, Capture
// tells what was captured. A step is about a byte looked at; an owner that has to
// be asked now and then whether to go on is told of them.
//
// As in Lua 5.1 a mistake in a pattern is an error only where matching comes to it:
// a Program holds it at its place. Other than there, a pattern may hold \0, which is a
// byte like others. Bytes are matched, not characters, and classes are those of
// the C locale.
//
// The package knows nothing of Lua's values, and of no other room.
package pattern
