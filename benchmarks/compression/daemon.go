package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"lapps/benchmarks/process"
)

type object = map[string]any

// A form is a way to serve the echo.
type form struct {
	name     string // in the tables
	service  string
	settings object // the service's key compression; nil: it has none
	takeover bool   // the server may refer to earlier messages
}

var forms = []form{
	{"plain", "plain", nil, false},
	{"compressed", "compressed", object{"enabled": true, "min_size": 1}, false},
	{"takeover", "takeover", object{"enabled": true, "min_size": 1, "context_takeover": true}, true},
	{"takeover, 10 bits", "takeover10", object{"enabled": true, "min_size": 1, "context_takeover": true, "max_window_bits": 10}, true},
}

// echoForms are those whose processor time is measured.
var echoForms = forms[:3]

// echoLua is each of the services.
const echoLua = `local echo = {}

function echo.onMessage(handler, opcode, message)
  return ws:send(handler, opcode, message)
end

return echo
`

// build builds lapps into dir and returns the command that starts it. The go
// command finds the repository from the working directory.
func build(ctx context.Context, dir string) (string, error) {
	name := filepath.Join(dir, "lapps")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", name, "lapps/cmd/lapps").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build lapps: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return name + " run -c {config}", nil
}

// start writes what the daemon needs into dir, and starts it.
func (o *options) start(ctx context.Context, dir string, log io.Writer) (*process.Process, error) {
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"lapps.json": configuration(addr)}
	for _, f := range forms {
		files[filepath.Join("apps", f.service, f.service+".lua")] = []byte(echoLua)
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return nil, err
		}
	}
	line := strings.ReplaceAll(o.server, "{config}", filepath.Join(dir, "lapps.json"))
	return process.Start(ctx, process.Command{Line: line, Addr: addr, Log: log})
}

// configuration has a service for each form, on one loop, with one instance
// each. Pings are off: thousands of connections that only wait would have to
// answer them.
func configuration(addr netip.AddrPort) []byte {
	services := object{}
	for _, f := range forms {
		s := object{"instances": 1}
		if f.settings != nil {
			s["compression"] = f.settings
		}
		services[f.service] = s
	}
	text, err := json.MarshalIndent(object{
		"listeners":   []object{{"address": addr.String()}},
		"loops":       1,
		"timeouts":    object{"idle_ms": 0, "ping_ms": 0},
		"directories": object{"applications": "apps"},
		"services":    services,
	}, "", "  ")
	if err != nil {
		panic(err) // strings, numbers and booleans only
	}
	return append(text, '\n')
}
