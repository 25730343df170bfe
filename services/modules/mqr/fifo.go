package mqr

import "slices"

// A fifo is messages in the order of their numbers. Its zero value is empty.
type fifo struct {
	all  []message
	head int // how many of all have gone
}

// keepMessages is the room that an empty fifo keeps: 4 KiB.
const keepMessages = 128

func (f *fifo) len() int { return len(f.all) - f.head }

// push appends a message, the youngest.
func (f *fifo) push(m message) {
	if len(f.all) == cap(f.all) && f.head > len(f.all)/2 {
		f.close()
	}
	f.all = append(f.all, m)
}

// close has what is left begin at the beginning.
func (f *fifo) close() {
	n := copy(f.all, f.all[f.head:])
	clear(f.all[n:])
	f.all, f.head = f.all[:n], 0
}

// pop takes the oldest message, of which there must be one.
func (f *fifo) pop() message {
	m := f.all[f.head]
	f.all[f.head] = message{}
	f.head++
	if f.head == len(f.all) {
		if f.all, f.head = f.all[:0], 0; cap(f.all) > keepMessages {
			f.all = nil
		}
	}
	return m
}

// putBack puts a message that was taken back to its place: near the beginning.
func (f *fifo) putBack(m message) {
	at := f.head
	for at < len(f.all) && f.all[at].number < m.number {
		at++
	}
	if f.head == 0 {
		f.all = slices.Insert(f.all, at, m)
		return
	}
	copy(f.all[f.head-1:], f.all[f.head:at])
	f.all[at-1] = m
	f.head--
}
