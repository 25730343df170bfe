package vm

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// A Module is something that Lua can require.
type Module struct {
	// Name is the name Lua requires it by.
	Name string

	// Privileged modules reach outside of the process: a service has them only where
	// they are granted.
	Privileged bool

	// Types describes the module for people and their editors: definitions in the
	// form of the Lua language server (---@meta).
	Types string

	// Open makes the module's value, when an instance requires it for the
	// first time. It may raise a Lua error. It keeps nothing of L.
	Open func(in *Instance, L *lua.LState) lua.LValue
}

// A Config says what an instance is.
type Config struct {
	// Service and Instance are names for logs and errors.
	Service, Instance string

	// Program is what the instance runs.
	Program *Program

	// Globals installs global values; Main calls it before the main chunk.
	// It may raise a Lua error, and keeps nothing of L. nil means none.
	Globals func(in *Instance, L *lua.LState)

	// Modules are what Lua can require besides the files of the program.
	Modules []Module

	// Limits bound the mailbox.
	Limits Limits

	// CallTime is how long the handling of an event may run, waits in Block
	// apart; then its Lua ends with an error, whatever it catches. 0 means no
	// limit. What Do runs has none.
	CallTime time.Duration

	// LoopTime is the same for what Loop handles. What is moved off it has CallTime.
	LoopTime time.Duration

	// Loop is the event loop that handles the instance's events, or that of a peer of
	// which it has received some, one at a time: its handlers must not wait. What MoveOff names is handled by executors
	// all the same. nil: all is.
	Loop Loop

	// TurnEnd is called at the end of each turn, on the executor, with the
	// baton held: what was written since the last call goes out now. It must
	// neither block nor call Lua. nil means nothing is to be done.
	TurnEnd func()

	// Memory is how many bytes the values that can be reached from the instance
	// may take, about. A call that has them take more ends with an error,
	// whatever it catches; and until they are less again no call may run for
	// longer than a few microseconds, but for those of Last events. 0 means no limit.
	Memory int64

	// Strict is about globals that are assigned to behind Main.
	Strict Strict

	// Standalone says that the instance is a program: it has no peers whose messages are
	// accepted, and to be handled, before it stops. See AwaitOthers.
	Standalone bool

	// OnError is told of an error in what runs by itself: a task, a timer. What
	// says which. It is called with the baton held. nil means nobody is.
	OnError func(what string, err error)

	// Clock is the time that Lua sees and waits for; nil is the real one.
	Clock Clock

	// Log takes what Lua prints. nil means nowhere.
	Log *slog.Logger
}

// Sizes of a Lua thread. Both stacks grow to what is needed; reaching the end
// is a Lua error, "stack overflow" or "registry overflow".
const (
	callFrames      = 1024      // calls within each other
	registrySize    = 256       // values on the stack at first: 16 bytes each
	registryMaxSize = 64 * 1024 // and at last
	registryGrow    = 1024
)

// An Instance is one Lua state with its mailbox and its baton. Methods may be
// called from any goroutine, but for those that say that the baton is held:
// these are for Target.Handle, the function given to Do, and bindings.
type Instance struct {
	// Immutable.
	config  Config
	limits  Limits
	turnEnd func()
	log     *slog.Logger
	main    *lua.LState
	loaded  *lua.LTable // package.loaded
	hook    *hook
	inline  *executor // Config.Loop's; nil: there is none

	labelled context.Context // has the labels of the goroutines

	stockCreate, stockResume lua.LGFunction // gopher-lua's coroutine.create and resume
	body                     lua.LValue     // see coCreate

	ctx    context.Context // for Block: ends when Stop interrupts
	cancel context.CancelFunc
	done   chan struct{} // closed when stopped and all executors have ended

	haltCtx context.Context // ends by Halt
	haltNow context.CancelFunc

	// Owned by whoever holds the baton.
	running           *executor     // the holder
	batch             []item        // what the runner has taken from the queue
	pos               int           // of the runner's next item in batch
	settled           int           // items of batch that were struck off the accounts
	slow              int           // turns in succession that have lasted for too long
	dealt             bool          // batch has one item of each gate
	pass              uint32        // counts dealt batches
	left              int           // events left in the turn
	begun             time.Time     // when the turn began
	turns             uint64        // counts them
	moved, movedBytes int           // of what was put aside since settle
	ran               bool          // a handler ran since the last TurnEnd
	atTurnEnd         []func()      // see there
	threads           []*lua.LState // free
	globals           bool          // Globals has been called
	random            *rand.Rand    // math.random's
	memory            memory
	texts             texts
	waiting           []*executor // in Block

	turn   atomic.Uint64 // see Turn
	wanted atomic.Int32  // how many wait for the baton; changed with mu held
	errors atomic.Uint64 // calls that ended with an error

	mu                sync.Mutex // guards the fields below; nothing is called with it held
	queue             []item
	events            int // accepted, not yet handled
	bytes             int // likewise
	aside, asideBytes int // of these: held by blocked handlers
	refused           map[Target]*Gate
	handled           uint64
	offered           uint64    // events that Offer and OfferAll have accepted
	offeredBytes      uint64    // of their data
	largest           int       // of these, in bytes
	hasRunner         bool      // an executor is the runner, or will be once it has the baton
	taken             bool      // somebody holds the baton
	first, last       *executor // the queue for the baton
	idle              []*executor
	chosen            *executor // has the baton, and is to be told once mu is released
	executors         int       // goroutines
	blocked           int       // executors in Block
	inFlight          int       // executors whose handlers have been there
	stopping          bool
	ended             bool // done has been closed
}

