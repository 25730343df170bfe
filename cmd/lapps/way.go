package main

import (
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links are followed, as Linux does.
const maxLinks = 40

// way are the names by which a file is reached: those of the symbolic links on
// the way to it, be they of directories, and of what the last one leads to. It
// ends where nothing is.
func way(file string) (names []string) {
	rest, err := filepath.Abs(file)
	if err != nil {
		return []string{filepath.Clean(file)}
	}
	at, links := "/", 0 // a directory, and no link
	for rest = strings.TrimPrefix(rest, "/"); ; {
		first, behind, more := strings.Cut(rest, "/")
		name := filepath.Join(at, first)
		target, err := os.Readlink(name)
		switch {
		case err == nil && links < maxLinks:
			names = append(names, name)
			if links++; filepath.IsAbs(target) {
				at = "/"
			}
			// Clean would take a link and .. behind it away together.
			rest = strings.TrimLeft(target, "/")
			if more {
				rest += "/" + behind
			}
		case more:
			at, rest = name, behind
		default:
			return append(names, name)
		}
	}
}
