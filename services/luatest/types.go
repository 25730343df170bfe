package luatest

import _ "embed"

// Types describes what tests find besides what services find: definitions as
// vm.Module.Types.
//
//go:embed types.lua
var Types string
