package bundle_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lapps/config"
	"lapps/services/bundle"
)

const echoLua = `function onMessage(handler, opcode, message) return ws:send(handler, opcode, message) end`

// TestFormats unpacks what there may be, and compares everything with what comes of it.
func TestFormats(t *testing.T) {
	dir := tar.Header{Typeflag: tar.TypeDir}
	nested := map[string]string{"echo/": "", "echo/echo.lua": echoLua, "echo/lib/": "", "echo/lib/a.lua": "return 1"}
	flat := map[string]string{"echo/": "", "echo/echo.lua": echoLua, "echo/echo.json": "{}", "echo/web/": "", "echo/web/x": "", "echo/empty/": ""}
	for _, c := range []struct {
		name       string
		archive    string
		data       []byte
		format     string
		descriptor string
		there      map[string]string
	}{
		{"lar", "deploy/x.lar", larOf(t, larFile{name: "echo/lib/a.lua", data: "return 1"}, larFile{name: "echo/echo.lua", data: echoLua}), "lar", "", nested},
		{"lar of ./echo", "x.lar", larOf(t, larFile{name: "./echo/lib/a.lua", data: "return 1"}, larFile{name: "./echo/echo.lua", data: echoLua}), "lar", "", nested},
		{"zip", "x.zip", zipOf(t, "echo/lib/a.lua", "return 1", "echo/echo.lua", echoLua), "zip", "", nested},
		{"zip with directories", "echo.zip", zipOf(t, "echo/", "", "echo/lib/", "", "echo/lib/a.lua", "return 1", "echo/echo.lua", echoLua), "zip", "", nested},
		{"zip with a comment", "x.zip", append(with(zipOf(t, "echo/lib/a.lua", "return 1", "echo/echo.lua", echoLua), endOf(t)+20, 2, 5), "hello"...), "zip", "", nested},
		{"flat zip", "echo.zip", zipOf(t, "echo.lua", echoLua, "web/x", "", "empty/", "", "echo.json", "{}"), "zip", "echo/echo.json", flat},
		{"tar", "x.tar.gz", tarOf(t, tarFile{name: "echo/echo.lua", data: echoLua}, tarFile{name: "echo/lib/a.lua", data: "return 1"}), "tar.gz", "", nested},
		{"tar of ./echo", "x.tgz", tarOf(t, tarFile{name: "./echo/", header: dir}, tarFile{name: "./echo/echo.lua", data: echoLua},
			tarFile{name: "./echo/lib", header: dir}, tarFile{name: "./echo/lib/a.lua", data: "return 1"}), "tar.gz", "", nested},
		{"tar of .", "echo.tar.gz", tarOf(t, tarFile{name: "./", header: dir}, tarFile{name: "./echo.lua", data: echoLua}, tarFile{name: "./web/x"},
			tarFile{name: "./echo.json", data: "{}"}, tarFile{name: "./empty/", header: dir}), "tar.gz", "echo/echo.json", flat},
		{"tar of git archive", "echo.tgz", tarOf(t, tarFile{header: tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "9bb3511"}}},
			tarFile{name: "echo/", header: dir}, tarFile{name: "echo/echo.lua", data: echoLua}, tarFile{name: "echo/lib/a.lua", data: "return 1"}), "tar.gz", "", nested},
		{"tar in two members", "x.tgz", inTwo(t, plainTar(t, tarFile{name: "echo/echo.lua", data: echoLua}, tarFile{name: "echo/lib/a.lua", data: "return 1"})), "tar.gz", "", nested},
		{"format by contents", "echo.lar", tarOf(t, tarFile{name: "echo/echo.lua", data: echoLua}, tarFile{name: "echo/lib/a.lua", data: "return 1"}), "tar.gz", "", nested},
		{"set-gid directory", "x.tgz", tarOf(t, tarFile{name: "echo/", header: tar.Header{Typeflag: tar.TypeDir, Mode: 0o2775}},
			tarFile{name: "echo/echo.lua", data: echoLua, header: tar.Header{Mode: 0o755}}, tarFile{name: "echo/lib/a.lua", data: "return 1"}), "tar.gz", "", nested},
		{"a name that is no service", "echo-1.2.zip", zipOf(t, "echo/echo.lua", echoLua, "echo/lib/a.lua", "return 1"), "zip", "", nested},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := bundle.Manifest{Format: c.format, Service: "echo", Descriptor: c.descriptor, SHA256: sha256.Sum256(c.data)}
			for _, name := range slices.Sorted(maps.Keys(c.there)) {
				if !strings.HasSuffix(name, "/") {
					f := bundle.File{Name: name, Size: int64(len(c.there[name])), SHA256: sha256.Sum256([]byte(c.there[name]))}
					want.Files, want.Size = append(want.Files, f), want.Size+f.Size
				}
			}
			m, there, err := extract(t, archive(c.archive, c.data, bundle.Limits{}))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(m, want) || !maps.Equal(there, c.there) {
				t.Errorf("got  %+v, %v\nwant %+v, %v", m, there, want, c.there)
			}
			if inspected, err := archive(c.archive, c.data, bundle.Limits{}).Inspect(); err != nil || !reflect.DeepEqual(inspected, want) {
				t.Errorf("Inspect: %+v, %v", inspected, err)
			}
			if v := hex.EncodeToString(want.SHA256[:])[:12]; m.Version() != v {
				t.Errorf("version %s, want %s", m.Version(), v)
			}
		})
	}
}

