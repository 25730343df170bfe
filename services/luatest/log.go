package luatest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"lapps/services/vm"
)

// A record is what the services of a test have logged, and what it has printed.
type record struct {
	mu     sync.Mutex // guards the fields below
	lines  []string
	errors []string // of level error, that nobody has expected
	ending bool     // the test has ended: what is cancelled for that is no error
}

func (r *record) takeErrors() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all, r.errors = r.errors, nil
	return all
}

// putErrors puts back what takeErrors took, before what came since.
func (r *record) putErrors(all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(all, r.errors...)
}

// end is the end of the test.
func (r *record) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ending = true
}

func (r *record) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// A logger is the slog.Handler that writes into a record:
//
//	chat/1: what was printed
//	chat/1: ERROR lua error function=say err="chat.lua:7: no" …
type logger struct {
	record            *record
	service, instance string
	attrs             string
}

var _ slog.Handler = (*logger)(nil)

func (l *logger) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *logger) WithGroup(string) slog.Handler                    { return l }

func (l *logger) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *l
	for _, a := range attrs {
		with.add(a)
	}
	return &with
}

func (l *logger) add(a slog.Attr) {
	switch a.Key {
	case "service":
		l.service = a.Value.String()
	case "instance":
		l.instance = a.Value.String()
	case "traceback": // is told where nobody has expected the error
	default:
		l.attrs += fmt.Sprintf(" %s=%s", a.Key, text(a.Value))
	}
}

// text is a value, quoted where one would not see its end.
func text(v slog.Value) string {
	if s := v.String(); strings.ContainsAny(s, " \n\"=") {
		return quote(s)
	}
	return v.String()
}

// routine are messages that say nothing about a service.
var routine = []string{"service started", "service stopped"}

func (l *logger) Handle(_ context.Context, r slog.Record) error {
	if slices.Contains(routine, r.Message) {
		return nil
	}
	whole, traceback := *l, ""
	r.Attrs(func(a slog.Attr) bool {
		if whole.add(a); a.Key == "traceback" {
			traceback = "\n" + a.Value.String()
		}
		return true
	})
	line := r.Message + whole.attrs
	if r.Level > slog.LevelInfo {
		line = r.Level.String() + " " + line
	}
	if from := strings.TrimSuffix(whole.service+"/"+whole.instance, "/"); from != "" {
		line = from + ": " + line
	}
	l.record.mu.Lock()
	defer l.record.mu.Unlock()
	l.record.lines = append(l.record.lines, line)
	if r.Level >= slog.LevelError && !(l.record.ending && strings.Contains(line, vm.ErrCancelled.Error())) {
		l.record.errors = append(l.record.errors, line+traceback)
	}
	return nil
}
