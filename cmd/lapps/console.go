package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"

	"github.com/ergochat/readline"
	lua "github.com/yuin/gopher-lua"

	"lapps/services/luatest"
	"lapps/services/vm"
)

// A console runs lines in an instance.
type console struct {
	// Immutable once the instance has started.
	in    *vm.Instance
	input input
	out   io.Writer

	running atomic.Pointer[evaluation] // nil: nothing is
}

// The prompts: for something new, and for the rest of it.
const (
	promptNew  = "> "
	promptMore = ">> "
)

// talk runs what is read until there is no more; failed: some of it did.
func (c *console) talk(ctx context.Context) (failed bool) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	over := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		c.watch(interrupts, over)
	}()
	defer func() {
		signal.Stop(interrupts)
		close(over)
		<-watched
	}()
	text := ""
	for ctx.Err() == nil {
		prompt := promptNew
		if text != "" {
			prompt = promptMore
		}
		line, err := c.input.read(prompt)
		if errors.Is(err, readline.ErrInterrupt) {
			text = ""
			continue
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintln(c.out, "reading:", err)
				failed = true
			}
			if text != "" {
				failed = c.run(text, true) != nil || failed
			}
			return failed
		}
		if text += line; strings.TrimSpace(text) == "" {
			text = ""
			continue
		}
		err = c.run(text, false)
		if vm.Unfinished(err) {
			text += "\n"
			continue
		}
		failed = err != nil || failed
		text = ""
	}
	return failed
}

// watch has Control-C end what runs, and not the console.
func (c *console) watch(interrupts <-chan os.Signal, over <-chan struct{}) {
	for {
		select {
		case <-interrupts:
			if e := c.running.Load(); e != nil {
				c.in.Interrupt(e)
				c.in.InterruptAll(true) // it may wait for a task that runs for ever
				e.cancel()
			}
		case <-over:
			return
		}
	}
}

// run runs a text. Where that is not finished nothing is run or written, unless it
// is the last.
func (c *console) run(text string, last bool) error {
	e := &evaluation{console: c, text: text, last: last, done: make(chan error, 1)}
	e.ctx, e.cancel = context.WithCancel(c.in.Context())
	defer e.cancel()
	c.running.Store(e)
	defer func() {
		c.running.Store(nil)
		c.in.InterruptAll(false)
	}()
	if err := c.in.Post(vm.Event{Target: e}); err != nil {
		return err
	}
	return <-e.done
}

// An evaluation is a text that is run. It is a vm.Target with one event.
type evaluation struct {
	console *console
	text    string
	last    bool
	ctx     context.Context // ends by Control-C
	cancel  context.CancelFunc
	done    chan error
}

var _ vm.Waiter = (*evaluation)(nil)

// Gate implements vm.Target.
func (e *evaluation) Gate() *vm.Gate { return nil }

// Room implements vm.Target.
func (e *evaluation) Room() {}

// Context implements vm.Waiter.
func (e *evaluation) Context() context.Context { return e.ctx }

// Handle implements vm.Target.
func (e *evaluation) Handle(in *vm.Instance, _ vm.Event) {
	fn, err := e.compile(in)
	if err == nil {
		var results []lua.LValue
		if results, err = in.CallAll(nil, fn); err == nil {
			e.console.show(in, results)
		}
	}
	if err != nil && (e.last || !vm.Unfinished(err)) {
		e.console.complain(err)
	}
	e.done <- err
}

// compile takes the text for an expression, or else for statements.
func (e *evaluation) compile(in *vm.Instance) (lua.LValue, error) {
	text := e.text
	if rest, ok := strings.CutPrefix(strings.TrimLeft(text, " \t"), "="); ok {
		text = rest
	}
	expression, err := in.Compile("stdin", "return "+text)
	if err == nil {
		return expression, nil
	}
	statements, serr := in.Compile("stdin", text)
	if serr != nil && vm.Unfinished(err) {
		return nil, err
	}
	return statements, serr
}

// show writes what an expression has come to. The baton is held.
func (c *console) show(in *vm.Instance, results []lua.LValue) {
	var texts []string
	for _, v := range results {
		texts = append(texts, c.textOf(in, v))
	}
	if len(texts) > 0 {
		fmt.Fprintln(c.out, strings.Join(texts, "\t"))
	}
}

// textOf is a value as it says itself that it looks, or else as luatest.Show has it.
func (c *console) textOf(in *vm.Instance, v lua.LValue) string {
	if in.State().GetMetaField(v, "__tostring") == lua.LNil {
		return luatest.Show(v)
	}
	text, err := in.Call(in.State().G.Global.RawGetString("tostring"), v)
	if err != nil {
		return luatest.Show(v)
	}
	return text.String()
}

// complain writes what went wrong.
func (c *console) complain(err error) {
	var e *vm.Error
	if !errors.As(err, &e) {
		fmt.Fprintln(c.out, err)
		return
	}
	text := e.Message
	if _, ok := e.Value.(*lua.LTable); ok {
		text += ": " + luatest.Show(e.Value)
	}
	if e.Traceback != "" {
		text += "\n" + strings.TrimSpace(e.Traceback)
	}
	fmt.Fprintln(c.out, text)
}
