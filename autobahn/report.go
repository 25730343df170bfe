package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// An indexEntry is a case in index.json.
type indexEntry struct {
	Behavior      Verdict `json:"behavior"`
	BehaviorClose Verdict `json:"behaviorClose"`
	DurationMS    int64   `json:"duration"`
	CloseCode     *int    `json:"remoteCloseCode"`
	ReportFile    string  `json:"reportfile"`
}

// writeReport writes index.json in the suite's shape, a JSON file per case,
// and index.html, into a directory, which it makes if need be.
func writeReport(dir string, r *Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	index := make(map[string]indexEntry, len(r.Results))
	for _, one := range r.Results {
		name := reportFile(r.Agent, one.ID)
		index[one.ID] = indexEntry{one.Behavior, one.BehaviorClose, one.DurationMS, one.CloseCode, name}
		if err := writeJSON(filepath.Join(dir, name), one); err != nil {
			return err
		}
	}
	if err := writeJSON(filepath.Join(dir, "index.json"), map[string]any{r.Agent: index}); err != nil {
		return err
	}
	return writeHTML(filepath.Join(dir, "index.html"), r)
}

// reportFile is a file name, whatever the agent is called.
func reportFile(agent, id string) string {
	clean := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			return c
		}
		return '_'
	}, strings.ToLower(agent))
	return clean + "_case_" + strings.ReplaceAll(id, ".", "_") + ".json"
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