// endOf is where the end is of the ZIP that TestFormats puts a comment behind.
func endOf(t testing.TB) int {
	return end(zipOf(t, "echo/lib/a.lua", "return 1", "echo/echo.lua", echoLua))
}

// inTwo is data in two members of a gzip.
func inTwo(t testing.TB, data []byte) []byte {
	return append(gzipOf(t, data[:700]), gzipOf(t, data[700:])...)
}

// TestDescriptor finds the descriptor: that of the archive's name before that of the
// service's.
func TestDescriptor(t *testing.T) {
	for _, c := range []struct{ archive, files, want string }{
		{"echo.zip", "echo/echo.lua", ""},
		{"echo.zip", "echo/echo.lua echo/echo.json", "echo/echo.json"},
		{"other.zip", "echo/echo.lua echo/echo.json", "echo/echo.json"},
		{"other.zip", "echo/echo.lua echo/echo.json echo/other.json", "echo/other.json"},
		{"other.zip", "echo/echo.lua echo/lib/other.json", ""},
		{"dir.d/other.lar.zip", "echo/echo.lua echo/other.lar.json", "echo/other.lar.json"},
		{"other.zip", "echo/echo.lua echo/other.json/x", ""},
		{"echo.tgz", "echo.lua echo.json", "echo/echo.json"},
		{"echo.tgz", "echo.lua echo/echo.json", ""},
	} {
		var files []string
		for _, name := range strings.Fields(c.files) {
			files = append(files, name, "x")
		}
		m, err := archive(c.archive, zipOf(t, files...), bundle.Limits{}).Inspect()
		if err != nil || m.Descriptor != c.want || m.Service != "echo" {
			t.Errorf("%s of %s: service %q, descriptor %q, %v; want %q", c.archive, c.files, m.Service, m.Descriptor, err, c.want)
		}
	}
}

// TestServiceNames compares what a service may be called with the configuration.
func TestServiceNames(t *testing.T) {
	for _, name := range []string{"a", "A_-9", "_", strings.Repeat("a", 64), strings.Repeat("a", 65), "-a", "9a", "ä", "a b", "a.b"} {
		_, err := config.Parse("lapps.json", []byte(`{"services": {"`+name+`": {}}}`))
		want := ""
		if err != nil {
			want = `bundle: x.lar: "` + name + `": names the service and must be a letter or _ and at most 63 letters, digits, _ and -`
		}
		got := inspectError(t, archive("x.lar", larOf(t, larFile{name: name + "/" + name + ".lua", data: "x"}), bundle.Limits{}))
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file, pipe := filepath.Join(dir, "echo.zip"), filepath.Join(dir, "pipe.zip")
	if err := os.WriteFile(file, zipOf(t, "echo.lua", echoLua), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := bundle.Open(file, bundle.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := a.Inspect(); err != nil || m.Service != "echo" {
		t.Errorf("%+v, %v", m, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if _, err := a.Inspect(); !errors.Is(err, fs.ErrClosed) || err.Error() != "bundle: "+file+": read "+file+": file already closed" {
		t.Errorf("closed: %v", err)
	}
	for name, want := range map[string]string{
		pipe:                         "bundle: " + pipe + ": is no regular file",
		dir:                          "bundle: " + dir + ": is no regular file",
		filepath.Join(dir, "no.lar"): "bundle: open " + filepath.Join(dir, "no.lar") + ": no such file or directory",
	} {
		if _, err := bundle.Open(name, bundle.Limits{}); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

// TestNotEmpty leaves a directory alone in which there is something.
func TestNotEmpty(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	_, err = archive("echo.zip", zipOf(t, "echo.lua", echoLua), bundle.Limits{}).Extract(root)
	want := "bundle: echo.zip: " + dir + `, where it is to be unpacked, is not empty: there is "old"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if there := list(t, dir); len(there) != 1 {
		t.Errorf("there is %v", there)
	}
}

// TestChanged has an archive change while it is read: after the nth read it is another.
func TestChanged(t *testing.T) {
	const first = "return 0"
	before := larOf(t, larFile{name: "echo/echo.lua", data: first})
	after, second := before, ""
	for i := 1; second == "" || len(after) != len(before); i++ { // of the same size
		second = fmt.Sprint("return ", i)
		after = larOf(t, larFile{name: "echo/echo.lua", data: second})
	}
	refused := 0
	for n := 0; ; n++ {
		r := &changing{before: before, after: after, left: n}
		m, err := bundle.New(r, int64(len(before)), "echo.lar", bundle.Limits{}).Inspect()
		switch {
		case err != nil:
			refused++
		case m.SHA256 == sha256.Sum256(before) && m.Files[0].SHA256 == sha256.Sum256([]byte(first)) && r.left >= 0:
			if refused == 0 {
				t.Error("nothing was refused")
			}
			return // it was read before it changed
		case m.SHA256 == sha256.Sum256(after) && m.Files[0].SHA256 == sha256.Sum256([]byte(second)):
		default:
			t.Fatalf("after %d reads: %+v", n, m)
		}
	}
}

// changing becomes another archive.
type changing struct {
	before, after []byte
	left          int // reads until then; below 0 it has happened
}

func (c *changing) ReadAt(p []byte, at int64) (int, error) {
	c.left--
	if c.left < 0 {
		return bytes.NewReader(c.after).ReadAt(p, at)
	}
	return bytes.NewReader(c.before).ReadAt(p, at)
}
