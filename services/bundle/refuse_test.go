package bundle_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"lapps/services/bundle"
)

// A refusal is an archive that is refused, and the error.
type refusal struct {
	name    string
	archive string // its name
	data    []byte
	limits  bundle.Limits
	want    string // behind "bundle: "
	late    bool   // it is found while contents are written
}

func testRefusals(t *testing.T, refusals []refusal) {
	t.Helper()
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			_, there, err := extract(t, archive(c.archive, c.data, c.limits))
			if got, want := breach(t, err), "bundle: "+c.want; got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
			if !c.late && len(there) > 0 {
				t.Errorf("was written: %v", there)
			}
			if again := inspectError(t, archive(c.archive, c.data, c.limits)); again != breach(t, err) {
				t.Errorf("Inspect: %s", again)
			}
		})
	}
}

// TestNames has every name that is refused, refused in every format.
func TestNames(t *testing.T) {
	long := strings.Repeat("a", 256)
	deep := strings.Repeat("d/", 32) + "f"
	path := strings.Repeat("0123456789abcdef/", 64) + "f"
	for _, c := range []struct{ name, want string }{
		{"/etc/passwd", `"/etc/passwd": has an absolute name`},
		{"../evil.lua", `"../evil.lua": has .. in its name`},
		{"echo/../../evil.lua", `"echo/../../evil.lua": has .. in its name`},
		{"echo/..", `"echo/..": has .. in its name`},
		{"..", `"..": has .. in its name`},
		{"./../x", `"./../x": has .. in its name`},
		{".", `".": has a part . in its name`},
		{"echo/./x", `"echo/./x": has a part . in its name`},
		{"././x", `"././x": has a part . in its name`},
		{"echo//x", `"echo//x": has an empty part in its name`},
		{".//x", `".//x": has an empty part in its name`},
		{`echo\x`, `"echo\\x": has a backslash in its name`},
		{`..\x`, `"..\\x": has a backslash in its name`},
		{"echo/a\nb", `"echo/a\nb": has a control character in its name`},
		{"echo/a\x1b[2J", `"echo/a\x1b[2J": has a control character in its name`},
		{"echo/a\u0085", `"echo/a\u0085": has a control character in its name`},
		{"echo/\xff", `"echo/\xff": its name is not UTF-8`},
		{"echo/" + long, `"echo/` + long[:115] + `"…: has a part of 256 bytes in its name, more than 255`},
		{deep, `"` + deep + `": has 33 parts in its name, more than 32`},
		{path, ""}, // below: not every format says whose name it is
		{"echo/echo.lua", `"echo/echo.lua": is there twice`},
		{"./echo/echo.lua", `"./echo/echo.lua": is there twice`},
		{"echo", `"echo": is there as a file and as a directory`},
		{"echo/echo.lua/x", `"echo/echo.lua/x": lies in "echo/echo.lua", which is a file`},
	} {
		lar := refusal{name: "lar", archive: "x.lar", data: larOf(t, larFile{name: "echo/echo.lua", data: "x"}, larFile{name: c.name, data: "y"})}
		zip := refusal{name: "zip", archive: "x.zip", data: zipOf(t, "echo/echo.lua", "x", c.name, "y")}
		tar := refusal{name: "tar", archive: "x.tgz", data: tarOf(t, tarFile{name: "echo/echo.lua", data: "x"}, tarFile{name: c.name, data: "y"})}
		lar.want, zip.want, tar.want = "x.lar: "+c.want, "x.zip: "+c.want, "x.tgz: "+c.want
		if c.want == "" {
			what := "has a name of 1089 bytes, more than 1024"
			lar.want, zip.want, tar.want = "x.lar: "+what, "x.zip: "+what, `x.tgz: "`+path[:120]+`"…: `+what
		}
		t.Run(strings.ToValidUTF8(c.name, "?"), func(t *testing.T) { testRefusals(t, []refusal{lar, zip, tar}) })
	}
}

