package vm

import (
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// maxDate is how long a format of os.date may be: each directive of it makes some
// dozen bytes.
const maxDate = 1024

// date is os.date, of the time at hand where it is given none.
func date(L *lua.LState) int {
	format := L.OptString(1, "%c")
	if len(format) > maxDate {
		L.ArgError(1, "format too long")
	}
	t := Of(L).Now()
	if L.Get(2) != lua.LNil {
		t = time.Unix(int64(checkInt(L, 2)), 0)
	}
	zone, _ := t.Zone()
	if rest, utc := strings.CutPrefix(format, "!"); utc {
		format, t, zone = rest, t.UTC(), "GMT"
	}
	if strings.HasPrefix(format, "*t") {
		f := L.CreateTable(0, 9)
		for name, n := range map[string]int{
			"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "hour": t.Hour(), "min": t.Minute(), "sec": t.Second(),
			"wday": int(t.Weekday()) + 1, "yday": t.YearDay(),
		} {
			f.RawSetString(name, lua.LNumber(n))
		}
		f.RawSetString("isdst", lua.LBool(t.IsDST()))
		L.Push(f)
		return 1
	}
	L.Push(lua.LString(strftime(t, zone, format)))
	return 1
}

// osTime is os.time: now, or when the fields of a table say, which may be beyond their
// ranges.
func osTime(L *lua.LState) int {
	t := Of(L).Now()
	if L.Get(1) != lua.LNil {
		fields := L.CheckTable(1)
		field := func(name string, otherwise int) int {
			v := L.GetField(fields, name)
			n, ok := parseNumber(lua.LVAsString(v))
			switch {
			case v == lua.LNil && otherwise >= 0:
				return otherwise
			case !ok:
				L.RaiseError("field '%s' missing in date table", name)
			}
			return int(n)
		}
		t = time.Date(field("year", -1), time.Month(field("month", -1)), field("day", -1), field("hour", 12), field("min", 0), field("sec", 0), 0, time.Local)
	}
	L.Push(lua.LNumber(t.Unix()))
	return 1
}

// asOthers are the directives that are short for others, in the C locale.
var asOthers = map[byte]string{
	'c': "%a %b %e %H:%M:%S %Y", 'D': "%m/%d/%y", 'F': "%Y-%m-%d", 'h': "%b", 'r': "%I:%M:%S %p", 'R': "%H:%M", 'T': "%H:%M:%S",
	'x': "%m/%d/%y", 'X': "%H:%M:%S",
}

// layouts are the directives that package time has.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'j': "002", 'm': "01", 'M': "04",
	'p': "PM", 'P': "pm", 'S': "05", 'y': "06", 'z': "-0700",
}

// strftime is C's, in its own locale. What is no directive stays as it is.
func strftime(t time.Time, zone, format string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(format, "%")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if rest == "" {
			return b.String() + "%"
		}
		c := rest[0]
		format = rest[1:]
		isoYear, isoWeek := t.ISOWeek()
		weekday := int(t.Weekday())
		switch c {
		case '%':
			b.WriteByte('%')
		case 'C':
			fmt.Fprintf(&b, "%02d", t.Year()/100)
		case 'g':
			fmt.Fprintf(&b, "%02d", isoYear%100)
		case 'G':
			fmt.Fprintf(&b, "%d", isoYear)
		case 'k':
			fmt.Fprintf(&b, "%2d", t.Hour())
		case 'l':
			fmt.Fprintf(&b, "%2d", (t.Hour()+11)%12+1)
		case 'n':
			b.WriteByte('\n')
		case 's':
			fmt.Fprintf(&b, "%d", t.Unix())
		case 't':
			b.WriteByte('\t')
		case 'u':
			fmt.Fprintf(&b, "%d", (weekday+6)%7+1)
		case 'U':
			fmt.Fprintf(&b, "%02d", (t.YearDay()+6-weekday)/7)
		case 'V':
			fmt.Fprintf(&b, "%02d", isoWeek)
		case 'w':
			fmt.Fprintf(&b, "%d", weekday)
		case 'W':
			fmt.Fprintf(&b, "%02d", (t.YearDay()+6-(weekday+6)%7)/7)
		case 'Y':
			fmt.Fprintf(&b, "%d", t.Year())
		case 'Z':
			b.WriteString(zone)
		default:
			if others, ok := asOthers[c]; ok {
				b.WriteString(strftime(t, zone, others))
			} else if layout, ok := layouts[c]; ok {
				b.WriteString(t.Format(layout))
			} else {
				b.WriteByte('%')
				b.WriteByte(c)
			}
		}
	}
}
