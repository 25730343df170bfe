package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lapps/config"
	"lapps/services/luatest"
	"lapps/services/vm"
)

func newTest() *cobra.Command {
	var path, match string
	var verbose bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "test [-c PATH] [-v] [-run REGEXP] [-timeout TIME] DIR...",
		Short: "Run the tests of services: NAME_test.lua beside NAME.lua",
		Long: `test runs the files below DIR whose names end with _test.lua. DIR is a directory
of services, or that of one. See docs/testing.md.

The services are as the configuration says: PATH, or else lapps.json in DIR, or in
the directory above it. Where there is none each is what it is without a word about it
in the configuration, with all that lies beside it.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			re, err := regexp.Compile(match)
			if err != nil {
				return fmt.Errorf("--run: %w", err)
			}
			t := &luatest.Runner{Out: cmd.OutOrStdout(), Verbose: verbose, Match: re, Timeout: timeout, Libraries: globalModules(nil)}
			return test(t, path, dirs, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "the configuration file (JSON), or the directory of LAppS's ws.json and lapps.json")
	cmd.Flags().StringVar(&match, "run", "", "run only tests whose names match: FILE: GROUP/TEST")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "tell all tests, and what was logged")
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "how long one test may take")
	return cmd
}

// errTold is why the status is not 0 where what has failed has been told.
var errTold = errors.New("")

// test runs the tests below dirs.
func test(t *luatest.Runner, path string, dirs []string, notices io.Writer) error {
	failed := false
	for _, dir := range dirs {
		files, err := testFiles(dir)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("%s: there is no file below it whose name ends with _test.lua", dir)
		}
		cfg, err := testConfig(path, dir, notices)
		if err != nil {
			return err
		}
		if t.Services, err = serviceConfigs(cfg, directory(cfg)); err != nil {
			return err
		}
		t.Modules = func() []vm.Module { return modules(cfg.Limits) }
		for _, f := range files {
			if _, ok := cfg.Services[f.Service]; !ok {
				f.Service = ""
			}
		}
		failed = !t.Run(files) || failed
	}
	if failed {
		return &failure{errTold}
	}
	return nil
}

// testFiles finds the files with tests below dir.
func testFiles(dir string) (files []*luatest.File, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !vm.IsTest(filepath.ToSlash(absolute(path))) {
			return err
		}
		f, err := testFile(path)
		files = append(files, f)
		return err
	})
	luatest.Sort(files)
	return files, err
}

// testFile is the file at path, which belongs to the service in whose directory it
// lies, if it does in one.
func testFile(path string) (*luatest.File, error) {
	home, service := filepath.Dir(path), ""
	for dir := home; ; dir = filepath.Join(dir, "..") {
		if name := filepath.Base(absolute(dir)); isService(dir, name) {
			home, service = dir, name
			break
		}
		if absolute(dir) == absolute(filepath.Join(dir, "..")) {
			break
		}
	}
	root, err := os.OpenRoot(home)
	if err != nil {
		return nil, err
	}
	name, err := filepath.Rel(home, path)
	if err != nil {
		return nil, err
	}
	return &luatest.File{Files: root.FS(), Name: filepath.ToSlash(name), Dir: filepath.ToSlash(home), Service: service}, nil
}

// isService reports whether dir has the main file of a service of that name.
func isService(dir, name string) bool {
	info, err := os.Stat(filepath.Join(dir, name+".lua"))
	return err == nil && info.Mode().IsRegular()
}

func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path // the working directory has gone
	}
	return abs
}

// testConfig is the configuration at path; or else that of dir, or of the directory
// above it; or else one in which there is nothing but the services that are there.
func testConfig(path, dir string, notices io.Writer) (*config.Config, error) {
	if path == "" {
		path = configNear(dir)
	}
	if path == "" {
		return plainConfig(dir)
	}
	cfg, noted, err := loadConfig(path)
	for _, n := range noted {
		fmt.Fprintln(notices, n)
	}
	return cfg, err
}

// plainConfig is a configuration of the services in dir, or, where dir is one's own,
// of those beside it.
func plainConfig(dir string) (*config.Config, error) {
	apps := dir
	if isService(dir, filepath.Base(absolute(dir))) {
		apps = filepath.Join(dir, "..")
	}
	entries, err := os.ReadDir(apps)
	if err != nil {
		return nil, err
	}
	services := make(map[string]struct{})
	for _, e := range entries {
		if isService(filepath.Join(apps, e.Name()), e.Name()) {
			services[e.Name()] = struct{}{}
		}
	}
	text, err := json.Marshal(map[string]any{"directories": map[string]string{"applications": "."}, "services": services})
	if err != nil {
		return nil, err
	}
	return config.Parse(filepath.Join(apps, "no configuration"), text)
}

// likeGo are the flags of lapps test that may be written as go test's are, with one
// dash.
var likeGo = []string{"-run", "-timeout"}

// withGoFlags is a command line with these as cobra wants them.
func withGoFlags(args []string) []string {
	if len(args) == 0 || args[0] != "test" {
		return args
	}
	args = slices.Clone(args)
	for i, a := range args {
		if name, _, _ := strings.Cut(a, "="); slices.Contains(likeGo, name) {
			args[i] = "-" + a
		}
	}
	return args
}