// TestEmptyNames is apart: no format says whose name it is.
func TestEmptyNames(t *testing.T) {
	testRefusals(t, []refusal{
		{name: "lar", archive: "x.lar", data: larOf(t, larFile{name: "", data: "x"}), want: "x.lar: has an entry without a name"},
		{name: "lar, NUL", archive: "x.lar", data: larOf(t, larFile{name: "a\x00b", data: "x"}), want: `x.lar: "a\x00b": has a control character in its name`},
		{name: "zip", archive: "x.zip", data: zipOf(t, "", "x"), want: "x.zip: has an entry without a name"},
		{name: "zip, NUL", archive: "x.zip", data: zipOf(t, "a\x00b", "x"), want: `x.zip: "a\x00b": has a control character in its name`},
		{name: "tar", archive: "x.tgz", data: tarOf(t, tarFile{name: "", data: "x"}), want: "x.tgz: has an entry without a name"},
	})
}

// TestLayout has archives refused that do not have one service.
func TestLayout(t *testing.T) {
	testRefusals(t, []refusal{
		{name: "nothing", archive: "x.lar", data: nil, want: "x.lar: is no bundle: neither LAR, nor ZIP, nor tar.gz"},
		{name: "something else", archive: "x.lar", data: []byte("-- Lua\n"), want: "x.lar: is no bundle: neither LAR, nor ZIP, nor tar.gz"},
		{name: "too large", archive: "x.lar", data: make([]byte, 101), limits: bundle.Limits{Archive: 100}, want: "x.lar: has 101 bytes, more than 100"},
		{name: "no file", archive: "x.zip", data: zipOf(t), want: "x.zip: holds no files"},
		{name: "no file, but the top", archive: "x.tgz", data: tarOf(t, tarFile{name: "./", header: tar.Header{Typeflag: tar.TypeDir}}), want: "x.tgz: holds no files"},
		{name: "no main file", archive: "x.zip", data: zipOf(t, "echo/main.lua", "x"), want: `x.zip: lacks "echo/echo.lua", the main file of the service`},
		{name: "an empty directory", archive: "x.zip", data: zipOf(t, "echo/", ""), want: `x.zip: lacks "echo/echo.lua", the main file of the service`},
		{name: "a directory for a main file", archive: "x.zip", data: zipOf(t, "echo/echo.lua/", ""), want: `x.zip: lacks "echo/echo.lua", the main file of the service`},
		{name: "no main file, lar", archive: "x.lar", data: larOf(t, larFile{name: "echo/main.lua"}), want: `x.lar: lacks "echo/echo.lua", the main file of the service`},
		{name: "flat, another name", archive: "x.zip", data: zipOf(t, "echo.lua", "x", "y", ""), want: `x.zip: must have one directory NAME with NAME/NAME.lua at its top, or "x.lua"`},
		{name: "flat, one file", archive: "x.zip", data: zipOf(t, "echo.lua", "x"), want: `x.zip: must have one directory NAME with NAME/NAME.lua at its top, or "x.lua"`},
		{name: "flat, no service's name", archive: "echo-1.2.zip", data: zipOf(t, "echo-1.2.lua", "x"),
			want: `echo-1.2.zip: names the service, since the files are at its top: "echo-1.2" must be a letter or _ and at most 63 letters, digits, _ and -`},
		{name: "flat lar", archive: "echo.lar", data: larOf(t, larFile{name: "echo.lua"}), want: `echo.lar: must have one directory at its top, and nothing else`},
		{name: "two directories", archive: "x.zip", data: zipOf(t, "a/a.lua", "x", "b/b.lua", "y"), want: `x.zip: must have one directory NAME with NAME/NAME.lua at its top, or "x.lua"`},
		{name: "two directories, lar", archive: "x.lar", data: larOf(t, larFile{name: "a/a.lua"}, larFile{name: "b/b.lua"}), want: `x.lar: must have one directory at its top, and nothing else`},
		{name: "a file beside", archive: "echo.lar", data: larOf(t, larFile{name: "echo/echo.lua"}, larFile{name: "README"}), want: `echo.lar: must have one directory at its top, and nothing else`},
	})
}

