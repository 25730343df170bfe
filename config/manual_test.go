package config_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lapps/config"
)

// manual returns the manual's text.
func manual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestManualShowsTheDefaults: the file in the manual means the defaults, and
// has every key.
func TestManualShowsTheDefaults(t *testing.T) {
	_, rest, _ := strings.Cut(manual(t), "All of it, with the\ndefaults:\n\n```\n")
	text, _, ok := strings.Cut(rest, "\n```\n")
	if !ok {
		t.Fatal("the manual shows no file")
	}
	got, err := config.Parse("lapps.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got.ForgetLines()
	want := config.Default()
	s := echo()
	s.RequestTarget = "/NAME"
	want.Services["NAME"] = s
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("\n got %+v\nwant %+v", *got, want)
	}
	for _, key := range regexp.MustCompile(`(?m)^ +"([a-z_]+)": \{$`).FindAllStringSubmatch(string(config.Schema()), -1) {
		if slices.Contains([]string{"properties", "items", "not", "if", "then", "else"}, key[1]) {
			continue
		}
		if !strings.Contains(text, `"`+key[1]+`":`) {
			t.Errorf("%s is not there", key[1])
		}
	}
}

// TestManualListsTheLimits: its table has each limit by the name that dry_run
// takes.
func TestManualListsTheLimits(t *testing.T) {
	var names []string
	for _, row := range regexp.MustCompile("(?m)^\\| `.*\\| `([a-z_]+)` \\|$").FindAllStringSubmatch(manual(t), -1) {
		names = append(names, row[1])
	}
	want := config.LimitNames()
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("\n got %v\nwant %v", names, want)
	}
}
