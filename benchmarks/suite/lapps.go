package suite

import (
	"encoding/json"
	"net/netip"
	"path/filepath"
)

// appsFolder holds the applications that lapps runs, below the repository.
const appsFolder = "benchmarks/apps"

// Lapps is how a lapps is configured where it differs from the defaults, which
// are what is measured.
type Lapps struct {
	Execution string `json:"execution,omitempty"` // of each service; empty: the default
}

// Config returns the configuration for a scenario. Besides what the scenario
// says, everything is left at its default. cert and key are empty for ws.
func (l *Lapps) Config(c *Scenario, root string, addr netip.AddrPort, cert, key string) []byte {
	type object = map[string]any
	listener := object{"address": addr.String()}
	if c.TLS {
		listener["tls"] = object{"certificates": []object{{"cert": cert, "key": key}}}
	}
	service := func(protocol string) object {
		s := object{"instances": c.Instances, "protocol": protocol}
		if l.Execution != "" {
			s["execution"] = l.Execution
		}
		return s
	}
	text, err := json.MarshalIndent(object{
		"listeners":   []object{listener},
		"loops":       c.Loops,
		"directories": object{"applications": filepath.Join(root, appsFolder)},
		"services":    object{"echo": service("raw"), "lapps": service("LAppS"), "broadcast": service("raw")},
	}, "", "  ")
	if err != nil {
		panic(err) // strings and numbers only
	}
	return append(text, '\n')
}
