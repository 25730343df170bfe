package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestStoreRecords: a version's record is wherever the version is, and nowhere else.
func TestStoreRecords(t *testing.T) {
	s := newStore(t.TempDir())
	put := func(version string) (finish func() error) {
		t.Helper()
		dir, err := s.stage()
		if err != nil {
			t.Fatal(err)
		}
		// A packed version brings the record that it had, or whatever it calls so.
		if err := os.MkdirAll(filepath.Join(dir, recordFile, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := s.write(dir, record{Service: "echo", Version: version}); err != nil {
			t.Fatal(err)
		}
		finish, err = s.replace("echo", dir)
		if err != nil {
			t.Fatal(err)
		}
		return finish
	}
	holds := func(now, before string) {
		t.Helper()
		for dir, want := range map[string]string{s.current("echo"): now, s.previous("echo"): before} {
			if r, err := s.read(dir); r.Version != want || err != nil {
				t.Errorf("%s: version %q, %v, want %q", dir, r.Version, err, want)
			}
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if finish := put("1"); finish != nil {
		t.Error("there was a version before the first")
	}
	holds("1", "")
	finish := put("2")
	holds("2", "") // the server may be killed here
	must(finish())
	holds("2", "1")
	must(s.swap("echo"))
	holds("1", "2")
	must(put("3")())
	holds("3", "1")
	put("4")
	must(s.tidy()) // it was killed, and has started again
	holds("4", "1")

	must(os.CopyFS(s.current("copy"), os.DirFS(s.current("echo"))))
	must(os.Mkdir(s.current("own"), 0o755))
	all, err := s.deployed()
	if want := map[string]record{"echo": {Service: "echo", Version: "4"}}; err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("deployed: %v, %v", all, err)
	}
	must(s.remove("echo"))
	holds("", "")
	if all, err := s.deployed(); len(all) != 0 || err != nil {
		t.Errorf("deployed: %v, %v", all, err)
	}
}
