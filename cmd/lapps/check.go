package main

import (
	"errors"
	"io"
	"log/slog"

	"lapps/config"
)

// check reports everything that is wrong with the configuration at path and
// with the Lua files of its services.
func check(path string) error {
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	d, err := assemble(cfg, directory(cfg), slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range d.registry.Services() {
		errs = append(errs, s.Check())
	}
	return errors.Join(errs...)
}
