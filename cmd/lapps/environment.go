package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lapps/config"
	"lapps/services/vm"
)

// lappsRoot is where LAppS is installed, if nothing says otherwise.
const lappsRoot = "/opt/lapps"

// lappsFiles are the names of LAppS's files as its environment variables have them.
func lappsFiles() config.LAppSFiles {
	return config.LAppSFiles{Server: os.Getenv("WS_CONFIG"), Services: os.Getenv("LAPPS_CONFIG")}
}

// configPath is the configuration where the command line gives one, or else the one that
// LAppS's environment variables name: LAPPS_CONF_DIR, or etc/conf in LAPPS_HOME; or the one of
// an installation of LAppS.
func configPath(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	for _, dir := range []string{os.Getenv("LAPPS_CONF_DIR"), below(os.Getenv("LAPPS_HOME"), confDir), below(lappsRoot, confDir)} {
		if dir != "" && config.IsLAppS(dir, lappsFiles()) {
			return dir, nil
		}
		if dir != "" && dir == os.Getenv("LAPPS_CONF_DIR") {
			return "", noLAppS(dir)
		}
	}
	return "", errors.New("no configuration is given: -c PATH names its file, or LAPPS_CONF_DIR or LAPPS_HOME the directory of LAppS's")
}

// configNear is the file lapps.json in dir, or in the directory above it; "": there is none.
func configNear(dir string) string {
	for _, in := range []string{dir, filepath.Join(dir, "..")} {
		at := filepath.Join(in, "lapps.json")
		if _, err := os.Stat(at); err == nil {
			return at
		}
	}
	return ""
}

// operatedPath is the configuration of the server that runs: configPath, but that a file which is near goes
// before an installation of LAppS that nothing names.
func operatedPath(given string) (string, error) {
	if given == "" && os.Getenv("LAPPS_CONF_DIR") == "" && os.Getenv("LAPPS_HOME") == "" {
		given = configNear(".")
	}
	return configPath(given)
}

// below is a path in a directory; "" where that is.
func below(dir, path string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, path)
}

// luaPath is where modules are that LUA_PATH names: templates of files, with a
// semicolon between, in which ? stands for the module's name. What is no template is left
// out: see luaPathMistakes.
func luaPath(value string) (places []vm.Place) {
	for _, template := range strings.Split(value, ";") {
		if p, err := luaPlace(template); err == nil && template != "" {
			places = append(places, p)
		}
	}
	return places
}

// luaPathMistakes are what is wrong with LUA_PATH.
func luaPathMistakes(value string) (all []error) {
	for _, template := range strings.Split(value, ";") {
		if _, err := luaPlace(template); err != nil && template != "" { // ;; is Lua's own path, of which we have none
			all = append(all, err)
		}
	}
	return all
}

func luaPlace(template string) (vm.Place, error) {
	fixed, _, ok := strings.Cut(template, "?")
	if !ok {
		return vm.Place{}, fmt.Errorf("LUA_PATH: %q has no ?, which stands for the module", template)
	}
	dir, err := filepath.Abs(filepath.Dir(fixed + "x"))
	if err != nil {
		return vm.Place{}, err
	}
	return vm.Place{Files: os.DirFS(dir), Template: template[strings.LastIndexByte(fixed, '/')+1:], Where: dir}, nil
}
