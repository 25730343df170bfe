package process

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Output runs a command in dir and returns what it printed, trimmed: what it
// printed on standard error where it printed nothing else. The error has that, too.
func Output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(complaint.String()))
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		return text, nil
	}
	return strings.TrimSpace(complaint.String()), nil
}
