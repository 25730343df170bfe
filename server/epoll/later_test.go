package epoll

import (
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"lapps/server"
)

// An askLater asks for a call for each byte that it receives, and notes what happens.
type askLater struct {
	deaf
	loop     server.Loop
	note     func(what string)
	returned func(calledAtOnce bool)
}

func (a *askLater) Receive(p []byte) error {
	for range p {
		a.note("received")
		called := false
		a.loop.Later(func() { called = true; a.note("called") })
		a.returned(called)
	}
	return nil
}

// TestLater: with a lone connection the call is at once. With many there is a time
// when it is found out that they are many; from then on it is behind all that is
// received in one go.
func TestLater(t *testing.T) {
	const many = probeEvery + 8
	c := start(t, 1)
	var notes []string // owned by the loop
	var atOnce int     // likewise
	opened, returned := make(chan server.Loop, many), make(chan bool, 2*many)
	addr := netip.MustParseAddrPort(listen(t, c, func(s server.Socket) (server.Receiver, error) {
		opened <- s.Loop()
		return &askLater{
			loop: s.Loop(),
			note: func(what string) { notes = append(notes, what) },
			returned: func(called bool) {
				if called {
					atOnce++
				}
				returned <- called
			},
		}, nil
	}))
	var loop server.Loop
	var clients []int
	for range many {
		fd := dialRaw(t, addr)
		defer unix.Close(fd)
		clients = append(clients, fd)
		loop = <-opened
	}
	// send has each of the clients send a byte while the loop does something else, and
	// returns what happens then.
	send := func(clients []int) (order []string, immediate int) {
		held, release, done := make(chan bool), make(chan bool), make(chan bool)
		loop.Post(func() { notes, atOnce = nil, 0; held <- true; <-release })
		<-held
		for _, fd := range clients {
			if _, err := unix.Write(fd, []byte{1}); err != nil {
				t.Fatal(err)
			}
		}
		close(release)
		for range clients {
			<-returned
		}
		for called := 0; called < len(clients); {
			loop.Post(func() {
				order, immediate, called = slices.Clone(notes), atOnce, 0
				for _, n := range notes {
					if n == "called" {
						called++
					}
				}
				done <- true
			})
			<-done
		}
		return order, immediate
	}
	for range 3 {
		if _, n := send(clients[:1]); n != 1 {
			t.Errorf("with a lone connection %d calls of 1 were at once", n)
		}
	}
	send(clients) // is found out
	early := 0
	for range 10 {
		order, n := send(clients)
		i := slices.Index(order, "called")
		if n != 0 || len(order) != 2*many {
			t.Errorf("%d calls at once, and %d of %d notes", n, len(order), 2*many)
		}
		if i != many { // a wake-up that was under way already has brought the next turn in between
			early++
			t.Logf("the first call came behind %d of %d receptions", i, many)
		}
	}
	if early > 3 {
		t.Errorf("calls came between receptions in %d rounds of 10", early)
	}
	send(clients[:1]) // is found out
	for range 3 {
		if _, n := send(clients[:1]); n != 1 {
			t.Errorf("alone again, %d calls of 1 were at once", n)
		}
	}
}
