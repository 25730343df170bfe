package bundle

import "cmp"

// Limits bound what an archive may hold, and so what reading it may cost. For each 0
// means the default; nothing is unlimited, and none may be negative.
type Limits struct {
	Archive int64 // bytes of the archive; 64 MiB
	Total   int64 // bytes of all files together; 256 MiB; of a tar its headers count, too
	File    int64 // bytes of one file; 64 MiB
	Files   int   // files and directories, those that only paths name included; 10,000
	Path    int   // bytes of a name; 1024
	Depth   int   // parts of a name; 32
	Ratio   int   // bytes of all files for each of the archive, where they are more than 1 MiB; 200
}

// ratioFrom is how many bytes an archive may unpack to whatever its own size: text that
// repeats itself shrinks more than Limits.Ratio says, and as long as it is so little it
// harms nobody.
const ratioFrom = 1 << 20

// maxPart is how long a part of a name can be: NAME_MAX of Linux's file systems.
const maxPart = 255

func (l Limits) orDefaults() Limits {
	return Limits{
		Archive: cmp.Or(l.Archive, 64<<20),
		Total:   cmp.Or(l.Total, 256<<20),
		File:    cmp.Or(l.File, 64<<20),
		Files:   cmp.Or(l.Files, 10_000),
		Path:    cmp.Or(l.Path, 1024),
		Depth:   cmp.Or(l.Depth, 32),
		Ratio:   cmp.Or(l.Ratio, 200),
	}
}
