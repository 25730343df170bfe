// Package vm runs Lua: an Instance is one Lua state (gopher-lua, Lua 5.1) with
// its mailbox, its baton, its executors and its sandbox. It knows nothing of
// connections, WebSockets or services; whoever has events for an instance
// implements Target.
//
// # Order of calls
//
// Load compiles a service's main file into a Program, which any number of
// instances share. New makes an Instance; it starts no goroutine. Do has
// Instance.Main run the main chunk, and whatever else is to run in the state.
// Offer and Post bring events; Target.Handle is called for each, and calls
// Lua with Instance.Call. Halt asks what runs for long to end; Stop handles
// what was accepted and ends the executors.
//
// # Mailbox
//
// Offer appends to a queue under a mutex and wakes an executor only if none is
// at work: one wake-up for many events. The queue is bounded by Limits, as a
// whole and per Gate. A refused Offer is remembered, and Target.Room called
// once when there is room again. An event counts against its gate's share until
// it has been handled, and against the instance until it has been handled or a
// blocked handler holds it aside: what waits for one gate keeps out no other.
//
// # Baton
//
// Whoever holds the baton owns the Lua state. Executors are the goroutines
// that may hold it. At most one of them is the runner: it takes events from
// the mailbox and handles them in turns of up to 256, and calls Config.TurnEnd
// after each turn. Between two events it looks whether somebody waits for the
// baton; if so it ends the turn, gives the baton away and queues behind.
//
// A binding that has to wait calls Block. Block ends the turn, gives the baton
// away (if events wait, to another executor as the new runner), waits as plain
// Go, and takes the baton again. The Lua code above it, in whatever shape it
// called the binding (pcall, metamethods, iterators, comparators,
// coroutines), does not notice, except that other events were handled
// meanwhile. Events of one Gate never overtake each other: while a handler is
// blocked, what comes for its gate waits with its executor. While
// Limits.InFlight handlers that have blocked have not ended nothing new begins:
// events wait in the mailbox.
//
//	     Offer, Post            next                     Handle returns
//	queue -----------> runner --------> handler running ---------------> done
//	                                      |          ^
//	                               Block  v          | the wait is over,
//	                                    blocked -----+ the baton is free
//
// A handler that goes on for long without a wait should Breathe from time to
// time: what it wrote goes out, and whoever waits for the baton has it.
//
// # Lua
//
// A call runs on a thread state of its own, taken from a free list. pcall and
// xpcall do so too: gopher-lua closes the upvalues of all frames of a thread
// when an error is raised, also those below the pcall, whose functions then
// see stale variables. So does every thread have its own protected frame, an
// error ends only what it should, and a yield across pcall is an error, as in
// Lua 5.1, instead of losing the rest of the function.
//
// Every thread has a context of ours, which gopher-lua asks before each
// instruction: the hook. It is how Stop interrupts Lua, how Of finds the instance,
// and where Config.CallTime and Config.Memory are looked after: the clock each
// thousand instructions, the heap more seldom, and whenever Go's collector has run.
// Once a call is over each of its instructions is an error, so that no pcall keeps
// it alive.
//
// Library functions that may run for long, or make much, in Go are our own: they
// count their work as if it were instructions, and end where it, or their result, is
// too much (text.go, services/pattern).
//
// Where there is a Config.Clock Lua sees its time, and sleeps, timers and timeouts
// wait for it; it is told what is at work. The limits of calls and turns, and whatever
// else concerns the server and not the application, go by the real time.
//
// The sandbox is an allow list; see sandbox.go. pairs and ipairs heed the
// metamethods __pairs and __ipairs, as Lua 5.2's do. What Lua can require is a
// table in Config and the service's own directory.
//
// Go code that does not return cannot be ended. Turn lets others see that, and
// Whereabouts where it is.
//
// # What it does not do
//
// It never yields from a binding, never shares a Lua value between instances, and logs
// nothing but what Lua prints and the panics that Lua caught.
package vm