// TestLimits has each limit exceeded in each format.
func TestLimits(t *testing.T) {
	lar := larOf(t, larFile{name: "a/a.lua", data: "12345678"}, larFile{name: "a/b/c", data: "1234567"})
	zip := zipOf(t, "a/a.lua", "12345678", "a/b/c", "1234567")
	tar := tarOf(t, tarFile{name: "a/a.lua", data: "12345678"}, tarFile{name: "a/b/c", data: "1234567"})
	bomb := strings.Repeat("x", 3<<20)
	lars, zips, tars := larOf(t, larFile{name: "a/a.lua", data: bomb}), zipOf(t, "a/a.lua", bomb), tarOf(t, tarFile{name: "a/a.lua", data: bomb})
	tooSmall := func(data []byte) string {
		return fmt.Sprintf("x: unpacks to more than 200 times its size of %d bytes", len(data))
	}
	testRefusals(t, []refusal{
		{name: "file, lar", archive: "x", data: lar, limits: bundle.Limits{File: 7}, want: `x: "a/a.lua": has 8 bytes, more than 7`},
		{name: "file, zip", archive: "x", data: zip, limits: bundle.Limits{File: 7}, want: `x: "a/a.lua": has 8 bytes, more than 7`},
		{name: "file, tar", archive: "x", data: tar, limits: bundle.Limits{File: 7}, want: `x: "a/a.lua": has 8 bytes, more than 7`},
		{name: "total, lar", archive: "x", data: lar, limits: bundle.Limits{Total: 14}, want: `x: "a/b/c": with it all files have more than 14 bytes`},
		{name: "total, zip", archive: "x", data: zip, limits: bundle.Limits{Total: 14}, want: `x: "a/b/c": with it all files have more than 14 bytes`},
		{name: "total, tar", archive: "x", data: tar, limits: bundle.Limits{Total: 2047}, want: `x: unpacks to more than 2047 bytes`},
		{name: "files, lar", archive: "x", data: lar, limits: bundle.Limits{Files: 1}, want: `x: has 2 files, more than 1`},
		{name: "files, zip", archive: "x", data: zip, limits: bundle.Limits{Files: 1}, want: `x: has 2 files, more than 1`},
		{name: "files and directories, lar", archive: "x", data: lar, limits: bundle.Limits{Files: 3}, want: `x: has more than 3 files and directories`},
		{name: "files and directories, zip", archive: "x", data: zip, limits: bundle.Limits{Files: 3}, want: `x: has more than 3 files and directories`},
		{name: "files and directories, tar", archive: "x", data: tar, limits: bundle.Limits{Files: 3}, want: `x: has more than 3 files and directories`},
		{name: "path, lar", archive: "x", data: lar, limits: bundle.Limits{Path: 6}, want: `x: has a name of 7 bytes, more than 6`},
		{name: "path, zip", archive: "x", data: zip, limits: bundle.Limits{Path: 6}, want: `x: has a name of 7 bytes, more than 6`},
		{name: "path, tar", archive: "x", data: tar, limits: bundle.Limits{Path: 6}, want: `x: "a/a.lua": has a name of 7 bytes, more than 6`},
		{name: "depth, lar", archive: "x", data: lar, limits: bundle.Limits{Depth: 2}, want: `x: "a/b/c": has 3 parts in its name, more than 2`},
		{name: "ratio, lar", archive: "x", data: lars, want: tooSmall(lars)},
		{name: "ratio, zip", archive: "x", data: zips, want: tooSmall(zips)},
		{name: "ratio, tar", archive: "x", data: tars, want: tooSmall(tars)},
	})
	for name, data := range map[string][]byte{"lar": lar, "zip": zip, "tar": tar} {
		limits := bundle.Limits{Archive: int64(len(data)), File: 8, Total: 15, Files: 4, Path: 7, Depth: 3}
		if name == "tar" {
			limits.Total = 4 * 512 * 2 // headers, contents and the end
		}
		if _, _, err := extract(t, archive("x", data, limits)); err != nil {
			t.Errorf("%s, within the limits: %v", name, err)
		}
	}
	within := strings.Repeat("x", 1<<20)
	if _, err := archive("x", larOf(t, larFile{name: "a/a.lua", data: within}), bundle.Limits{}).Inspect(); err != nil {
		t.Errorf("1 MiB in few bytes: %v", err)
	}
}

