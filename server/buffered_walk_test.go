package server_test

import (
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lapps/protocol/wire"
	"lapps/server"
	"lapps/server/servertest"
	"lapps/services"
	"lapps/services/vm"
)

// A crowd is peers that do anything, over two loops.
type crowd struct {
	*world
	t      *testing.T
	random *rand.Rand
	loops  []*servertest.Carrier
	other  *peer // has Lua evaluated, and reads
	peers  []*walker
	next   int   // the handler of the next peer
	limit  int64 // what may be held
	byHand bool  // the sum is looked at when the test says so
}

// A walker is a peer that reads and writes as much as it is told to.
type walker struct {
	*peer
	handler int
	write   chan string
	read    chan int
	begun   string // what is still to be written of a message
}

// TestBufferedWalk has services and peers do anything at random, over two loops.
// Whenever nothing is going on, what is counted is what is held, and no more than
// the limit, or those that are being closed hold the rest; and those were closed
// that held most.
func TestBufferedWalk(t *testing.T) {
	for seed := range uint64(24) {
		random := rand.New(rand.NewPCG(seed, 3))
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			c := &crowd{random: random, limit: 200_000, byHand: seed%2 == 0}
			openOver(t, stacks[0], c.change, func(t *testing.T, w *world) {
				c.world, c.t = w, t
				c.walk()
			})
		})
	}
}

func (c *crowd) change(w *world, cfg *services.Config) {
	policy := []services.SlowConsumer{services.CloseSlow, services.DropNewest, services.DropOldest, services.Latest}[c.random.IntN(4)]
	slowly(policy, []int{0, 100_000}[c.random.IntN(2)])(w, cfg)
	if policy != services.CloseSlow {
		cfg.OutboxBytes = 100_000
	}
	cfg.Mailbox = vm.Limits{GateEvents: 20, GateBytes: 100_000, Bytes: 1 << 20}
	if c.random.IntN(2) == 0 {
		cfg.Compression = &wire.Compression{}
	}
	w.carrier.Buffer, w.carrier.Chunk = 3000, 2000
	second := servertest.NewCarrier(w.Accept)
	second.Buffer, second.Chunk = 3000, 2000
	c.loops = []*servertest.Carrier{w.carrier, second}
	w.Timeouts = server.Timeouts{Close: limits.Close}
	w.Limits.Buffered = c.limit
}

// walk ends with nobody there and nothing counted.
func (c *crowd) walk() {
	defer c.loops[1].Stop()
	c.next = 1
	c.other = c.world.join(c.t, "")
	c.next++
	for step := range 300 {
		if c.byHand {
			c.LookAway()
		}
		did := c.step()
		synctest.Wait()
		if c.byHand {
			c.lookByHand()
		}
		c.check(fmt.Sprintf("step %d, %s", step, did))
		if did == "wait" {
			c.checkClosed()
		}
		if c.t.Failed() {
			break
		}
	}
	for _, p := range c.peers {
		p.leave()
	}
	for range cap(gate) {
		c.openOne()
		synctest.Wait()
	}
	c.other.Close()
	time.Sleep(3 * limits.Close)
	synctest.Wait()
	if n, booked := c.Buffered(), c.Booked(); n != 0 || booked != 0 {
		c.t.Errorf("%d bytes are held at the end, %d of them booked", n, booked)
	}
}

// step does something, and says what.
func (c *crowd) step() string {
	if len(c.peers) < 3 || len(c.peers) < 10 && c.random.IntN(10) == 0 {
		c.join()
		return "join"
	}
	i := c.random.IntN(len(c.peers))
	p := c.peers[i]
	size := []int{50, 1000, 20_000, 90_000}[c.random.IntN(4)]
	size = 20 + c.random.IntN(size)
	switch op := c.random.IntN(100); {
	case op < 25:
		c.other.eval(fmt.Sprintf(`ws:send(%d, 2, string.rep("x", %d))`, p.handler, size))
		return "send"
	case op < 40:
		c.other.eval(fmt.Sprintf(`bcast:send(%d, 2, string.rep("y", %d))`, 1+c.random.IntN(3), size))
		return "broadcast"
	case op < 50:
		p.finish()
		message := frame(0x82, "-- "+strings.Repeat("z", size))
		n := c.random.IntN(len(message))
		p.begun = message[n:]
		p.write <- message[:n]
		return "begin a message"
	case op < 55:
		p.finish()
		return "finish it"
	case op < 63:
		p.finish()
		p.write <- frame(0x81, `require("gate").wait()`)
		return "block"
	case op < 74:
		p.finish()
		for range 1 + c.random.IntN(8) {
			p.write <- frame(0x81, "-- "+strings.Repeat("z", size/4))
		}
		return "messages"
	case op < 79:
		c.openOne()
		return "unblock"
	case op < 88:
		p.read <- c.random.IntN(100_000)
		return "read"
	case op < 90:
		p.read <- 1 << 30
		return "read on"
	case op < 91:
		c.other.eval(fmt.Sprintf("ws:close(%d, 4000)", p.handler))
		return "close"
	case op < 96:
		c.peers = slices.Delete(c.peers, i, i+1)
		p.leave()
		return "leave"
	case op < 97:
		p.finish()
		p.write <- frame(0x88, "\x03\xe8")
		return "Close frame"
	case op < 98:
		time.Sleep(3 * limits.Close)
		return "wait"
	default:
		p.write <- frame(0x89, "ping")
		return "ping"
	}
}

