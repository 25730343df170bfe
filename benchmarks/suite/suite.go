package suite

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A Suite is what is to be measured. It is made by Load, and not safe for
// concurrent use.
type Suite struct {
	root      string
	scenarios []Scenario
	servers   []Server
	targets   []Target
}

// Load reads the scenarios, the servers and the targets. root is the folder
// of the repository. Scenarios with more loops than this machine has cores are
// left out. The error tells all mistakes in them, with file and line.
func Load(root string) (*Suite, error) {
	scenarios, err := readScenarios("scenarios.json", scenariosJSON)
	servers, serversErr := readServers(root)
	targets, targetsErr := readTargets("targets.json", targetsJSON, scenarios)
	if err := errors.Join(err, serversErr, targetsErr); err != nil {
		return nil, fmt.Errorf("suite: %w", err)
	}
	cores := runtime.NumCPU()
	scenarios = slices.DeleteFunc(scenarios, func(c Scenario) bool { return c.Loops > cores })
	return &Suite{root: root, scenarios: scenarios, servers: servers, targets: targets}, nil
}

// Select leaves the scenarios whose name matches a regular expression, with
// those that they take a rate from and the targets there, and the servers of a
// list such as lapps,gws. An empty text leaves all.
func (s *Suite) Select(scenarios, servers string) error {
	re, err := regexp.Compile(scenarios)
	if err != nil {
		return fmt.Errorf("suite: scenarios %q: %w", scenarios, err)
	}
	wanted := map[string]bool{}
	for _, c := range s.scenarios {
		if re.MatchString(c.Name) {
			wanted[c.Name] = true
			if c.Of != "" {
				wanted[c.Of] = true
			}
		}
	}
	s.scenarios = slices.DeleteFunc(s.scenarios, func(c Scenario) bool { return !wanted[c.Name] })
	if len(s.scenarios) == 0 {
		return fmt.Errorf("suite: scenarios %q: none has such a name", scenarios)
	}
	if scenarios != "" {
		s.targets = slices.DeleteFunc(s.targets, func(t Target) bool { return !wanted[t.Scenario] })
	}
	if servers == "" {
		return nil
	}
	names := strings.Split(servers, ",")
	for _, name := range names {
		if !slices.ContainsFunc(s.servers, func(srv Server) bool { return srv.Name == name }) {
			return fmt.Errorf("suite: servers %q: there is none of the name %q", servers, name)
		}
	}
	s.servers = slices.DeleteFunc(s.servers, func(srv Server) bool { return !slices.Contains(names, srv.Name) })
	return nil
}

// Summary tells the scenarios, one a line, and about how long each takes.
func (s *Suite) Summary(set Settings) string {
	var b strings.Builder
	var all time.Duration
	for _, c := range s.scenarios {
		servers := s.contestants(&c)
		d := set.all(&c, len(servers))
		all += d
		fmt.Fprintf(&b, "%-24s %6s  %2d servers  %s\n", c.Name, short(d), len(servers), c.Title)
	}
	fmt.Fprintf(&b, "%-24s %6s\n", "all", short(all))
	return b.String()
}

// contestants returns the servers that can take part in a scenario.
func (s *Suite) contestants(c *Scenario) []*Server {
	var list []*Server
	for i := range s.servers {
		if s.servers[i].takesPart(c) {
			list = append(list, &s.servers[i])
		}
	}
	return list
}

// short is a duration for people: 1h52m, 7m, 40s.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%dm", d.Round(time.Minute)/time.Minute)
	}
	return fmt.Sprintf("%ds", d.Round(time.Second)/time.Second)
}
