package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lapps/config"
	"lapps/services/modules/cws"
)

func newImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import DIR",
		Short: "Write the configuration that LAppS has in DIR (ws.json and lapps.json) in the native form",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, notices, err := loadLAppS(args[0])
			if err != nil {
				return err
			}
			for _, n := range notices {
				fmt.Fprintln(cmd.ErrOrStderr(), n)
			}
			text, err := cfg.MarshalNative()
			if err != nil {
				return err
			}
			if _, err := cmd.OutOrStdout().Write(text); err != nil {
				return &failure{err}
			}
			return nil
		},
	}
}

// loadConfig reads the configuration at path: a file, or a directory that
// holds LAppS's two. The notices are what of the latter has no meaning here.
func loadConfig(path string) (cfg *config.Config, notices []config.Notice, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		cfg, err = config.Load(path)
		return cfg, nil, err
	}
	return loadLAppS(path)
}

// loadLAppS is loadConfig for a directory.
func loadLAppS(path string) (*config.Config, []config.Notice, error) {
	dir, ok := lappsDirectory(path)
	if !ok {
		return nil, nil, noLAppS(path)
	}
	cfg, notices, err := config.LoadLAppS(dir, lappsFiles(), lappsHome(dir))
	if err != nil || cfg.Outgoing.CAFile == "" {
		return cfg, notices, err
	}
	// LAppS's configuration names the file always, whether it is there or not.
	if err := cws.CheckCAFile(cfg.Outgoing.CAFile); err != nil {
		notices = append(notices, config.Notice(cfg.OutgoingMistake("ca_file", "left out: "+err.Error())))
		cfg.Outgoing.CAFile = ""
	}
	return cfg, notices, nil
}

// isLAppS reports whether path is one of LAppS's pair, and no file.
func isLAppS(path string) bool { return isDirectory(path) }

func noLAppS(path string) error {
	return fmt.Errorf("%s: holds no configuration of LAppS: there is no ws.json and no lapps.json, neither in it nor in its %s", path, confDir)
}

// confDir is where LAppS's home has its configuration.
var confDir = filepath.Join("etc", "conf")

// lappsDirectory finds where LAppS's files are: in path, or, where that is
// LAppS's home, below it.
func lappsDirectory(path string) (dir string, ok bool) {
	for _, dir := range []string{path, filepath.Join(path, confDir)} {
		if config.IsLAppS(dir, lappsFiles()) {
			return dir, true
		}
	}
	return "", false
}

// lappsHome is what the directories in LAppS's configuration are relative to:
// LAPPS_HOME, or else the directory of the configuration, or, where that is
// etc/conf of a directory that has the apps, that one.
func lappsHome(dir string) string {
	if home := os.Getenv("LAPPS_HOME"); home != "" {
		return home
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	home := filepath.Dir(filepath.Dir(abs))
	if abs == filepath.Join(home, confDir) && isDirectory(filepath.Join(home, "apps")) && !isDirectory(filepath.Join(dir, "apps")) {
		return home
	}
	return dir
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
