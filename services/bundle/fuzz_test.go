package bundle_test

import (
	"archive/tar"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lapps/services/bundle"
)

// fuzzLimits are small, so that they are met.
var fuzzLimits = bundle.Limits{Archive: 1 << 20, Total: 1 << 17, File: 1 << 15, Files: 40, Path: 100, Depth: 6, Ratio: 50}

// FuzzLAR: an archive of LAppS's format, as it is; and the one that has the table and
// what is behind it.
func FuzzLAR(f *testing.F) {
	good := larFile{name: "a/a.lua", data: "return 1"}
	item, packed := larItem(f, good)
	second, more := larItem(f, larFile{name: "./a/lib/b.lua", data: strings.Repeat("x", 2000)})
	f.Add(larOf(f, good), append(item, second...), append(packed, more...), uint16(2))
	evil, blob := larItem(f, larFile{name: "../../evil", data: "x"})
	f.Add(larOf(f, larFile{name: "a/a.lua", change: set(0, 8, 1<<40)}), evil, blob, uint16(1))
	if golden, err := os.ReadFile(filepath.Join("testdata", "echo.lar")); err == nil {
		f.Add(golden, evil, blob, uint16(60000))
	}
	f.Fuzz(func(t *testing.T, raw, table, blobs []byte, files uint16) {
		expectTame(t, raw)
		expectTame(t, assembleLAR(t, table, blobs, int(files)))
	})
}

// FuzzZip: a ZIP, as it is.
func FuzzZip(f *testing.F) {
	f.Add(zipOf(f, "a/", "", "a/a.lua", "return 1", "a/lib/b.lua", strings.Repeat("x", 2000)))
	f.Add(zipOf(f, "x.lua", "return 1", "lib/b.lua", ""))
	f.Add(zipOf(f, "../evil.lua", "return 1", "/evil.lua", ""))
	f.Add(sameTwice(f))
	f.Fuzz(expectTame)
}

// FuzzTar: a tar that is put within gzip, or, where it is not to be, an archive of any kind.
func FuzzTar(f *testing.F) {
	main := tarFile{name: "a/a.lua", data: "return 1"}
	f.Add(plainTar(f, main, tarFile{name: "./a/lib/b.lua", data: strings.Repeat("x", 2000)}), true)
	f.Add(plainTar(f, tarFile{name: "x.lua"}, tarFile{name: "lib", header: tar.Header{Typeflag: tar.TypeDir}}), true)
	f.Add(plainTar(f, main, tarFile{name: "a/link", header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: "/"}}, tarFile{name: "a/link/evil"}), true)
	f.Add(plainTar(f, tarFile{name: "a/" + strings.Repeat("d/", 80), header: tar.Header{Typeflag: tar.TypeDir, Format: tar.FormatPAX}}), true)
	f.Add(retype(plainTar(f, tarFile{name: "a/a.lua", header: tar.Header{Format: tar.FormatGNU}}), tar.TypeGNUSparse), true)
	f.Add(tarOf(f, main), false)
	f.Fuzz(func(t *testing.T, data []byte, pack bool) {
		if pack {
			data = gzipOf(t, data)
		}
		expectTame(t, data)
	})
}

// expectTame unpacks any bytes, and expects a directory with a service and nothing
// else, within the limits; or a breach of a rule. Either way nothing is written
// elsewhere, and Inspect says the same.
func expectTame(t *testing.T, data []byte) {
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
	m, err := archive("x.zip", data, fuzzLimits).Extract(root)
	again, errAgain := archive("x.zip", data, fuzzLimits).Inspect()
	if breach(t, err) != breach(t, errAgain) || !reflect.DeepEqual(m, again) && err == nil {
		t.Fatalf("Extract: %+v, %v\nInspect: %+v, %v", m, err, again, errAgain)
	}
	if all, err := os.ReadDir(outside); err != nil || len(all) != 1 {
		t.Fatalf("outside there is %v, %v", all, err)
	}
	there := list(t, into)
	var total int
	for _, contents := range there {
		total += len(contents)
		if int64(len(contents)) > fuzzLimits.File {
			t.Fatalf("a file of %d bytes", len(contents))
		}
	}
	if int64(total) > fuzzLimits.Total || len(there) > fuzzLimits.Files+1 { // flat: and the service's directory
		t.Fatalf("%d files and directories with %d bytes", len(there), total)
	}
	if err == nil {
		expectManifest(t, m, there)
	}
}

// expectManifest compares a manifest with what is there.
func expectManifest(t *testing.T, m bundle.Manifest, there map[string]string) {
	t.Helper()
	files := 0
	for name := range there {
		if !fs.ValidPath(strings.TrimSuffix(name, "/")) || name != m.Service+"/" && !strings.HasPrefix(name, m.Service+"/") {
			t.Fatalf("%q does not belong to %s", name, m.Service)
		}
		if !strings.HasSuffix(name, "/") {
			files++
		}
	}
	if files != len(m.Files) {
		t.Fatalf("%d files, and %d in the manifest", files, len(m.Files))
	}
	for _, f := range m.Files {
		if contents, ok := there[f.Name]; !ok || int64(len(contents)) != f.Size {
			t.Fatalf("%q has %d bytes, not %d", f.Name, len(contents), f.Size)
		}
	}
	if _, ok := there[m.Service+"/"+m.Service+".lua"]; !ok {
		t.Fatal("there is no main file")
	}
}
