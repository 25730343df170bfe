package luatest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"lapps/services"
	"lapps/services/vm"
)

// A File holds tests.
type File struct {
	// Files is a directory, and Name the file's name there. What the tests require
	// is found there, too: it is the service's directory.
	Files fs.FS
	Name  string

	// Dir is the directory's name for people, before Name.
	Dir string

	// Service is what is tested, with all that it depends on. "" is every service
	// that starts by itself.
	Service string
}

// path is the file's name for people.
func (f *File) path() string { return path.Join(f.Dir, f.Name) }

// A Runner runs tests. Its fields are not changed meanwhile.
type Runner struct {
	// Services are those that there are.
	Services []services.Config

	// Modules makes what the Lua of the services and of the tests can require, for
	// each test anew: some hold something for all of its services.
	Modules func() []vm.Module

	// Libraries are modules that the tests' Lua has as globals, as the services have
	// those of their configurations.
	Libraries []vm.Module

	// Out is written to in the manner of go test.
	Out io.Writer

	// Verbose has all tests told, with what was logged, and not only those that
	// fail.
	Verbose bool

	// Match says which tests are run, by their names; nil: all.
	Match *regexp.Regexp

	// Timeout is how long a test may take, in real time; 0 means 10 s.
	Timeout time.Duration
}

// Run runs the tests of files, those of one directory together, and reports whether
// none has failed.
func (r *Runner) Run(files []*File) (ok bool) {
	ok = true
	for len(files) > 0 {
		n := 1
		for n < len(files) && files[n].Dir == files[0].Dir {
			n++
		}
		ok = r.directory(files[:n]) && ok
		files = files[n:]
	}
	if !ok {
		fmt.Fprintln(r.Out, "FAIL")
	}
	return ok
}

// directory runs the files of one directory.
func (r *Runner) directory(files []*File) bool {
	began := time.Now()
	failed, ran := false, 0
	for _, f := range files {
		n, good := r.run(f)
		ran += n
		failed = failed || !good
	}
	took, note := time.Since(began).Seconds(), ""
	if ran == 0 && !failed {
		note = "\t[no tests to run]"
	}
	verdict := "ok  "
	if failed {
		verdict = "FAIL"
	}
	fmt.Fprintf(r.Out, "%s\t%s\t%.3fs%s\n", verdict, files[0].Dir, took, note)
	return !failed
}

// run runs a file.
func (r *Runner) run(f *File) (ran int, ok bool) {
	p, err := vm.Load(f.Files, f.Name)
	if err != nil {
		r.tell(&result{name: f.path(), failures: []string{f.locate(err.Error())}})
		return 0, false
	}
	specs, uses, err := r.list(f, p)
	if err != nil {
		r.tell(&result{name: f.path(), failures: []string{err.Error()}})
		return 0, false
	}
	ok = true
	for i, s := range specs {
		name := f.path() + ": " + s.name
		if r.Match != nil && !r.Match.MatchString(name) {
			continue
		}
		if ran++; r.Verbose {
			fmt.Fprintf(r.Out, "=== RUN   %s\n", name)
		}
		began := time.Now()
		res := r.one(f, p, i, s.name, uses)
		res.name, res.took = name, time.Since(began)
		r.tell(res)
		ok = ok && len(res.failures) == 0
	}
	return ran, ok
}

func (r *Runner) timeout() time.Duration {
	if r.Timeout == 0 {
		return 10 * time.Second
	}
	return r.Timeout
}

// list runs the file for its tests. The error is fit to be told.
func (r *Runner) list(f *File, p *vm.Program) (specs []*spec, uses []string, err error) {
	t, err := begin(r, f, p)
	if err != nil {
		return nil, nil, err
	}
	stop := t.watch(r.timeout())
	err = t.collect()
	stop()
	if why := t.reason.Load(); why != nil {
		err = t.ended(*why, err)
	}
	if err != nil {
		err = errors.New(f.describe(err, t.failed))
	}
	return t.suite.all, t.suite.uses, errors.Join(err, t.end())
}

// ended is err for a test that was ended.
func (t *test) ended(why string, err error) error {
	var e *vm.Error
	if errors.As(err, &e) {
		if at := place.FindString(e.Message); at != "" {
			why = at + " " + why
		}
	}
	return errors.New(why)
}

// place is where an error is.
var place = regexp.MustCompile(`^[^:\n]+\.lua:\d+:`)

// one runs the i-th test of a file.
func (r *Runner) one(f *File, p *vm.Program, i int, name string, uses []string) *result {
	res := new(result)
	t, err := begin(r, f, p)
	if err != nil {
		res.failures = []string{err.Error()}
		return res
	}
	err = t.attempt(r, i, name, uses)
	if err != nil {
		res.failures = append(res.failures, f.describe(err, t.failed))
	}
	if err := t.end(); err != nil {
		res.failures = append(res.failures, err.Error())
	}
	for _, text := range t.log.takeErrors() {
		res.failures = append(res.failures, "logged: "+text)
	}
	res.log = t.log.all()
	return res
}

// attempt is a test's own part.
func (t *test) attempt(r *Runner, i int, name string, uses []string) (err error) {
	if err := t.open(r, uses); err != nil {
		return err
	}
	stop := t.watch(r.timeout())
	defer func() {
		stop()
		if why := t.reason.Load(); why != nil {
			err = t.ended(*why, err)
		}
	}()
	if err := t.start(); err != nil {
		return err
	}
	if err := t.collect(); err != nil {
		return err
	}
	if i >= len(t.suite.all) || t.suite.all[i].name != name {
		return errors.New("the file does not declare the same tests each time it is run")
	}
	return t.run(t.suite.all[i])
}

// describe is an error for people: failed is what an expectation raised, which needs
// no traceback.
func (f *File) describe(err error, failed string) string {
	var e *vm.Error
	if !errors.As(err, &e) {
		return f.locate(err.Error())
	}
	text := errorText(err)
	if !place.MatchString(text) { // and Message is of one line
		if at := place.FindString(e.Message); at != "" {
			text = at + " " + text
		}
	}
	if failed == "" || text != failed {
		text += "\n" + strings.TrimSpace(e.Traceback)
	}
	return f.locate(strings.TrimSpace(text))
}

// locate has a text that begins with a place begin with the directory, too.
func (f *File) locate(text string) string {
	if at := place.FindString(text); at != "" {
		file, _, _ := strings.Cut(at, ":")
		if _, err := fs.Stat(f.Files, file); err == nil {
			return path.Join(f.Dir, file) + strings.TrimPrefix(text, file)
		}
	}
	return text
}

// A result is what has become of a test, or of a file that has come to none.
type result struct {
	name     string
	took     time.Duration
	failures []string
	log      []string
}

// tell writes a result, where it is to be seen.
func (r *Runner) tell(res *result) {
	verdict := "PASS"
	if len(res.failures) > 0 {
		verdict = "FAIL"
	} else if !r.Verbose {
		return
	}
	fmt.Fprintf(r.Out, "--- %s: %s (%.2fs)\n", verdict, res.name, res.took.Seconds())
	for _, text := range res.failures {
		r.indented(text)
	}
	if len(res.log) > 0 {
		r.indented("log:\n    " + strings.Join(res.log, "\n    "))
	}
}

func (r *Runner) indented(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(r.Out, "    %s\n", strings.TrimRight(line, "\n"))
	}
}

// Sort brings files into the order in which Run wants them.
func Sort(files []*File) {
	slices.SortFunc(files, func(a, b *File) int { return strings.Compare(a.path(), b.path()) })
}