// New builds the Lua state and its sandbox. It starts nothing. An instance
// that has been made must be stopped.
func New(c Config) (*Instance, error) {
	if c.Program == nil {
		return nil, errors.New("vm: New: Config.Program is nil")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	in := &Instance{
		config:  c,
		limits:  c.Limits.withDefaults(),
		turnEnd: c.TurnEnd,
		log:     c.Log.With("service", c.Service, "instance", c.Instance),
		done:    make(chan struct{}),
		random:  rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	}
	in.ctx, in.cancel = context.WithCancel(context.Background())
	in.haltCtx, in.haltNow = context.WithCancel(context.Background())
	in.labelled = labels(&in.config)
	in.hook = &hook{in: in}
	if c.Loop != nil {
		in.inline = &executor{in: in, inline: true}
		in.inline.begin = in.inline.step
	}
	if in.memory.limit = c.Memory; c.Memory > 0 {
		watchCollections()
		collections.hooks.Store(in.hook, nil)
	}
	in.main = lua.NewState(lua.Options{
		CallStackSize:       callFrames,
		RegistrySize:        registrySize,
		RegistryMaxSize:     registryMaxSize,
		RegistryGrowStep:    registryGrow,
		SkipOpenLibs:        true,
		MinimizeStackMemory: true,
	})
	in.initTexts()
	in.openSandbox()
	in.main.SetContext(in.hook)
	return in, nil
}

// Name returns Config.Instance.
func (in *Instance) Name() string { return in.config.Instance }

// State returns the main thread, for reading and writing tables and fields.
// The baton must be held. Whatever may run Lua, be it a metamethod, does not
// belong there but in Call.
func (in *Instance) State() *lua.LState { return in.main }

// Main calls Config.Globals and runs the main chunk; it returns the chunk's
// first result, LNil where there is none. The baton must be held.
func (in *Instance) Main() (lua.LValue, error) {
	if !in.globals && in.config.Globals != nil {
		in.globals = true
		install := in.main.NewFunction(func(L *lua.LState) int {
			in.config.Globals(in, L)
			return 0
		})
		if _, err := in.Call(install); err != nil {
			return lua.LNil, err
		}
	}
	name := in.config.Service
	if in.module(name) == nil { // the main file is one that is being loaded
		e := in.running
		n := len(e.requiring)
		e.requiring = append(e.requiring, name)
		defer func() { e.requiring = e.requiring[:n] }()
	}
	v, err := in.Call(in.main.NewFunctionFromProto(in.config.Program.proto), lua.LString(name))
	if err == nil {
		in.watchGlobals()
	}
	return v, err
}

// Loaded has require give v for the service's name, instead of running the main file
// again, unless there is a module of that name. The baton must be held.
func (in *Instance) Loaded(v lua.LValue) {
	if name := in.config.Service; in.module(name) == nil && !lua.LVAsBool(in.loaded.RawGetString(name)) {
		in.loaded.RawSetString(name, v)
	}
}

// Stats are an instance's counters.
type Stats struct {
	Offered      uint64 // events accepted by Offer and OfferAll, ever
	OfferedBytes uint64 // of their data
	Largest      int    // the data of the largest of these, in bytes
	Handled      uint64 // events handled, ever
	Errors       uint64 // calls that ended with an error, ever
	Queued       int    // events accepted and not yet handled
	QueuedBytes  int    // of their data
	Executors    int    // goroutines
	Blocked      int    // handlers that wait in Block
}

// Stats returns the counters. Handled and Queued are brought up to date at the
// end of each turn.
func (in *Instance) Stats() Stats {
	in.mu.Lock()
	defer in.mu.Unlock()
	return Stats{
		Offered:      in.offered,
		OfferedBytes: in.offeredBytes,
		Largest:      in.largest,
		Handled:      in.handled,
		Errors:       in.errors.Load(),
		Queued:       in.events,
		QueuedBytes:  in.bytes,
		Executors:    in.executors,
		Blocked:      in.blocked,
	}
}
