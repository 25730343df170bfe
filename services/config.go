package services

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"lapps/acl"
	"lapps/protocol/wire"
	"lapps/services/grants"
	"lapps/services/vm"
)

// A Config says what a service is.
type Config struct {
	// Name is the service's name: that of its directory's main file without
	// .lua, and of the global variable that holds its callbacks.
	Name string

	// Version tells versions of the service apart, for people; it may be "".
	Version string

	// Redeploy is what becomes of the peers of the version whose place this one takes.
	Redeploy Redeploy

	// DrainTime is how long they may stay at most, with DrainPeers; 0 means as long as
	// they like.
	DrainTime time.Duration

	// Release is called when another version has taken the service's place and it has
	// ended: Files and Grants are not used any more. nil means nobody wants to know.
	Release func()

	// Files is the service's directory: it holds Name.lua and the modules that
	// it requires. It must stay readable while the service exists.
	Files fs.FS

	// Path is where Lua's modules are looked for that Files does not have.
	Path []vm.Place

	// Where is the directory's name, for people.
	Where string

	// Standalone says that the service is a program of its own, init and run,
	// and has no peers. What concerns peers is not looked at.
	Standalone bool

	// Dialect is the language that the service speaks with its peers.
	Dialect Dialect

	// Preload names modules that are global variables of the service.
	Preload []string

	// Libraries are modules that every instance of the service has as globals, as it
	// has those of the sandbox.
	Libraries []vm.Module

	// Modules are the service's own of what every service can require: each takes the
	// place of the one of its name that New was given.
	Modules []vm.Module

	// Grants are what the service may reach outside of the process; of modules,
	// what Preload names is granted, too. nil means nothing.
	Grants *grants.Grants

	// Depends names the services that have to run before this one starts.
	Depends []string

	// RequestTarget is the path at which peers find the service.
	RequestTarget string

	// AutoStart has Registry.Start start the service.
	AutoStart bool

	// Instances is how many Lua states share the service's peers: at least 1. Of an
	// Inline service they are as many as Registry.Loops at least.
	Instances int

	// Inline has the service's handlers run on the event loops of their peers
	// instead of goroutines of the instances: each instance has peers of one loop.
	// It costs less, and a handler that takes long holds up all peers of its loop.
	// They cannot wait; tasks and timers can. Registry.Loops must not be empty.
	Inline bool

	// MaxMessage is the size of the largest message a peer may send, in
	// bytes; 0 means no limit.
	MaxMessage int

	// OutboxBytes is how much may wait for a peer that reads slowly, in
	// bytes, 48 for each message included; 0 means no limit. An empty outbox
	// takes one message of any size.
	OutboxBytes int

	// Fragment has messages of twice as many bytes at least be sent in fragments of so
	// many, where they are not compressed; 0 means that each is sent in one frame.
	Fragment int

	// SlowConsumer is what happens to a message when OutboxBytes wait.
	SlowConsumer SlowConsumer

	// MaxConns is how many peers the service may have; 0 means no limit.
	MaxConns int

	// FirstMessage is how long a peer may take, from its opening handshake,
	// for its first message; 0 means for ever.
	FirstMessage time.Duration

	// Messages and Bytes bound what one peer sends.
	Messages, Bytes Rate

	// MaxAge is how long a connection may last, and up to MaxAgeJitter more;
	// 0 means for ever.
	MaxAge, MaxAgeJitter time.Duration

	// Origins are those that may connect, as the Origin header has them
	// (RFC 6454), or with *. in place of any sub-domain; none means all. A
	// port that is the scheme's default may be left out; null is an origin
	// like others.
	Origins []string

	// Subprotocols are those that the service speaks, in order of preference.
	Subprotocols []string

	// Compression is what the service's peers may agree on (RFC 7692); nil
	// means none.
	Compression *wire.Compression

	// Access says which addresses may connect.
	Access *acl.List

	// ExtraHeaders are added to the 101 response.
	ExtraHeaders []wire.HeaderField

	// Unordered has a peer's next message begin while the handler of another one
	// waits. It is for Raw only.
	Unordered bool

	// CallTime is how long a call of the service's Lua may run, waits apart:
	// see vm.Config. 0 means no limit.
	CallTime time.Duration

	// LoopTime is the same for what an Inline service does on the event loops.
	LoopTime time.Duration

	// Memory is how many bytes the Lua values of an instance may take: see
	// vm.Config. 0 means no limit.
	Memory int64

	// GoneTime is how long handlers may wait for what they wait for when their peer
	// has gone; then the wait ends with an error. 0 means as long as they like.
	GoneTime time.Duration

	// StrictGlobals is about globals that are assigned to once the service's
	// files have been run.
	StrictGlobals vm.Strict

	// Clock is the time that the service's Lua sees: see vm.Config. nil is the real
	// one.
	Clock vm.Clock

	// Mailbox bounds what waits for an instance; zeros mean vm's defaults.
	Mailbox vm.Limits
}

