package suite

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"

	"lapps/benchmarks/process"
)

// A Machine is where results come from.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory_bytes"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

// thisMachine describes the machine as Linux does; what it does not tell is
// empty.
func thisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version()}
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	m.CPU = fieldOf(cpu, "model name")
	memory, _ := os.ReadFile("/proc/meminfo")
	kB, _ := strconv.ParseInt(strings.TrimSuffix(fieldOf(memory, "MemTotal"), " kB"), 10, 64)
	m.Memory = kB << 10
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(kernel))
	return m
}

// fieldOf returns what follows the first "name:" at the start of a line.
func fieldOf(text []byte, name string) string {
	for line := range bytes.Lines(text) {
		if key, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// commit returns the short name of what is checked out at root, and whether
// files differ from it; "unknown" without git.
func commit(ctx context.Context, root string) (name string, dirty bool) {
	name, err := process.Output(ctx, root, "git", "rev-parse", "--short=7", "HEAD")
	if err != nil {
		return "unknown", true
	}
	changes, err := process.Output(ctx, root, "git", "status", "--porcelain")
	return name, err != nil || changes != ""
}
