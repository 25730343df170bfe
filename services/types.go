package services

import _ "embed"

//go:embed types/ws.lua
var wsTypes string

//go:embed types/bcast.lua
var bcastTypes string

//go:embed types/service.lua
var serviceTypes string

// Types returns the descriptions of what every service has besides modules, and of what a
// service is: definitions as vm.Module.Types.
func Types() []string { return []string{serviceTypes, wsTypes, bcastTypes} }