// A Rate bounds events in time: PerSecond in the long run, and Burst at once. 0
// PerSecond means no limit; 0 Burst means as many as PerSecond, of Bytes a message of
// MaxMessage at least.
type Rate struct{ PerSecond, Burst int }

// A SlowConsumer is a policy for a peer that reads too slowly. It is about
// messages, whole ones: what has begun to be written is finished, and control
// frames are never dropped. Nor is a response of the LAppS protocol by itself,
// for clients count them: where there is no room for it the connection is closed,
// whatever the policy.
type SlowConsumer uint8

const (
	// CloseSlow closes the connection with 1013; what waits is dropped.
	CloseSlow SlowConsumer = iota

	// DropNewest drops the message that there is no room for: ErrDropped.
	DropNewest

	// DropOldest drops those that have waited longest, until there is room.
	// The newest is dropped only where responses take all of it.
	DropOldest

	// Latest has only the newest message of a broadcast channel wait: it takes
	// the place of the one before, also while there is room. For messages
	// of no channel, and where there is no room all the same, it is
	// CloseSlow.
	Latest
)

// A Dialect is what the messages of a service are.
type Dialect uint8

const (
	Raw   Dialect = iota // whatever the application makes of them
	LAppS                // protocol/rpc
)

// ours are the globals of every service that are not the sandbox's. To preload
// them changes nothing.
var ours = []string{"ws", "bcast", "nljson", "must_stop", "instance_id"}

// Reserved reports whether name is that of a global which every service has, Config.Libraries apart: no
// service can be called so.
func Reserved(name string) bool { return vm.Reserved(name) || slices.Contains(ours, name) }

func (c *Config) check(modules []vm.Module) error {
	switch {
	case c.Name == "":
		return errors.New("services: a service has no name")
	case Reserved(c.Name) || has(c.Libraries, c.Name) || slices.Contains(c.Preload, c.Name):
		return fmt.Errorf("services: a service cannot be called %s: that is a global of Lua's or ours", c.Name)
	case c.Files == nil:
		return fmt.Errorf("services: %s: no directory is given", c.Name)
	case !c.Standalone && (c.RequestTarget == "" || c.RequestTarget[0] != '/'):
		return fmt.Errorf("services: %s: request target %q does not begin with /", c.Name, c.RequestTarget)
	case c.Standalone && c.Inline:
		return fmt.Errorf("services: %s: a standalone service cannot run inline: it has no peers whose event loops it could run on", c.Name)
	case c.Instances < 1:
		return fmt.Errorf("services: %s: %d instances: at least 1 is needed", c.Name, c.Instances)
	}
	for _, name := range c.Preload {
		if !slices.Contains(ours, name) && !has(modules, name) {
			return fmt.Errorf("services: %s: preload: there is no module %s", c.Name, name)
		}
	}
	for _, o := range c.Origins {
		if _, ok := parseOriginPattern(o); !ok {
			return fmt.Errorf("services: %s: origin %q: want scheme://host[:port], where the host may begin with *., or null", c.Name, o)
		}
	}
	return nil
}

// has reports whether one of modules has the name.
func has(modules []vm.Module, name string) bool {
	return slices.ContainsFunc(modules, func(m vm.Module) bool { return m.Name == name })
}
