package vm

import _ "embed"

// Types describes what every instance has besides modules: definitions as Module.Types.
//
//go:embed types.lua
var Types string
