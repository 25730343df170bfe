package vm

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
)

// Turn tells an instance that hangs: what it returns, if it is not 0, changes
// again and again while handlers come to their ends, or wait. It is 0 while nobody
// holds the baton, or a function given to Do does, which may for as long as it
// likes. Any goroutine.
func (in *Instance) Turn() uint64 { return in.turn.Load() }

// Nudge has what runs look at its budgets at once: a thousand instructions, which it
// may do before by itself, can take seconds, where each compares strings of megabytes. Any
// goroutine.
func (in *Instance) Nudge() { in.hook.attention.Store(true) }

// newTurn begins another turn. The baton is held.
func (in *Instance) newTurn() {
	in.turns++
	in.turn.Store(in.turns)
}

// labels are of the executors' goroutines: profiles tell services apart by them.
func labels(c *Config) context.Context {
	return pprof.WithLabels(context.Background(), pprof.Labels("service", c.Service, "instance", c.Instance))
}

// Whereabouts is where an instance that hangs does: the traceback of Lua, where
// that can be had, and the stacks of Go. It stops the whole process for a moment. Any
// goroutine.
func (in *Instance) Whereabouts() (lua, stack string) {
	return in.luaWhereabouts(), in.goWhereabouts()
}

// goWhereabouts finds the executors among all goroutines: those that handle an
// event and do not wait for the baton, or for something in Block.
func (in *Instance) goWhereabouts() string {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
	var found []string
	for _, g := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(g, fmt.Sprintf("%q:%q", "service", in.config.Service)) &&
			strings.Contains(g, fmt.Sprintf("%q:%q", "instance", in.config.Instance)) &&
			strings.Contains(g, "vm.(*executor).handle") && !strings.Contains(g, "vm.(*Instance).Wait") {
			found = append(found, frames(g))
		}
	}
	return strings.Join(found, "\n\n")
}

// frames are the functions and places of a goroutine in a profile.
func frames(g string) string {
	var b strings.Builder
	for line := range strings.Lines(g) {
		if f := strings.Fields(line); len(f) == 4 && strings.HasPrefix(f[1], "0x") { // # address function place
			b.WriteString("\n\t" + f[3] + " in " + f[2])
		}
	}
	return b.String()
}
