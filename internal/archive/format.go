package archive

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

func readTar(r io.Reader, s *sink) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &Error{Reason: "is not a readable tar: " + err.Error()}
		}
		switch h.Typeflag {
		case tar.TypeXGlobalHeader:
		case tar.TypeDir:
			err = s.directory(h.Name)
		case tar.TypeReg:
			err = s.regular(h.Name, fs.FileMode(h.Mode), tr)
		case tar.TypeSymlink:
			err = s.symlink(h.Name, h.Linkname)
		default:
			err = &Error{h.Name, "is neither a file, a directory nor a symbolic link"}
		}
		if err != nil {
			return broken(h.Name, err)
		}
	}
}

func readZip(r io.ReaderAt, size int64, s *sink) error {
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return &Error{Reason: "is not a readable zip: " + err.Error()}
	}
	for _, f := range zr.File {
		if err := zipEntry(f, s); err != nil {
			return broken(f.Name, err)
		}
	}
	return nil
}

func zipEntry(f *zip.File, s *sink) error {
	mode := f.Mode()
	switch {
	case mode.IsDir():
		return s.directory(f.Name)
	case mode.IsRegular(), mode&fs.ModeSymlink != 0:
	default:
		return &Error{f.Name, "is neither a file, a directory nor a symbolic link"}
	}
	rc, err := f.Open()
	if err != nil {
		return &Error{f.Name, "cannot be read: " + err.Error()}
	}
	defer func() { _ = rc.Close() }()
	if mode.IsRegular() {
		return s.regular(f.Name, mode, rc)
	}
	to, err := io.ReadAll(io.LimitReader(rc, maxName+1))
	if err != nil {
		return &Error{f.Name, "cannot be read: " + err.Error()}
	}
	return s.symlink(f.Name, string(to))
}

// broken names damage inside of an entry as the archive's fault; what is known
// already, and errors of the disk, stay as they are.
func broken(name string, err error) error {
	var known *Error
	var disk *fs.PathError
	if errors.As(err, &known) || errors.Is(err, ErrTooLarge) || errors.As(err, &disk) {
		return err
	}
	return &Error{Entry: name, Reason: fmt.Sprintf("is damaged: %v", err)}
}
