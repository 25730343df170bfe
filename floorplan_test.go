package lapps

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// floorplan says which rooms there are and what each may import, other rooms
// and third-party modules alike; the standard library is everybody's. Imports
// flow downstream with the bytes; replies flow upstream through interfaces
// that the downstream room declares. Tests may import what they need.
//
// DO NOT CHANGE THIS DATA TO FIX A BUILD. It changes when the design does, in
// a commit that says why.
const floorplan = `
acl                 : github.com/gaissmai/bart
config              : github.com/tailscale/hujson github.com/google/jsonschema-go
protocol/wire       : github.com/gobwas/ws github.com/klauspost/compress/flate
protocol/rpc        : github.com/fxamacker/cbor/v2
services/pattern    :
services/luadoc     :
services/vm         : services/pattern github.com/yuin/gopher-lua
services/vm/vmtest  : services/vm github.com/yuin/gopher-lua
services/nljson     : protocol/rpc services/vm github.com/yuin/gopher-lua
services/grants     : acl
services/bundle     : github.com/dsnet/compress/bzip2
services/modules/*  : services/vm services/nljson services/grants github.com/yuin/gopher-lua
services/modules/pam_auth : services/vm github.com/yuin/gopher-lua github.com/msteinert/pam/v2
services/modules/cws : protocol/wire services/vm services/grants github.com/yuin/gopher-lua
services/luatest    : protocol/wire protocol/rpc services services/vm services/nljson github.com/yuin/gopher-lua
services            : acl protocol/wire protocol/rpc services/vm services/nljson services/grants github.com/yuin/gopher-lua
server              : acl protocol/wire services
server/epoll        : server github.com/panjf2000/gnet/v2 golang.org/x/sys
server/secure       : server protocol/wire
server/proxied      : server
server/servertest   : server
cmd/lapps           : *
examples            :
autobahn            :
benchmarks/*        : github.com/panjf2000/gnet/v2 golang.org/x/sys github.com/HdrHistogram/hdrhistogram-go benchmarks/*
.                   :
`

// module is what the rooms' import paths begin with.
const module = "lapps"

func TestFloorplan(t *testing.T) {
	plan := parsePlan(floorplan)
	for _, p := range listPackages(t) {
		room := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if room == "" {
			room = "."
		}
		allowed, ok := allowedIn(plan, room)
		if !ok {
			t.Errorf("%s is not in the floor plan", room)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.Contains(imported, ".") && imported != module && !strings.HasPrefix(imported, module+"/") {
				continue // the standard library
			}
			if !permitted(allowed, imported) {
				t.Errorf("%s must not import %s", room, imported)
			}
		}
	}
}

// TestFloorplanRefuses keeps the check itself honest.
func TestFloorplanRefuses(t *testing.T) {
	plan := parsePlan(floorplan)
	for _, c := range []struct {
		room, imported string
		want           bool
	}{
		{"server", "github.com/panjf2000/gnet/v2", false},
		{"server/epoll", "github.com/panjf2000/gnet/v2", true},
		{"server/epoll", "github.com/panjf2000/gnet/v2/pkg/logging", true},
		{"server/epoll", "github.com/panjf2000/gnet/v3", false},
		{"services", "lapps/server", false},
		{"server", "lapps/services", true},
		{"server", "lapps/services/vm", false},
		{"protocol/wire", "lapps/services", false},
		{"protocol/rpc", "github.com/yuin/gopher-lua", false},
		{"services/modules/nap", "lapps/services/vm", true},
		{"services/modules/nap", "lapps/services", false},
		{"services/modules/nap", "github.com/msteinert/pam/v2", false},
		{"services/modules/pam_auth", "github.com/msteinert/pam/v2", true},
		{"services/modules/pam_auth", "lapps/services/nljson", false},
		{"benchmarks/load", "lapps/server", false},
		{"cmd/lapps", "github.com/spf13/cobra", true},
	} {
		allowed, _ := allowedIn(plan, c.room)
		if got := permitted(allowed, c.imported); got != c.want {
			t.Errorf("%s imports %s: allowed %v, want %v", c.room, c.imported, got, c.want)
		}
	}
}

func parsePlan(text string) map[string][]string {
	plan := make(map[string][]string)
	for line := range strings.Lines(text) {
		if room, imports, ok := strings.Cut(line, ":"); ok {
			plan[strings.TrimSpace(room)] = strings.Fields(imports)
		}
	}
	return plan
}

// allowedIn finds a room's line: its own, or that of a pattern.
func allowedIn(plan map[string][]string, room string) (allowed []string, ok bool) {
	if allowed, ok = plan[room]; ok {
		return allowed, true
	}
	for pattern, allowed := range plan {
		if match, _ := path.Match(pattern, room); match {
			return allowed, true
		}
	}
	return nil, false
}

func permitted(allowed []string, imported string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		if a == "*" {
			return true
		}
		if first, _, _ := strings.Cut(a, "/"); !strings.Contains(first, ".") {
			match, _ := path.Match(module+"/"+a, imported) // a room: itself only
			return match
		}
		return imported == a || strings.HasPrefix(imported, a+"/") // a module: all of it
	})
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) (all []pkg) {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
