package suite

import (
	"cmp"
	_ "embed" // servers.json
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed servers.json
var serversJSON []byte

// peersFolder is the folder of the peers' module below the repository.
const peersFolder = "benchmarks/peers"

// A Server says how to start a server. In its command lines {addr}, {port},
// {cert}, {key} and {loops} stand for what they are called, {tmp} for a folder
// of the server's own, {dir} for the folder of the peers' module, {config} for
// the configuration of a lapps, and {gnetecho}, {lapps} and {peers} for the
// programs that are built.
type Server struct {
	Name  string `json:"name"`
	Label string `json:"label"`

	Build   string `json:"build,omitempty"`   // what has to be built: gnetecho, lapps or peers
	Command string `json:"command,omitempty"` // serves ws; empty: it cannot
	TLS     string `json:"tls,omitempty"`     // serves wss; empty: it cannot

	Script    bool              `json:"script"`          // a script handles each message
	Broadcast bool              `json:"broadcast"`       // it has Paths["broadcast"]
	Paths     map[string]string `json:"paths,omitempty"` // echo ("/" if there is none), broadcast, lapps (none: not its protocol)

	Needs []string `json:"needs,omitempty"` // programs, or files below {dir}
	Hint  string   `json:"hint,omitempty"`  // how to get what is missing

	// Env names an environment variable that has the command where Command
	// is empty, and the same with _TLS that for wss; a lapps has the same for both.
	Env string `json:"env,omitempty"`

	// What tells the version: a module in a built program, or a command line.
	Module  string `json:"module,omitempty"`
	Version string `json:"version,omitempty"`

	Lapps  *Lapps `json:"lapps,omitempty"`  // the settings of a lapps
	Before bool   `json:"before,omitempty"` // it is an earlier one, to see what has changed
}

// readServers reads the servers of this repository and, where they are there,
// the peers.
func readServers(root string) ([]Server, error) {
	name := func(s *Server) string { return s.Name }
	list, err := readList("servers.json", serversJSON, name, (*Server).check)
	file := filepath.Join(root, peersFolder, "servers.json")
	text, readErr := os.ReadFile(file)
	if errors.Is(readErr, fs.ErrNotExist) {
		return list, err
	}
	peers, peersErr := readList(peersFolder+"/servers.json", text, name, (*Server).check)
	for _, p := range peers {
		if slices.ContainsFunc(list, func(s Server) bool { return s.Name == p.Name }) {
			peersErr = errors.Join(peersErr, fmt.Errorf("%s/servers.json: %s: the repository has a server of this name", peersFolder, p.Name))
		}
	}
	return append(list, peers...), errors.Join(err, readErr, peersErr)
}

func (s *Server) check() error {
	var m mistakes
	m.expect(s.Name != "" && !strings.Contains(s.Name, ","), "name: expected one without a comma")
	m.expect(s.Label != "", "label: expected one")
	m.expect(s.Build == "" || slices.Contains([]string{"gnetecho", "lapps", "peers"}, s.Build), "build: expected gnetecho, lapps or peers, not %q", s.Build)
	m.expect(s.Command+s.TLS+s.Env != "", "command: expected it, tls or env")
	m.expect(!s.Broadcast || s.Paths["broadcast"] != "", "paths: expected one for broadcast")
	for key, path := range s.Paths {
		m.expect(strings.HasPrefix(path, "/"), "paths: %s: expected a target that begins with /, not %q", key, path)
	}
	return m.err()
}

// find looks the commands of s up in the environment, and returns why s
// cannot take part on this machine, if so.
func (s *Server) find(dir string) (why string) {
	if s.Env != "" {
		s.Command = cmp.Or(s.Command, os.Getenv(s.Env))
		s.TLS = cmp.Or(s.TLS, os.Getenv(s.Env+"_TLS"))
		if s.Lapps != nil {
			s.TLS = s.Command
		}
	}
	if s.Command+s.TLS == "" {
		return s.hinted(fmt.Sprintf("no command starts it: %s is not set", s.Env))
	}
	for _, need := range s.Needs {
		if _, err := exec.LookPath(need); err == nil && !strings.Contains(need, "/") {
			continue
		}
		if !filepath.IsAbs(need) {
			need = filepath.Join(dir, need)
		}
		if _, err := os.Stat(need); err != nil {
			return s.hinted(fmt.Sprintf("%s is not here", filepath.Base(need)))
		}
	}
	return ""
}

func (s *Server) hinted(why string) string {
	if s.Hint != "" {
		why += "; " + s.Hint
	}
	return why
}

// line is the command with which s serves scenario c; empty: it cannot.
func (s *Server) line(c *Scenario) string {
	line := s.Command
	if c.TLS {
		line = s.TLS
	}
	path := kinds[c.Kind].path
	if path != "echo" && s.Paths[path] == "" {
		return ""
	}
	if c.Loops > 1 && s.Lapps == nil && !strings.Contains(line, "{loops}") {
		return ""
	}
	return line
}

// takesPart reports whether s is measured in scenario c.
func (s *Server) takesPart(c *Scenario) bool {
	return (len(c.Servers) == 0 || slices.Contains(c.Servers, s.Name)) && s.line(c) != ""
}
