package bundle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"io/fs"
	"slices"

	"github.com/dsnet/compress/bzip2"
)

// PackLAR writes the files of a service as a LAR, which LAppS reads too (if none of
// the files is empty: LAppS's tool cannot read those). The same files make the same
// bytes: they are sorted by name, and their modes are not looked at. Empty directories
// are lost. The rules and the limits are those of reading; anything but regular files
// and directories is refused, symbolic links too. The archive, at most Limits.Archive
// bytes, is held in memory until it is complete; only then w is written.
func PackLAR(w io.Writer, service string, files fs.FS, limits Limits) (Manifest, error) {
	a := New(nil, 0, service+".lar", limits)
	if !serviceName.MatchString(service) {
		return Manifest{}, a.refuse("", "%s names the service and must be %s", quote(service), serviceNameRule)
	}
	p := &packer{a: a, tree: newTree(a), files: files}
	if err := fs.WalkDir(files, ".", p.visit); err != nil {
		return Manifest{}, err
	}
	l, err := p.tree.layout(false)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Format: "lar", Service: service, Descriptor: p.tree.descriptor(l), Size: p.tree.total}
	if m.Files, err = p.pack(); err != nil {
		return Manifest{}, err
	}
	a.size = int64(len(p.out))
	if a.size > a.limits.Archive {
		return Manifest{}, a.refuse("", "has %d bytes, more than %d", a.size, a.limits.Archive)
	}
	if err := a.checkRatio(m.Size); err != nil {
		return Manifest{}, err
	}
	m.SHA256 = sha256.Sum256(p.out)
	if _, err := w.Write(p.out); err != nil {
		return Manifest{}, a.failed(err)
	}
	return m, nil
}

// larPermissions is what every file of a LAR has: rw-r--r--.
const larPermissions = 0o644

// A packer makes a LAR.
type packer struct {
	a     *Archive
	tree  *tree
	files fs.FS

	table, blobs, sums []byte
	out                []byte
}

// visit takes a file into the tree.
func (p *packer) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return p.a.failed(err)
	}
	if d.IsDir() {
		return nil
	}
	e := entry{name: p.service() + "/" + name}
	if d.Type() != 0 {
		return p.a.refuse(e.name, "is %s, and no regular file", modeName(d.Type()))
	}
	info, err := d.Info()
	if err != nil {
		return p.a.failed(err)
	}
	e.size = info.Size()
	return p.tree.add(e)
}

// service is the name of the service, and of the directory.
func (p *packer) service() string { return p.a.stem() }

// pack makes the archive of the tree's files.
func (p *packer) pack() (files []File, err error) {
	entries := slices.SortedFunc(slices.Values(p.tree.entries), func(a, b entry) int { return cmp.Compare(a.path, b.path) })
	z, err := bzip2.NewWriter(io.Discard, &bzip2.WriterConfig{Level: bzip2.BestCompression})
	if err != nil {
		return nil, p.a.failed(err)
	}
	for _, e := range entries {
		f, err := p.packFile(z, e)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	table, err := appendBlob(nil, z, p.table)
	if err != nil {
		return nil, p.a.failed(err)
	}
	sums := sha256.Sum256(p.sums)
	p.out = append(p.out, larMagic...)
	p.out = append(p.out, larVersion)
	p.out = binary.LittleEndian.AppendUint32(p.out, uint32(len(p.table)))
	p.out = binary.LittleEndian.AppendUint32(p.out, uint32(len(table)))
	p.out = binary.LittleEndian.AppendUint32(p.out, uint32(len(entries)))
	p.out = append(p.out, sums[:]...)
	p.out = append(p.out, table...)
	p.out = append(p.out, p.blobs...)
	return files, nil
}

// packFile appends a file's item and blob.
func (p *packer) packFile(z *bzip2.Writer, e entry) (File, error) {
	contents, err := p.contents(e)
	if err != nil {
		return File{}, err
	}
	before := len(p.blobs)
	if p.blobs, err = appendBlob(p.blobs, z, contents); err != nil {
		return File{}, p.a.failed(err)
	}
	if n := int64(len(p.blobs)); n > p.a.limits.Archive {
		return File{}, p.a.refuse(e.name, "with it the archive has more than %d bytes", p.a.limits.Archive)
	}
	sum := sha256.Sum256(contents)
	p.sums = append(p.sums, sum[:]...)
	p.table = binary.LittleEndian.AppendUint64(p.table, uint64(len(contents)))
	p.table = binary.LittleEndian.AppendUint64(p.table, uint64(len(p.blobs)-before))
	p.table = binary.LittleEndian.AppendUint32(p.table, uint32(len(e.path)))
	p.table = binary.LittleEndian.AppendUint32(p.table, larPermissions)
	p.table = append(p.table, sum[:]...)
	p.table = append(p.table, e.path...)
	return File{Name: e.path, Size: e.size, SHA256: sum}, nil
}

// contents reads a file, which has to be as large as it was.
func (p *packer) contents(e entry) ([]byte, error) {
	f, err := p.files.Open(e.name[len(p.service())+1:])
	if err != nil {
		return nil, p.a.failed(err)
	}
	defer f.Close() // it was only read
	contents, err := io.ReadAll(io.LimitReader(f, e.size+1))
	if err != nil {
		return nil, p.a.failed(err)
	}
	if int64(len(contents)) != e.size {
		return nil, p.a.refuse(e.name, "changed while it was read")
	}
	return contents, nil
}

// appendBlob appends contents, compressed, behind their length.
func appendBlob(dst []byte, z *bzip2.Writer, contents []byte) ([]byte, error) {
	b := bytes.NewBuffer(binary.LittleEndian.AppendUint32(dst, uint32(len(contents))))
	if err := z.Reset(b); err != nil {
		return dst, err
	}
	if _, err := z.Write(contents); err != nil {
		return dst, err
	}
	err := z.Close()
	return b.Bytes(), err
}
