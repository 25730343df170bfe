package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lapps/services/bundle"
)

func newLAR() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lar",
		Short: "Pack, unpack and list bundles: services in one file",
		Long: `Pack, unpack and list bundles: services in one file.

LAppS's archives (.lar) are packed, and unpacked and listed like those of zip and
tar.gz. Nothing is unpacked, or listed, of an archive that no server would take.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("lar: one of pack, unpack and list is needed")
		},
	}
	cmd.AddCommand(newLARPack(), newLARUnpack(), newLARList())
	return cmd
}

func newLARPack() *cobra.Command {
	var out string
	var force bool
	cmd := &cobra.Command{
		Use:   "pack DIR",
		Short: "Pack the service in DIR, which is named as the service and has its DIR.lua",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, file, err := packLAR(args[0], out, force)
			if err != nil {
				return &failure{err}
			}
			return summarize(cmd.OutOrStdout(), file, m)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `FILE` to write; else it is NAME.lar, in the working directory")
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return cmd
}

func newLARUnpack() *cobra.Command {
	var into string
	cmd := &cobra.Command{
		Use:   "unpack FILE",
		Short: "Unpack a bundle into a new directory, named as the service",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, dir, err := unpackBundle(args[0], into)
			if err != nil {
				return &failure{err}
			}
			return summarize(cmd.OutOrStdout(), dir, m)
		},
	}
	cmd.Flags().StringVarP(&into, "directory", "C", ".", "the `DIR` in which the new one is made")
	return cmd
}

func newLARList() *cobra.Command {
	return &cobra.Command{
		Use:   "list FILE",
		Short: "List what is in a bundle: size, beginning of the SHA-256, name",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := bundle.Open(args[0], bundle.Limits{})
			if err != nil {
				return &failure{err}
			}
			defer a.Close() // it was only read
			m, err := a.Inspect()
			if err != nil {
				return &failure{err}
			}
			return listBundle(cmd.OutOrStdout(), args[0], m)
		},
	}
}

// packLAR packs the service in dir, and returns the file's name. What is at that name
// is at any time all of the old file or of the new.
func packLAR(dir, out string, force bool) (m bundle.Manifest, file string, err error) {
	service := filepath.Base(absolute(dir))
	if out == "" {
		out = service + ".lar"
	}
	real, err := filepath.EvalSymlinks(absolute(dir))
	if err != nil {
		return m, out, err
	}
	if inside(place(out), real) {
		return m, out, fmt.Errorf("%s lies in %s, which is to be packed: -o names another place", out, dir)
	}
	if !force {
		if err := expectNothing(out, "--force replaces it"); err != nil {
			return m, out, err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return m, out, err
	}
	defer root.Close()
	var archive bytes.Buffer
	if m, err = bundle.PackLAR(&archive, service, root.FS(), bundle.Limits{}); err != nil {
		return m, out, err
	}
	f, err := os.CreateTemp(filepath.Dir(out), ".lapps-lar-*")
	if err != nil {
		return m, out, err
	}
	defer os.Remove(f.Name()) // where it was not renamed
	_, err = f.Write(archive.Bytes())
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return m, out, err
	}
	return m, out, os.Rename(f.Name(), out)
}

// inside reports whether a path lies in a directory; both are absolute.
func inside(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// expectNothing is an error where there is something of that name.
func expectNothing(name, hint string) error {
	_, err := os.Lstat(name)
	switch {
	case err == nil:
		return fmt.Errorf("%s is there already: %s", name, hint)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return err
	}
}

// unpackBundle unpacks a bundle into a new directory in into, and returns its name:
// all of it, or nothing is there.
func unpackBundle(file, into string) (m bundle.Manifest, dir string, err error) {
	a, err := bundle.Open(file, bundle.Limits{})
	if err != nil {
		return m, "", err
	}
	defer a.Close() // it was only read
	staging, err := os.MkdirTemp(into, ".lapps-lar-*")
	if err != nil {
		return m, "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
	root, err := os.OpenRoot(staging)
	if err != nil {
		return m, "", err
	}
	m, err = a.Extract(root)
	if err = errors.Join(err, root.Close()); err != nil {
		return m, "", err
	}
	dir = filepath.Join(into, m.Service)
	if err := expectNothing(dir, "-C names another directory"); err != nil {
		return m, dir, err
	}
	return m, dir, os.Rename(filepath.Join(staging, m.Service), dir)
}

// summarize says in one line what a bundle is.
func summarize(w io.Writer, name string, m bundle.Manifest) error {
	descriptor := "no descriptor"
	if m.Descriptor != "" {
		descriptor = "descriptor " + m.Descriptor
	}
	files := "files"
	if len(m.Files) == 1 {
		files = "file"
	}
	_, err := fmt.Fprintf(w, "%s: service %s, version %s, %d %s, %d bytes, %s\n", name, m.Service, m.Version(), len(m.Files), files, m.Size, descriptor)
	return failed(err)
}

// failed is that a command could not do what it was told.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &failure{err}
}

// listBundle says what is in a bundle.
func listBundle(w io.Writer, name string, m bundle.Manifest) error {
	if err := summarize(w, name, m); err != nil {
		return err
	}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, f := range m.Files {
		fmt.Fprintf(t, "%d\t%s\t  %s\n", f.Size, hex.EncodeToString(f.SHA256[:6]), f.Name)
	}
	if err := t.Flush(); err != nil {
		return failed(err)
	}
	_, err := io.WriteString(w, b.String())
	return failed(err)
}
