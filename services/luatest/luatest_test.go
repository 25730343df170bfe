package luatest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lapps/services"
	"lapps/services/modules/bit"
	"lapps/services/modules/semaphore"
	taskmodule "lapps/services/modules/task"
	clockmodule "lapps/services/modules/time"
	timermodule "lapps/services/modules/timer"
	"lapps/services/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the expected outputs anew")

// open is a directory below testdata, open until the test ends.
func open(t *testing.T, name string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// runner runs tests of the services in testdata.
func runner(t *testing.T, out *bytes.Buffer) *Runner {
	r := &Runner{
		Out: out,
		Modules: func() []vm.Module {
			return []vm.Module{taskmodule.Module(), timermodule.Module(), semaphore.Module(), clockmodule.Module()}
		},
		Libraries: []vm.Module{bit.Module()},
	}
	for _, name := range []string{"sample", "broken", "clock"} {
		r.Services = append(r.Services, services.Config{
			Name: name, Files: open(t, name).FS(), RequestTarget: "/" + name, AutoStart: true, Instances: 2,
			Subprotocols: []string{"v2"}, Origins: []string{"https://good.example"},
		})
	}
	r.Services = append(r.Services,
		services.Config{Name: "program", Files: open(t, "program").FS(), Standalone: true, AutoStart: true, Instances: 1},
		services.Config{Name: "said", Files: open(t, "said").FS(), RequestTarget: "/said", Dialect: services.LAppS, AutoStart: true, Instances: 2},
		services.Config{Name: "inline", Files: open(t, "inline").FS(), RequestTarget: "/inline", AutoStart: true, Instances: 2, Inline: true})
	return r
}

var (
	seconds = regexp.MustCompile(`\d+\.\d+s`)
	stack   = regexp.MustCompile(`(?m)^ +\[G\].*\n`) // which differ with gopher-lua's lines
)

// TestFiles runs each file of testdata and compares what is written with the file
// .want beside it.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*_test.lua")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		dir, name := filepath.Base(filepath.Dir(path)), filepath.Base(path)
		t.Run(dir+"/"+name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			r := runner(t, &out)
			if name == "late_test.lua" || name == "endless_test.lua" {
				r.Timeout = time.Second
			}
			ok := r.Run([]*File{{Files: open(t, dir).FS(), Name: name, Dir: "apps/" + dir, Service: dir}})
			got := stack.ReplaceAllString(seconds.ReplaceAllString(out.String(), "#s"), "")
			if ok == strings.Contains(got, "FAIL") {
				t.Errorf("ok is %v", ok)
			}
			golden := strings.TrimSuffix(path, ".lua") + ".want"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestVerbose has every test told, and those only whose names match run.
func TestVerbose(t *testing.T) {
	var out bytes.Buffer
	r := runner(t, &out)
	r.Verbose, r.Match = true, regexp.MustCompile("pass_test.lua: a group/is set up$")
	dir := open(t, "sample").FS()
	if !r.Run([]*File{{Files: dir, Name: "pass_test.lua", Dir: "sample", Service: "sample"}}) {
		t.Error("it failed")
	}
	want := `=== RUN   sample/pass_test.lua: a group/is set up
--- PASS: sample/pass_test.lua: a group/is set up (#s)
ok  	sample	#s
`
	if got := seconds.ReplaceAllString(out.String(), "#s"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out.Reset()
	r.Match = regexp.MustCompile("nothing is called so")
	if !r.Run([]*File{{Files: dir, Name: "pass_test.lua", Dir: "sample", Service: "sample"}}) {
		t.Error("it failed")
	}
	if got, want := seconds.ReplaceAllString(out.String(), "#s"), "ok  \tsample\t#s\t[no tests to run]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
