package main

import (
	"fmt"
	"slices"
	"strings"

	"lapps/services/modules/mutex"
	"lapps/services/modules/nap"
	"lapps/services/modules/semaphore"
	"lapps/services/modules/task"
	"lapps/services/modules/time"
	"lapps/services/modules/timer"
	"lapps/services/vm"
)

// modules is what Lua can require, or have preloaded, besides the files of its
// service and what every service has.
var modules = []vm.Module{
	mutex.Module(),
	nap.Module(),
	semaphore.Module(),
	task.Module(),
	time.Module(),
	timer.Module(),
}

var (
	// always are the globals of every service, which LAppS's files may name.
	always = []string{"ws", "bcast", "nljson"}

	// later are LAppS's modules that are not here yet.
	later = []string{"mqr", "cws", "murmur", "pam_auth"}
)

// moduleMistake is what is wrong with the names of modules at a key, or "".
func moduleMistake(key string, names []string) string {
	known := slices.Clone(always)
	for _, m := range modules {
		known = append(known, m.Name)
	}
	for _, name := range names {
		switch {
		case slices.Contains(later, name):
			return fmt.Sprintf("%s: LAppS's module %s is not supported yet", key, name)
		case !slices.Contains(known, name):
			return fmt.Sprintf("%s: there is no module %s; there are %s", key, name, strings.Join(known, ", "))
		}
	}
	return ""
}
