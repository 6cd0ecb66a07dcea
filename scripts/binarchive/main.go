// Command binarchive packs the small binaries into the tar.zst archive that the
// server carries and serves under /bin/. Files are named
// coder-<os>-<arch>[.exe] after build/coder-slim-<os>-<arch>.
package main

import (
	"archive/tar"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

func main() {
	out := flag.String("o", "", "archive to write")
	flag.Parse()
	if err := pack(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "binarchive:", err)
		os.Exit(1)
	}
}

func pack(out string, files []string) (err error) {
	if out == "" || len(files) == 0 {
		return errors.New("usage: binarchive -o ARCHIVE FILE...")
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(out), ".archive-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreMissing(os.Remove(tmp.Name()))) }()
	zw, err := zstd.NewWriter(tmp, zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithWindowSize(8<<20)) // what unpacking has to hold in memory
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	for _, f := range files {
		if err := add(tw, f); err != nil {
			return err
		}
	}
	if err := errors.Join(tw.Close(), zw.Close(), tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), out)
}

func add(tw *tar.Writer, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	name := strings.Replace(filepath.Base(file), "coder-slim-", "coder-", 1)
	if strings.HasPrefix(name, "coder-windows-") {
		name += ".exe"
	}
	// No times: the same input gives the same archive.
	if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(data)), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = tw.Write(data)
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