// TestLARRefuses has lies and damage of LAppS's format.
func TestLARRefuses(t *testing.T) {
	good := larFile{name: "a/a.lua", data: "return 1"}
	data := larOf(t, good)
	item, packed := larItem(t, good)
	damaged := bytes.Clone(data)
	damaged[len(damaged)-3] ^= 1 // in the checksum of the file's stream
	table := bytes.Clone(data)
	table[48+4+10] ^= 1 // in the checksum of the first block
	testRefusals(t, []refusal{
		{name: "short", archive: "x", data: data[:47], want: `x: has 47 bytes, fewer than the header of a LAR`},
		{name: "version", archive: "x", data: with(data, 3, 1, 2), want: `x: is a LAR of version 2, not 1`},
		{name: "no files", archive: "x", data: with(data, 12, 4, 0), want: `x: holds no files`},
		{name: "many files", archive: "x", data: with(data, 12, 4, 1<<32-1), want: `x: has 4294967295 files, more than 10000`},
		{name: "more files than items", archive: "x", data: with(data, 12, 4, 2), want: `x: is damaged: table: unexpected EOF`},
		{name: "fewer files than items", archive: "x", data: with(larOf(t, good, larFile{name: "a/b", data: "x"}), 12, 4, 1), want: `x: its table has not the size that the header says`},
		{name: "table beyond the end", archive: "x", data: with(data, 8, 4, 1<<32-1), want: `x: its table has 4294967295 bytes, of 192 that are there`},
		{name: "tiny table", archive: "x", data: with(data, 8, 4, 17), want: `x: its table has 17 bytes, and an empty one has 18`},
		{name: "huge table", archive: "x", data: with(data, 4, 4, 1<<32-1), want: `x: its table unpacks to 4294967295 bytes, more than the names of 1 files may take`},
		{name: "huge table of many files", archive: "x", data: with(with(data, 12, 4, 10_000), 4, 4, 10_000_000), want: `x: unpacks to more than 200 times its size of 240 bytes`},
		{name: "another size of the table", archive: "x", data: with(data, 4, 4, 64), want: `x: has 64 bytes at one place, 63 at another`},
		{name: "damaged table", archive: "x", data: table, want: `x: is damaged: table: bzip2 data invalid: block checksum mismatch`},
		{name: "table cut off", archive: "x", data: data[:100], want: `x: its table has 139 bytes, of 52 that are there`},
		{name: "more table than items", archive: "x", data: assembleLAR(t, append(bytes.Clone(item), 'x'), packed, 1), want: `x: its table has not the size that the header says`},
		{name: "half an item", archive: "x", data: assembleLAR(t, item[:40], packed, 1), want: `x: is damaged: table: unexpected EOF`},
		{name: "half a name", archive: "x", data: assembleLAR(t, item[:60], packed, 1), want: `x: is damaged: table: unexpected EOF`},
		{name: "a long name", archive: "x", data: larOf(t, larFile{name: "a/a.lua", change: set(16, 4, 1<<32-1)}), want: `x: has a name of 4294967295 bytes, more than 1024`},
		{name: "a huge file", archive: "x", data: larOf(t, larFile{name: "a/a.lua", change: set(0, 8, 1<<64-1)}), want: `x: "a/a.lua": has 9223372036854775807 bytes, more than 67108864`},
		{name: "a huge blob", archive: "x", data: larOf(t, larFile{name: "a/a.lua", change: set(8, 8, 1<<64-1)}), want: `x: "a/a.lua": is packed in 9223372036854775807 bytes, of 18 that are left`},
		{name: "a tiny blob", archive: "x", data: larOf(t, larFile{name: "a/a.lua", change: set(8, 8, 17)}), want: `x: "a/a.lua": is packed in 17 bytes, and an empty file in 18`},
		{name: "less than it says", archive: "x", data: larOf(t, larFile{name: "a/a.lua", data: "x", change: set(0, 8, 2)}), want: `x: "a/a.lua": has 2 bytes at one place, 1 at another`, late: true},
		{name: "another hash", archive: "x", data: larOf(t, larFile{name: "a/a.lua", data: "x", change: set(24, 4, 0)}), want: `x: "a/a.lua": does not have the SHA-256 that the archive says`, late: true},
		{name: "another hash of hashes", archive: "x", data: with(data, 16, 4, 0), want: `x: its header does not have the SHA-256 of the files' SHA-256`},
		{name: "set-uid", archive: "x", data: larOf(t, larFile{name: "a/a.lua", change: set(20, 4, 0o4755)}), want: `x: "a/a.lua": has the set-uid or set-gid bit`},
		{name: "bytes behind", archive: "x", data: append(bytes.Clone(data), 'x'), want: `x: has 1 bytes behind the last file`},
		{name: "bytes missing", archive: "x", data: data[:len(data)-1], want: `x: "a/a.lua": is packed in 53 bytes, of 52 that are left`},
		{name: "damaged file", archive: "x", data: damaged, want: `x: "a/a.lua": is damaged: bzip2 data invalid: file checksum mismatch`, late: true},
		{name: "no bzip2", archive: "x", data: assembleLAR(t, set64(item, 8, 20), append([]byte{8, 0, 0, 0}, "0123456789abcdef"...), 1), want: `x: "a/a.lua": is damaged: bzip2 data invalid: bad magic value`, late: true},
		{name: "longer than it says", archive: "x", data: assembleLAR(t, item, append([]byte{8, 0, 0, 0}, blobOf(t, []byte("return 10"))[4:]...), 1), want: `x: "a/a.lua": has more than the 8 bytes that the archive says`, late: true},
	})
}

