package services

import (
	"errors"
	"strings"
	"sync"
)

// A topic is what a channel is called: a text or, where that is empty, a number. The
// number 5 and the text "5" are two.
type topic struct {
	text   string
	number uint64
}

// channels are the process's broadcast channels, by their topics. Every service uses
// the same ones.
//
//	        subscribe, to a text         the last one unsubscribes, or leaves
//	none ------------------------> passing ---------------------------------> over
//	  |                               |
//	  |           create              v                 remove
//	  +----------------------------> kept ------------------------------------> over
//
// So texts that an application makes up as it goes, one for each room, leave nothing
// behind. One that is over is forgotten; the next of its topic is another channel.
type channels struct {
	mu      sync.RWMutex // guards the fields below; nothing is called with it held. That of a seat's subs is locked before it
	numbers map[uint64]*channel
	texts   map[string]*channel
	bytes   int // of the texts
	key     uint32
	taken   map[uint32]bool // see keyLocked
}

// What there may be at once: an application may take topics from its peers.
const (
	maxChannels = 1 << 20
	maxTopic    = 255      // bytes of a text
	maxTexts    = 64 << 20 // bytes of all texts
)

// Errors of channels. Lua sees their texts, but for that of errOver.
var (
	errNoChannel       = errors.New("no such channel: bcast:create makes it")
	errTooManyChannels = errors.New("there are 1048576 channels already")
	errTooLongTopics   = errors.New("the names of all channels take 67108864 bytes already")
	errOver            = errors.New("services: the channel is over")
)

// create makes a channel that stays until it is removed, or has one stay that is there.
func (all *channels) create(t topic) error {
	for {
		c, err := all.open(t)
		if err != nil || c.keep() {
			return err
		}
		all.forget(c)
	}
}

// subscribe subscribes s to a channel. One that is called by a text is made where there
// is none.
func (all *channels) subscribe(s *Seat, t topic) error {
	for {
		c := all.find(t)
		if c == nil {
			if t.text == "" {
				return errNoChannel
			}
			var err error
			if c, err = all.open(t); err != nil {
				return err
			}
		}
		switch err := s.subscribe(c); err {
		case nil:
			return nil
		case errOver: // meanwhile
			all.forget(c)
		default:
			c.endUnused()
			return err
		}
	}
}

// remove ends a channel, if there is one, and all subscriptions to it.
func (all *channels) remove(t topic) {
	c := all.find(t)
	if c == nil {
		return
	}
	seats := c.end()
	all.forget(c)
	for _, s := range seats {
		s.unsubscribe(c)
	}
}

// find returns a channel, or nil.
func (all *channels) find(t topic) *channel {
	all.mu.RLock()
	defer all.mu.RUnlock()
	return all.findLocked(t)
}

func (all *channels) findLocked(t topic) *channel {
	if t.text != "" {
		return all.texts[t.text]
	}
	return all.numbers[t.number]
}

// open returns a channel, which is made where there is none: a passing one that
// somebody has to be subscribed to, or that has to be kept.
func (all *channels) open(t topic) (*channel, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if c := all.findLocked(t); c != nil {
		return c, nil
	}
	switch {
	case len(all.numbers)+len(all.texts) >= maxChannels:
		return nil, errTooManyChannels
	case all.bytes+len(t.text) > maxTexts:
		return nil, errTooLongTopics
	}
	t.text = strings.Clone(t.text) // it may be a piece of a long message
	c := &channel{topic: t, all: all, key: all.keyLocked()}
	if all.numbers == nil {
		all.numbers, all.texts = make(map[uint64]*channel), make(map[string]*channel)
	}
	if t.text != "" {
		all.texts[t.text] = c
		all.bytes += len(t.text)
	} else {
		all.numbers[t.number] = c
	}
	return c, nil
}

// forget takes out a channel that is over. It may be called more than once.
func (all *channels) forget(c *channel) {
	all.mu.Lock()
	defer all.mu.Unlock()
	switch t := c.topic; {
	case all.findLocked(t) != c:
		return
	case t.text != "":
		delete(all.texts, t.text)
		all.bytes -= len(t.text)
	default:
		delete(all.numbers, t.number)
	}
	if len(all.numbers)+len(all.texts) == 0 {
		all.numbers, all.texts = nil, nil // give back what many needed
	}
}

// keyLocked is a key that no channel has. They come in turn, from 1 on: what waits for a
// slow peer may still bear that of a channel that is over, which therefore comes again
// only when all four billion have.
func (all *channels) keyLocked() uint32 {
	for {
		all.key++
		switch {
		case all.key == 0: // all have
			all.taken = make(map[uint32]bool, len(all.numbers)+len(all.texts))
			for _, c := range all.numbers {
				all.taken[c.key] = true
			}
			for _, c := range all.texts {
				all.taken[c.key] = true
			}
		case !all.taken[all.key]:
			return all.key
		}
	}
}
