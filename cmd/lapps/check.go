package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"lapps/services"
)

// check reports everything that is wrong with the configuration at path, its
// certificates, the file that is logged to, and the Lua files of its services. What these ask for and are granted it lists to
// out. What means nothing here, which certificates are not valid, and which grants
// are missing or not used, it says to notices.
func check(path string, out, notices io.Writer) error {
	cfg, noted, err := loadConfig(path)
	for _, n := range noted {
		fmt.Fprintln(notices, n)
	}
	if err != nil {
		return err
	}
	_, expired, kerr := loadKeys(cfg)
	for _, n := range expired {
		fmt.Fprintln(notices, n)
	}
	all, err := serviceConfigs(cfg, directory(cfg))
	errs := []error{kerr, checkLog(cfg), checkAuthorities(cfg), err}
	for i := range all { // on services that are not among them, for one
		all[i].Depends = nil
	}
	registry, err := services.New(all, described, slog.New(slog.DiscardHandler))
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, s := range registry.Services() {
		errs = append(errs, s.Check())
		list, odd := review(s.Config, cfg.Services[s.Name].Grants, s.Calls(askers...))
		for _, line := range list {
			fmt.Fprintln(out, line)
		}
		for _, msg := range odd {
			fmt.Fprintln(notices, cfg.ServiceNotice(s.Name, msg))
		}
	}
	return errors.Join(errs...)
}
