package downloads

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxBinary bounds one unpacked file.
const maxBinary = 512 << 20

// unpack writes the binaries of a tar.zst to <cache>/bin-<hash> and returns that
// directory. It is made whole or not at all, also by several processes at once;
// a directory that is there already is used.
func unpack(archive, cache string) (string, error) {
	sum := sha256.New()
	// In pieces: strings.Reader alone would make a copy of all of it.
	_, _ = io.Copy(sum, io.LimitReader(strings.NewReader(archive), int64(len(archive)))) // it never fails
	hash := sum.Sum(nil)
	dir := filepath.Join(cache, "bin-"+hex.EncodeToString(hash[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil { //nolint:gosec // holds nothing secret
		return "", fmt.Errorf("make cache directory: %w", err)
	}
	tmp, err := os.MkdirTemp(cache, ".bin-*")
	if err != nil {
		return "", fmt.Errorf("make cache directory: %w", err)
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // gone after the rename
	if err := extract(archive, tmp); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, serr := os.Stat(dir); serr == nil {
			return dir, nil // another process was quicker
		}
		return "", fmt.Errorf("unpack binaries: %w", err)
	}
	return dir, nil
}

func extract(archive, dir string) error {
	z, err := zstd.NewReader(strings.NewReader(archive),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return fmt.Errorf("unpack binaries: %w", err)
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack binaries: %w", err)
		}
		name := filepath.Base(h.Name)
		if h.Typeflag != tar.TypeReg || !names.MatchString(name) {
			continue
		}
		if err := writeFile(filepath.Join(dir, name), r); err != nil {
			return err
		}
	}
}

func writeFile(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755) //nolint:gosec // a program
	if err != nil {
		return fmt.Errorf("unpack binaries: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, maxBinary+1))
	if err == nil && n > maxBinary {
		err = fmt.Errorf("%s is larger than %d bytes", filepath.Base(path), maxBinary)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("unpack binaries: %w", err)
	}
	return nil
}
