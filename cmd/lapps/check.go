package main

import (
	"errors"
	"log/slog"

	"lapps/config"
	"lapps/services"
)

// check reports everything that is wrong with the configuration at path and
// with the Lua files of its services.
func check(path string) error {
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	all, err := serviceConfigs(cfg, directory(cfg))
	errs := []error{err}
	registry, err := services.New(all, modules, slog.New(slog.DiscardHandler))
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, s := range registry.Services() {
		errs = append(errs, s.Check())
	}
	return errors.Join(errs...)
}
