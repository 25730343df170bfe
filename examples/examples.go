// Package examples holds the example applications, so that the daemon can
// serve them where it is given no configuration. Each is a directory with a
// README, and is run by a test.
package examples

import "embed"

// FS has a directory for each application, as directories.applications of a
// configuration has.
//
//go:embed */*.lua
var FS embed.FS