// set64 is an item with another number of 8 bytes.
func set64(item []byte, at int, value uint64) []byte { return with(item, at, 8, value) }

// TestZipRefuses has lies and damage of ZIP.
func TestZipRefuses(t *testing.T) {
	data := zipOf(t, "a/a.lua", "return 1", "a/b", "return 2")
	one := zipOf(t, "a/a.lua", "return 1")
	mode := func(m fs.FileMode) func(*zip.FileHeader) { return func(h *zip.FileHeader) { h.SetMode(m) } }
	stored := func(h *zip.FileHeader) { h.Method = zip.Store }
	inner := zipFiles(t, stored, "a/b", "return 2")
	inner = inner[:record(0, inner)]
	nested := zipFiles(t, stored, "a/a.lua", string(inner), "a/b", "return 2")
	locator := bytes.Clone(one[:end(one)])
	locator = append(append(locator, "PK\x06\x07"+strings.Repeat("\x00", 16)...), one[end(one):]...)
	testRefusals(t, []refusal{
		{name: "cut off", archive: "x", data: data[:len(data)-1], want: `x: has no directory: it is not complete`},
		{name: "cut off early", archive: "x", data: data[:30], want: `x: has no directory: it is not complete`},
		{name: "tiny", archive: "x", data: data[:4], want: `x: has no directory: it is not complete`},
		{name: "bytes behind", archive: "x", data: append(bytes.Clone(data), 'x'), want: `x: does not end where its directory says`},
		{name: "bytes before the end", archive: "x", data: append(append(bytes.Clone(data[:end(data)]), 'x'), data[end(data):]...), want: `x: its directory is not where its end says`},
		{name: "a header before it", archive: "x", data: append([]byte("PK\x03\x04"), data...), want: `x: its directory is not where its end says`},
		{name: "several parts", archive: "x", data: with(data, end(data)+4, 2, 1), want: `x: is one of several parts`},
		{name: "fewer records", archive: "x", data: with(data, end(data)+8, 4, 1<<16|1), want: `x: its directory has more than the 1 records that its end says`},
		{name: "more records", archive: "x", data: with(data, end(data)+8, 4, 3<<16|3), want: `x: is damaged: directory: unexpected EOF`},
		{name: "no record", archive: "x", data: with(data, record(1, data), 1, 'X'), want: `x: its directory has fewer records than its end says`},
		{name: "zip64, records", archive: "x", data: with(data, end(data)+8, 4, 1<<32-1), want: `x: is in the ZIP64 format, which no bundle needs`},
		{name: "zip64, directory", archive: "x", data: with(data, end(data)+16, 4, 1<<32-1), want: `x: is in the ZIP64 format, which no bundle needs`},
		{name: "zip64, file", archive: "x", data: with(data, record(0, data)+24, 4, 1<<32-1), want: `x: is in the ZIP64 format, which no bundle needs`},
		{name: "zip64, locator", archive: "x", data: locator, want: `x: is in the ZIP64 format, which no bundle needs`},
		{name: "extra fields", archive: "x", data: zipFiles(t, func(h *zip.FileHeader) { h.Extra = make([]byte, 2049) }, "a/a.lua", "x"), want: `x: has 2049 bytes of extra fields and comment for one file, more than 2048`},
		{name: "encrypted", archive: "x", data: with(with(one, header(0, one)+6, 2, 9), record(0, one)+8, 2, 9), want: `x: "a/a.lua": is encrypted`},
		{name: "method", archive: "x", data: with(with(one, header(0, one)+8, 2, 12), record(0, one)+10, 2, 12), want: `x: "a/a.lua": is packed by the method 12, neither stored (0) nor deflated (8)`},
		{name: "another method", archive: "x", data: with(one, header(0, one)+8, 2, 0), want: `x: "a/a.lua": its header and the directory differ`},
		{name: "other flags", archive: "x", data: with(one, header(0, one)+6, 2, 0), want: `x: "a/a.lua": its header and the directory differ`},
		{name: "another name", archive: "x", data: with(one, header(0, one)+30, 1, 'b'), want: `x: "a/a.lua": its header and the directory differ`},
		{name: "a longer name", archive: "x", data: with(one, header(0, one)+26, 2, 8), want: `x: "a/a.lua": its header and the directory differ`},
		{name: "another size", archive: "x", data: with(one, header(0, one)+22, 4, 7), want: `x: "a/a.lua": its header and the directory differ`},
		{name: "another packed size", archive: "x", data: with(one, header(0, one)+18, 4, 7), want: `x: "a/a.lua": its header and the directory differ`},
		{name: "another checksum", archive: "x", data: with(one, header(0, one)+14, 4, 7), want: `x: "a/a.lua": its header and the directory differ`},
		{name: "no header", archive: "x", data: with(data, header(1, data), 1, 'X'), want: `x: "a/b": has no header where the directory says`},
		{name: "header in the directory", archive: "x", data: with(one, record(0, one)+42, 4, uint64(record(0, one)-29)), want: `x: "a/a.lua": lies where the directory is`},
		{name: "contents in the directory", archive: "x", data: with(one, record(0, one)+20, 4, 1000), want: `x: "a/a.lua": reaches into the directory`},
		{name: "the same file twice", archive: "x", data: sameTwice(t), want: `x: "a/a.lua": shares bytes with "a/a.lua"`},
		{name: "a file in another", archive: "x", data: with(nested, lastRecord(nested)+42, 4, uint64(30+len("a/a.lua"))), want: `x: "a/b": shares bytes with "a/a.lua"`},
		{name: "a link", archive: "x", data: zipFiles(t, mode(fs.ModeSymlink|0o777), "a/a.lua", "/etc/passwd"), want: `x: "a/a.lua": is a symbolic link`},
		{name: "a link to a directory", archive: "x", data: zipFiles(t, mode(fs.ModeSymlink|0o777), "a/", ""), want: `x: "a/": is a symbolic link`},
		{name: "a device", archive: "x", data: zipFiles(t, mode(fs.ModeDevice|0o666), "a/a.lua", ""), want: `x: "a/a.lua": is a device`},
		{name: "a character device", archive: "x", data: zipFiles(t, mode(fs.ModeDevice|fs.ModeCharDevice|0o666), "a/a.lua", ""), want: `x: "a/a.lua": is a character device`},
		{name: "a pipe", archive: "x", data: zipFiles(t, mode(fs.ModeNamedPipe|0o666), "a/a.lua", ""), want: `x: "a/a.lua": is a named pipe`},
		{name: "a socket", archive: "x", data: zipFiles(t, mode(fs.ModeSocket|0o666), "a/a.lua", ""), want: `x: "a/a.lua": is a socket`},
		{name: "set-uid", archive: "x", data: zipFiles(t, mode(fs.ModeSetuid|0o755), "a/a.lua", "x"), want: `x: "a/a.lua": has the set-uid or set-gid bit`},
		{name: "a directory without slash", archive: "x", data: zipFiles(t, mode(fs.ModeDir|0o755), "a", ""), want: `x: "a": is a directory without / behind its name`},
		{name: "a directory with contents", archive: "x", data: with(zipOf(t, "a/", ""), record(0, zipOf(t, "a/", ""))+24, 4, 5), want: `x: "a/": is a directory of 5 bytes`},
		{name: "a directory twice", archive: "x", data: zipOf(t, "a/", "", "a/a.lua", "x", "a/", ""), want: `x: "a/": is there twice`},
		{name: "a file and a directory", archive: "x", data: zipOf(t, "a/a.lua", "x", "a/a.lua/", ""), want: `x: "a/a.lua/": is there as a file and as a directory`},
		{name: "more than it says", archive: "x", data: with(one, record(0, one)+24, 4, 7), want: `x: "a/a.lua": is damaged: zip: not a valid zip file`, late: true},
		{name: "less than it says", archive: "x", data: with(one, record(0, one)+24, 4, 9), want: `x: "a/a.lua": is damaged: unexpected EOF`, late: true},
		{name: "damaged", archive: "x", data: with(one, record(0, one)+16, 4, 9), want: `x: "a/a.lua": is damaged: zip: checksum error`, late: true},
	})
}

