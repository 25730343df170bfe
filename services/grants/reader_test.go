package grants

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReader has the service's own directory come first.
func TestReader(t *testing.T) {
	dir, g := newTree(t)
	root, err := os.OpenRoot(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, c := range []struct{ name, want string }{
		{"in.txt", "in"},
		{"./sub/../in.txt", "in"},
		{"data/in.txt", "in"}, // by the grants
		{filepath.Join(dir, "data/in.txt"), "in"},
		{"pipe", "pipe: not a regular file"},
		{"sub", "sub: not a regular file"},
		{"data/pipe", "data/pipe: not a regular file"},
		{"relative", "path escapes from parent"},
		{"none", noRead},
		{"../data/in.txt", noRead},
		{"in.txt\x00", "invalid argument"},
	} {
		f, err := Reader{Dir: root.FS(), Grants: g}.Open(c.name)
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v, want %s", c.name, err, c.want)
			}
			continue
		}
		text, err := io.ReadAll(f)
		if string(text) != c.want || err != nil {
			t.Errorf("%q: %q, %v, want %s", c.name, text, err, c.want)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	own, err := New(Config{Base: dir, Own: "/opt/lapps/apps/data"})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	for name, want := range map[string]string{
		"/opt/lapps/apps/data/in.txt": "", "/opt/lapps/apps//data/./in.txt": "", "in.txt": "",
		"/opt/lapps/apps/data/../other/in.txt": noRead, "/opt/lapps/apps/data2/in.txt": noRead, "/opt/lapps/apps/data": noRead,
	} {
		f, err := Reader{Dir: root.FS(), Grants: own}.Open(name)
		if err == nil {
			err = f.Close()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	if _, err := (Reader{}).Open("x"); err == nil || !strings.Contains(err.Error(), noRead) {
		t.Error(err)
	}
}
