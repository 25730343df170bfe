package bundle_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"lapps/services/bundle"
)

// TestGolden reads an archive that another program has written, see testdata/README.md.
func TestGolden(t *testing.T) {
	a, err := bundle.Open(filepath.Join("testdata", "echo.lar"), bundle.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	m, there, err := extract(t, a)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"echo/":              "",
		"echo/lib/":          "",
		"echo/lib/words.lua": `return {"yes", "no"}`,
		"echo/echo.lua":      echoLua,
		"echo/echo.json":     `{"name": "echo", "auto_start": true, "instances": 2, "request_target": "/echo", "protocol": "raw"}`,
	}
	if !maps.Equal(there, want) || m.Service != "echo" || m.Descriptor != "echo/echo.json" || m.Format != "lar" {
		t.Errorf("%+v, %v", m, there)
	}
}

// service is a service with files of many sizes: around those at which bzip2's blocks
// end, and lower levels do not hold them any more; and with what bzip2 makes more of
// than it was.
var service = sync.OnceValue(func() fstest.MapFS {
	files := fstest.MapFS{
		"big.lua":        {Data: []byte(echoLua), Mode: 0o755},
		"big.json":       {Data: []byte("{}"), Mode: 0o400},
		"lib/a.lua":      {Data: []byte("return 1")},
		"lib.lua":        {Data: []byte("return 2")}, // before lib/ by bytes, behind it in a directory
		"data/ünï.txt":   {Data: []byte("x")},
		"data/empty.txt": {},
	}
	r := rand.New(rand.NewChaCha8([32]byte{1}))
	for _, n := range []int{1, 79_999, 80_000, 80_001, 640_001, 900_001} {
		runs := make([]byte, n)
		for i := range n {
			runs[i] = byte(i / 4) // each run of four has a count of 0 behind it: 5 bytes for 4
		}
		files[fmt.Sprintf("data/runs-%d", n)] = &fstest.MapFile{Data: runs}
	}
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	files["data/noise"] = &fstest.MapFile{Data: noise}
	files["data/text"] = &fstest.MapFile{Data: []byte(strings.Repeat("lapps ", 60_000))}
	return files
})

// packed is that service as a LAR.
var packed = sync.OnceValues(func() (m bundle.Manifest, data []byte) {
	var b bytes.Buffer
	m, err := bundle.PackLAR(&b, "big", service(), bundle.Limits{})
	if err != nil {
		panic(err)
	}
	return m, b.Bytes()
})

// TestPack has what was packed unpacked again.
func TestPack(t *testing.T) {
	files := service()
	m, data := packed()
	unpacked, there, err := extract(t, archive("big.lar", data, bundle.Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, unpacked) {
		t.Errorf("packed %+v\nunpacked %+v", m, unpacked)
	}
	for name, f := range files {
		if got, ok := there["big/"+name]; !ok || got != string(f.Data) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(f.Data))
		}
	}
	if want := len(files) + 3; len(there) != want { // and big/, big/lib/, big/data/
		t.Errorf("there are %d files and directories, want %d", len(there), want)
	}
	if m.Descriptor != "big/big.json" || m.SHA256 != sha256.Sum256(data) {
		t.Errorf("%+v", m)
	}
}

// TestPackIsTheSame has the same files make the same bytes, whatever their modes are.
func TestPackIsTheSame(t *testing.T) {
	pack := func(mode fs.FileMode) []byte {
		var b bytes.Buffer
		files := fstest.MapFS{}
		for _, name := range []string{"a.lua", "b.lua", "b/c", "é"} {
			files[name] = &fstest.MapFile{Data: []byte(name), Mode: mode, ModTime: time.Unix(int64(mode), 0)}
		}
		if _, err := bundle.PackLAR(&b, "a", files, bundle.Limits{}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if !bytes.Equal(pack(0o644), pack(0o755)) {
		t.Error("the same files make other bytes")
	}
}

// TestPackForPython has what was packed read by another program, with libbzip2.
func TestPackForPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 (Debian: python3)")
	}
	m, data := packed()
	file := filepath.Join(t.TempDir(), "big.lar")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, filepath.Join("testdata", "lar.py"), "list", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var want strings.Builder
	for _, f := range m.Files {
		fmt.Fprintf(&want, "644 %d %x %s\n", f.Size, f.SHA256, f.Name)
	}
	if string(out) != want.String() {
		t.Errorf("got\n%swant\n%s", out, &want)
	}
}

func TestPackRefuses(t *testing.T) {
	lua := &fstest.MapFile{Data: []byte("return 1")}
	for _, c := range []struct {
		name    string
		service string
		files   fstest.MapFS
		limits  bundle.Limits
		want    string
	}{
		{"no service's name", "a.b", fstest.MapFS{"a.b.lua": lua}, bundle.Limits{},
			`bundle: a.b.lar: "a.b" names the service and must be a letter or _ and at most 63 letters, digits, _ and -`},
		{"nothing", "a", fstest.MapFS{}, bundle.Limits{}, `bundle: a.lar: holds no files`},
		{"no main file", "a", fstest.MapFS{"b.lua": lua}, bundle.Limits{}, `bundle: a.lar: lacks "a/a.lua", the main file of the service`},
		{"a link", "a", fstest.MapFS{"a.lua": lua, "b": {Data: []byte("a.lua"), Mode: fs.ModeSymlink}}, bundle.Limits{},
			`bundle: a.lar: "a/b": is a symbolic link, and no regular file`},
		{"a pipe", "a", fstest.MapFS{"a.lua": lua, "b": {Mode: fs.ModeNamedPipe}}, bundle.Limits{},
			`bundle: a.lar: "a/b": is a named pipe, and no regular file`},
		{"a name", "a", fstest.MapFS{"a.lua": lua, "b\n": lua}, bundle.Limits{}, `bundle: a.lar: "a/b\n": has a control character in its name`},
		{"a large file", "a", fstest.MapFS{"a.lua": lua}, bundle.Limits{File: 7}, `bundle: a.lar: "a/a.lua": has 8 bytes, more than 7`},
		{"large files", "a", fstest.MapFS{"a.lua": lua, "b": lua}, bundle.Limits{Total: 15}, `bundle: a.lar: "a/b": with it all files have more than 15 bytes`},
		{"many files", "a", fstest.MapFS{"a.lua": lua, "b": lua}, bundle.Limits{Files: 2}, `bundle: a.lar: has more than 2 files and directories`},
		{"a large archive, early", "a", fstest.MapFS{"a.lua": lua}, bundle.Limits{Archive: 40}, `bundle: a.lar: "a/a.lua": with it the archive has more than 40 bytes`},
		{"a large archive", "a", fstest.MapFS{"a.lua": {}}, bundle.Limits{Archive: 100}, `bundle: a.lar: has 207 bytes, more than 100`},
		{"what would be a bomb", "a", fstest.MapFS{"a.lua": {Data: make([]byte, 2<<20)}}, bundle.Limits{}, `bundle: a.lar: unpacks to more than 200 times its size of 246 bytes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			_, err := bundle.PackLAR(&b, c.service, c.files, c.limits)
			if got := breach(t, err); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if b.Len() > 0 {
				t.Errorf("%d bytes were written", b.Len())
			}
		})
	}
}
