package vm

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"lapps/services/luadoc"
)

// TestTypesNameTheSandbox: the description names all that the sandbox has, but for what
// libraries have as a whole.
func TestTypesNameTheSandbox(t *testing.T) {
	d, err := luadoc.Parse("types.lua", Types)
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(d.Text, "\n\nThere is nothing else")
	words := regexp.MustCompile(`[A-Za-z_]\w*`).FindAllString(table, -1)
	for _, f := range d.Funcs {
		words = append(words, f.Name)
	}
	for lib, names := range allowed {
		for _, name := range names {
			whole := slices.Contains([]string{"string", "math", "coroutine"}, lib)
			if !whole && !slices.Contains(words, name) {
				t.Errorf("%s.%s is not named", lib, name)
			}
		}
	}
}
