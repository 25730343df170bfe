package vm

import lua "github.com/yuin/gopher-lua"

// Spend counts work that a binding does in Go as if it were so many instructions of
// Lua, some 20 ns each. It raises an error where what runs may not go on: its time is
// over, or the instance is interrupted. A binding whose work grows with its arguments
// calls it, before the work where it knows how much it is. The baton must be held.
func Spend(L *lua.LState, instructions int) { fail(L, Of(L).spend(instructions)) }

// Allocate counts bytes that a binding is about to make for Lua, and the work of that.
// It raises an error as Spend does, and where there is not enough memory. The baton
// must be held.
func Allocate(L *lua.LState, bytes int) { makeBytes(L, bytes) }

// Part is text, a part of whole that Lua is to have: where it is a small one of a long
// text it is a copy, or all of whole would be kept for it. The baton must be held.
func Part(L *lua.LState, whole, text string) string { return part(L, whole, text) }
