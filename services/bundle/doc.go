// Package bundle reads and writes bundles: archives that hold one service, to be
// deployed as one file.
//
//	a, err := bundle.Open("deploy/echo.lar", bundle.Limits{})
//	…
//	defer a.Close()
//	m, err := a.Extract(staging)   // or a.Inspect(), which writes nothing
//
// There are three formats, told apart by what is in the file and not by its name:
// LAppS's LAR (lar.go), ZIP, and tar within gzip. Whichever it is, the same rules hold
// for names, kinds and sizes, and the same comes out: a directory named as the service,
// with the service's files in it. Each breach is an *Error that names the archive, the
// entry and the rule.
//
// # Layout
//
// A bundle has exactly one directory at its top, NAME, with the file NAME/NAME.lua in
// it: then it is the service NAME. A ZIP or a tar may also have the files of the service
// themselves at its top: then the service has the name of the archive, without .zip,
// .tar.gz or .tgz, and its main file too. NAME is a letter or _ and at most 63 letters,
// digits, _ and -, as in the configuration. The descriptor of the service, which a
// bundle may lack, is NAME/STEM.json, where STEM is the archive's name without its
// ending, as LAppS has it, or else NAME/NAME.json. What is in it is not looked at.
//
// # What is refused
//
// Names that are absolute, have .. or . or nothing between two slashes, a backslash, a
// control character, or are not UTF-8 ("./" at the beginning is passed over, since tar
// and LAppS's tool write it); names that are there twice, or as a file and as a
// directory; everything but regular files and directories; files with the set-uid or
// set-gid bit, the rest of the mode being ignored: files are made 0644 and directories
// 0755, before umask; sparse files; encrypted files, ZIP64, ZIP files whose two headers
// differ or that share bytes; bytes behind the end; contents without the SHA-256 that a
// LAR says; and what exceeds the Limits.
//
// # Order, memory and time
//
// First the whole archive is hashed and its names, kinds and sizes are checked; then
// it is read a second time, and written. So nothing is written of an archive that breaks
// a rule of these; contents that are damaged are found while they are written. An archive
// that has changed between the beginning and the end is refused. Memory is bounded by
// the number of names and their length, whatever a header says: no header's number is
// believed before it has been compared with the size of the archive and the limits, and
// contents pass through buffers of a few kB; bzip2's blocks take 4 MB, an extended header
// of a tar 1 MB. Time is bounded by the limits: some tens of seconds for an archive that
// is as large and as dear as it may be. Who wants it to end earlier closes the file.
//
// # Who may call it
//
// An Archive is for one goroutine at a time; different ones do not know of each other.
// The package starts no goroutines. It knows nothing of Lua, of services that run, and
// of the directory that is deployed to: its caller stages and switches. Nothing is
// synced to disk: a bundle can be unpacked again.
package bundle
