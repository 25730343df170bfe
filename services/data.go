package services

import lua "github.com/yuin/gopher-lua"

// data are the tables that an instance keeps for its connections: ws:data. A connection
// that has none costs nothing. Owned by whoever holds the baton. The zero value is empty.
//
// They stand in an array, in the registry of the Lua state, so that they count as the
// instance's memory; and in places that are used again, because a Lua table keeps the
// room of a key for good.
type data struct {
	place map[*Seat]int // where each stands in all
	all   *lua.LTable
	free  []int // places of all, which is of full length else
	next  int   // the first place behind all
}

// dataKey is where the array stands in the registry.
const dataKey = "lapps.data"

// of is the table of s, made when it is asked for first.
func (d *data) of(l *lua.LState, s *Seat) lua.LValue {
	if at, known := d.place[s]; known {
		return d.all.RawGetInt(at)
	}
	if d.place == nil {
		*d = data{place: make(map[*Seat]int), all: l.CreateTable(0, 0), next: 1}
		l.G.Registry.RawSetString(dataKey, d.all)
	}
	at := d.next
	if n := len(d.free); n > 0 {
		at, d.free = d.free[n-1], d.free[:n-1]
	} else {
		d.next++
	}
	table := l.CreateTable(0, 0)
	d.place[s] = at
	d.all.RawSetInt(at, table)
	return table
}

// forget drops the table of s, if it has one; with the last one, the room of all.
func (d *data) forget(l *lua.LState, s *Seat) {
	at, known := d.place[s]
	if !known {
		return
	}
	delete(d.place, s)
	if len(d.place) == 0 {
		*d = data{}
		l.G.Registry.RawSetString(dataKey, lua.LNil)
		return
	}
	d.all.RawSetInt(at, lua.LNil)
	d.free = append(d.free, at)
}

func (in *instance) wsData(l *lua.LState) int {
	if l.GetTop() != 2 {
		return none(l, usageData+": wrong number of arguments")
	}
	s, why := in.seatOf(l.Get(2), usageData)
	switch {
	case s == nil:
		return none(l, why)
	case s.in != in:
		return none(l, "the connection is another instance's")
	}
	l.Push(in.data.of(l, s))
	return 1
}
