package main

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// newLog logs to w: text on a terminal, JSON otherwise.
func newLog(w io.Writer) *slog.Logger {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(slog.NewJSONHandler(w, nil))
}