// sameTwice is a ZIP of which both records are for the one file.
func sameTwice(t testing.TB) []byte {
	data := zipOf(t, "a/a.lua", "return 1", "a/a.lua", "return 1")
	return with(data, lastRecord(data)+42, 4, 0)
}

// lastRecord is where the last record of the directory is.
func lastRecord(data []byte) int { return bytes.LastIndex(data, []byte("PK\x01\x02")) }

// TestTarRefuses has lies and damage of tar and gzip.
func TestTarRefuses(t *testing.T) {
	main := tarFile{name: "a/a.lua", data: "return 1"}
	data := tarOf(t, main)
	plain := plainTar(t, main)
	special := func(flag byte) []byte {
		return tarOf(t, tarFile{name: "a/b", header: tar.Header{Typeflag: flag, Linkname: "/etc/passwd"}}, main)
	}
	sparse := bytes.Replace(plainTar(t, tarFile{name: "a/a.lua", data: "x", header: tar.Header{PAXRecords: map[string]string{"XXX.sparse.name": "../x"}}}), []byte("XXX.sparse"), []byte("GNU.sparse"), 1)
	old := retype(plainTar(t, tarFile{name: "a/a.lua", header: tar.Header{Format: tar.FormatGNU}}), tar.TypeGNUSparse)
	global := func(key string) tarFile {
		return tarFile{header: tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{key: "a/b"}}}
	}
	testRefusals(t, []refusal{
		{name: "a symbolic link", archive: "x", data: special(tar.TypeSymlink), want: `x: "a/b": is a symbolic link`},
		{name: "a hard link", archive: "x", data: special(tar.TypeLink), want: `x: "a/b": is a hard link`},
		{name: "a pipe", archive: "x", data: special(tar.TypeFifo), want: `x: "a/b": is a named pipe`},
		{name: "a device", archive: "x", data: special(tar.TypeBlock), want: `x: "a/b": is a device`},
		{name: "a character device", archive: "x", data: special(tar.TypeChar), want: `x: "a/b": is a character device`},
		{name: "a reserved type", archive: "x", data: gzipOf(t, retype(plain, tar.TypeCont)), want: `x: "a/a.lua": is of the type '7', neither a file nor a directory`},
		{name: "a volume's name", archive: "x", data: gzipOf(t, retype(plain, 'V')), want: `x: "a/a.lua": is of the type 'V', neither a file nor a directory`},
		{name: "a file of several volumes", archive: "x", data: gzipOf(t, retype(plain, 'M')), want: `x: "a/a.lua": is of the type 'M', neither a file nor a directory`},
		{name: "a sparse file, old", archive: "x", data: gzipOf(t, old), want: `x: "a/a.lua": is a sparse file`},
		{name: "a sparse file", archive: "x", data: gzipOf(t, sparse), want: `x: "a/a.lua": is a sparse file`},
		{name: "set-gid", archive: "x", data: tarOf(t, tarFile{name: "a/a.lua", header: tar.Header{Mode: 0o2755}}), want: `x: "a/a.lua": has the set-uid or set-gid bit`},
		{name: "a global path", archive: "x", data: tarOf(t, global("path"), main), want: `x: "a/b": is a global header with more than a comment`},
		{name: "a file with a slash", archive: "x", data: gzipOf(t, retype(plainTar(t, tarFile{name: "a/a.lua/", header: tar.Header{Typeflag: tar.TypeDir}}), tar.TypeReg)), want: `x: "a/a.lua/": has an empty part in its name`},
		{name: "a directory twice", archive: "x", data: tarOf(t, main, tarFile{name: "a", header: tar.Header{Typeflag: tar.TypeDir}}, tarFile{name: "./a/", header: tar.Header{Typeflag: tar.TypeDir}}), want: `x: "./a/": is there twice`},
		{name: "the top twice", archive: "x", data: tarOf(t, main, tarFile{name: "./", header: tar.Header{Typeflag: tar.TypeDir}}, tarFile{name: ".", header: tar.Header{Typeflag: tar.TypeDir}}), want: `x: ".": is there twice`},
		{name: "cut off", archive: "x", data: data[:len(data)-1], want: `x: is damaged: unexpected EOF`},
		{name: "the header of gzip alone", archive: "x", data: data[:10], want: `x: is damaged: unexpected EOF`},
		{name: "half the header of gzip", archive: "x", data: data[:5], want: `x: is damaged: unexpected EOF`},
		{name: "no tar", archive: "x", data: gzipOf(t, []byte(strings.Repeat("x", 1024))), want: `x: is damaged: archive/tar: invalid tar header`},
		{name: "half a tar", archive: "x", data: gzipOf(t, plain[:513]), want: `x: is damaged: unexpected EOF`},
		{name: "garbage behind", archive: "x", data: append(bytes.Clone(data), "garbage, ten and more"...), want: `x: is damaged: gzip: invalid header`},
		{name: "zeros behind", archive: "x", data: append(bytes.Clone(data), make([]byte, 16)...), want: `x: is damaged: gzip: invalid header`},
		{name: "a tar behind the tar", archive: "x", data: gzipOf(t, append(bytes.Clone(plain), plain...)), want: `x: has bytes behind the end of the tar`},
		{name: "another checksum", archive: "x", data: with(data, len(data)-8, 4, 1), want: `x: is damaged: gzip: invalid checksum`},
	})
	padded := append(bytes.Clone(plain), make([]byte, 10240)...)
	if _, err := archive("x", gzipOf(t, padded), bundle.Limits{}).Inspect(); err != nil {
		t.Errorf("zeros behind the end of the tar: %v", err)
	}
}
