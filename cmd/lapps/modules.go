package main

import (
	"fmt"
	"slices"
	"strings"

	"lapps/config"
	"lapps/services/grants"
	"lapps/services/modules/bit"
	"lapps/services/modules/cws"
	"lapps/services/modules/io"
	"lapps/services/modules/mqr"
	"lapps/services/modules/murmur"
	"lapps/services/modules/mutex"
	"lapps/services/modules/nap"
	pamauth "lapps/services/modules/pam_auth"
	"lapps/services/modules/semaphore"
	structs "lapps/services/modules/struct"
	"lapps/services/modules/task"
	"lapps/services/modules/time"
	"lapps/services/modules/timer"
	"lapps/services/modules/utf8"
	"lapps/services/vm"
)

// modules is what Lua can require, or have preloaded, besides the files of its
// service and what every service has: for one daemon, whose services share what some
// of them hold. Those that need a service's grants, or what only a daemon has, reach nothing
// here: a daemon's services have their own (outgoing.modules).
func modules(l config.Limits) []vm.Module { return modulesWith(newQueues(l)) }

// newQueues are the queues of a daemon.
func newQueues(l config.Limits) *mqr.Queues {
	return mqr.New(mqr.Limits{Messages: l.QueueMessages, Bytes: int64(l.QueueMB) << 20})
}

// modulesWith is modules, for a daemon with these queues.
func modulesWith(queues *mqr.Queues) []vm.Module {
	return []vm.Module{
		cws.Module(cws.Config{}),
		queues.Module(),
		murmur.Module(),
		mutex.Module(),
		nap.Module(),
		pamauth.Module(),
		semaphore.Module(),
		structs.Module(),
		task.Module(),
		time.Module(),
		timer.Module(),
	}
}

// globalModules are the modules that every service finds as globals, for one with these
// grants; nil are none.
func globalModules(g *grants.Grants) []vm.Module {
	return []vm.Module{bit.Module(), io.Module(g), utf8.Module()}
}

var (
	// described are the modules for what is known of them; nobody opens these.
	described = modules(config.Limits{})

	// always are the globals of every service, which LAppS's files may name.
	always = []string{"ws", "bcast", "nljson"}
)

// moduleMistake is what is wrong with the names of modules at a key, or "".
func moduleMistake(key string, names []string) string {
	known := slices.Clone(always)
	for _, m := range described {
		known = append(known, m.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Sprintf("%s: there is no module %s; there are %s", key, name, strings.Join(known, ", "))
		}
	}
	return ""
}
