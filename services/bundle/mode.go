package bundle

import "io/fs"

// Bits of a mode as Unix has them, which a tar and a LAR have too.
const (
	setUID = 0o4000
	setGID = 0o2000
)

const setIDRule = "has the set-uid or set-gid bit"

// modeName says what is at a path that is neither a regular file nor a directory.
func modeName(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeCharDevice != 0:
		return "a character device"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "of the type " + m.Type().String()
	}
}
