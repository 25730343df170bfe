// Package examples holds the example applications and their configuration, so
// that the daemon can serve them where it is given none. Each is a directory
// with a README, and is run by a test.
package examples

import "embed"

// FS has a directory for each application, as directories.applications of a
// configuration has, and that configuration.
//
//go:embed lapps.json */*.lua
var FS embed.FS

// Config is the name of the configuration in FS.
const Config = "lapps.json"
