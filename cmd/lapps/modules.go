package main

import (
	"slices"

	"lapps/services/modules/nap"
	"lapps/services/modules/time"
	"lapps/services/vm"
)

// modules is what Lua can require, or have preloaded, besides the files of its
// service and what every service has: ws, bcast and nljson.
var modules = []vm.Module{
	nap.Module(),
	time.Module(),
}

// moduleNames are the names of all modules.
func moduleNames() (names []string) {
	for _, m := range modules {
		names = append(names, m.Name)
	}
	return names
}

// unknownModules are those of names that are no modules.
func unknownModules(names []string) []string {
	known := moduleNames()
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(known, name) })
}