// join adds a peer, which subscribes to some channels.
func (c *crowd) join() {
	conn, err := c.loops[c.random.IntN(2)].Dial()
	if err != nil {
		c.t.Fatal(err)
	}
	p := &walker{peer: &peer{t: c.t, Conn: conn}, handler: c.next, write: make(chan string, 1000), read: make(chan int, 1000)}
	c.next++
	go p.writes()
	go p.reads()
	p.write <- strings.Replace(handshake, "%s", "", 1)
	p.read <- 200 // the 101, and a little
	synctest.Wait()
	for channel := range 3 {
		if c.random.IntN(2) == 0 {
			c.other.eval(fmt.Sprintf("bcast:subscribe(%d, %d)", 1+channel, p.handler))
		}
	}
	c.peers = append(c.peers, p)
}

// openOne opens the gate for one, if that does not block.
func (c *crowd) openOne() {
	select {
	case gate <- true:
	default:
	}
}

func (p *walker) writes() {
	for s := range p.write {
		io.WriteString(p, s)
	}
}

func (p *walker) reads() {
	for n := range p.read {
		io.CopyN(io.Discard, p, int64(n))
	}
}

// finish writes the rest of a message.
func (p *walker) finish() {
	p.write <- p.begun
	p.begun = ""
}

func (p *walker) leave() {
	p.Close()
	close(p.write)
	close(p.read)
}

// total is what is held, and of that what those hold that are being closed or
// have gone.
func (c *crowd) total() (held, going int64, open []server.Holding) {
	all, shared, leaving := c.Holdings()
	held = int64(shared) + c.Services.Buffered()
	going = int64(leaving) + c.Services.Buffered()
	for _, h := range all {
		held += int64(h.Own)
		if h.Open {
			open = append(open, h)
			going -= int64(h.Mailbox)
		} else {
			going += int64(h.Own)
		}
	}
	slices.SortFunc(open, func(a, b server.Holding) int { return cmp.Compare(weight(b), weight(a)) })
	return held, going, open
}

// weight is what counts for who holds most.
func weight(h server.Holding) int { return h.Own + h.Lent + h.Mailbox }

// lookByHand has the sum looked at: those are closed that hold most, as many as it
// takes and no more.
func (c *crowd) lookByHand() {
	held, going, before := c.total()
	c.CloseLargest()
	synctest.Wait()
	_, _, after := c.total()
	slack := int64(1024 * (len(before) + 10))
	closed := len(before) - len(after)
	excess := held - going - c.limit
	if excess > slack && closed == 0 || excess < -slack && closed > 0 {
		c.t.Fatalf("%d are closed, with %d bytes held, %d of them going", closed, held, going)
	}
	least := 0
	if closed > 0 {
		least = weight(before[closed-1])
	}
	for _, h := range before[:closed] {
		if slices.ContainsFunc(after, func(o server.Holding) bool { return o.ID == h.ID && weight(o) > least }) {
			c.t.Errorf("%d is still open, and holds %d bytes; one that holds %d was closed", h.ID, weight(h), least)
		}
	}
	for i := range max(closed-1, 0) {
		if excess -= int64(before[i].Own + before[i].Mailbox); excess < -slack {
			c.t.Errorf("%d were closed, and %d would have done", closed, i+1)
		}
	}
}

// check compares accounts and books with what is held.
func (c *crowd) check(when string) {
	c.t.Helper()
	all, shared, _ := c.Holdings()
	for _, h := range all {
		if h.Accounts != "" {
			c.t.Errorf("%s: connection %d: %s", when, h.ID, h.Accounts)
		}
	}
	if got, want := int(c.Booked()), c.BookedBy()+shared; got != want {
		c.t.Errorf("%s: %d bytes are booked, %d in all by the connections, of which %d are shared", when, got, want, shared)
	}
	held, going, _ := c.total()
	if off := held - c.Buffered(); off <= int64(-1024*len(all)) || off >= int64(1024*len(all)) {
		c.t.Errorf("%s: %d bytes are held, and %d counted", when, held, c.Buffered())
	}
	most := c.limit + 2*c.limit/64 + int64(1024*len(all))
	if held-going > most {
		c.t.Errorf("%s: %d bytes are held, %d of them going, want at most %d", when, held, going, most)
	}
}

// checkClosed follows a wait: those that were closed hold nothing any more.
func (c *crowd) checkClosed() {
	all, _, _ := c.Holdings()
	for _, h := range all {
		if !h.Open && h.Own+h.Lent > 0 {
			c.t.Errorf("connection %d has been closed for long, and holds %d bytes", h.ID, h.Own+h.Lent)
		}
	}
}
