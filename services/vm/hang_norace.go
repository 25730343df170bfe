//go:build !race

package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// deepest is how many calls within each other luaWhereabouts tells of.
const deepest = 20

// luaWhereabouts reads the frames of the thread that runs, without the baton: who
// has it does not give it away. That is a race by the letter, and left out where
// races are looked for. What is read are words that hold pointers and numbers,
// each whole and of its type, into what does not change once it is compiled; where
// they do not fit together, for the thread has gone on, there is a panic at most.
func (in *Instance) luaWhereabouts() (text string) {
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	thread := in.main.G.CurrentThread
	if thread == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("stack traceback:")
	for level := range deepest {
		where := thread.Where(level)
		frame, ok := thread.GetStack(level)
		if where == "" || !ok {
			break
		}
		_, _ = thread.GetInfo("n", frame, lua.LNil)
		b.WriteString("\n\t" + where + " in " + frame.Name)
	}
	return b.String()
}
