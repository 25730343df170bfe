package bundle_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"lapps/services/bundle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// umask is the process's.
var umask = func() fs.FileMode {
	mask := syscall.Umask(0)
	syscall.Umask(mask)
	return fs.FileMode(mask)
}()

// archive is an archive in memory.
func archive(name string, data []byte, limits bundle.Limits) *bundle.Archive {
	return bundle.New(bytes.NewReader(data), int64(len(data)), name, limits)
}

// extract unpacks an archive into a new directory. What is there afterwards is
// returned: files with their contents, directories with / behind their names and "".
// Nothing may be outside.
func extract(t testing.TB, a *bundle.Archive) (m bundle.Manifest, there map[string]string, err error) {
	t.Helper()
	outside := t.TempDir()
	into := filepath.Join(outside, "into")
	if err := os.Mkdir(into, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	m, err = a.Extract(root)
	if all, err := os.ReadDir(outside); err != nil || len(all) != 1 {
		t.Fatalf("outside there is %v, %v", all, err)
	}
	return m, list(t, into), err
}

// list is what there is in a directory: regular files of mode 0644 and directories of
// mode 0755, or the test fails.
func list(t testing.TB, dir string) map[string]string {
	t.Helper()
	there := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(dir)+"/")
		switch info.Mode() {
		case fs.ModeDir | 0o755&^umask:
			there[name+"/"] = ""
			return nil
		case 0o644 &^ umask:
			data, err := os.ReadFile(path)
			there[name] = string(data)
			return err
		default:
			t.Errorf("%s has the mode %v", name, info.Mode())
			return nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return there
}

// inspectError is the error of an Inspect, which has to be an *Error on one line.
func inspectError(t testing.TB, a *bundle.Archive) string {
	t.Helper()
	_, err := a.Inspect()
	return breach(t, err)
}

// breach is the text of an error, which has to be an *Error on one line.
func breach(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *bundle.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is of the type %T", err, err)
	}
	if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
		t.Fatalf("more than one line, or less: %q", err)
	}
	return err.Error()
}
