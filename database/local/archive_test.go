package local

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

func archiveOf(t *testing.T, entries ...*tar.Header) string {
	t.Helper()
	var out bytes.Buffer
	zip, err := zstd.NewWriter(&out)
	require.NoError(t, err)
	w := tar.NewWriter(zip)
	for _, h := range entries {
		h.Size = 0
		if h.Typeflag == tar.TypeReg {
			h.Size = 4
		}
		require.NoError(t, w.WriteHeader(h))
		if h.Size > 0 {
			_, err := w.Write([]byte("text"))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	require.NoError(t, zip.Close())
	return out.String()
}

func TestUnpackAtOnce(t *testing.T) {
	t.Parallel()
	archive := archiveOf(t,
		&tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o700},
		&tar.Header{Name: "bin/postgres", Typeflag: tar.TypeReg, Mode: 0o700},
		&tar.Header{Name: "bin/link", Typeflag: tar.TypeSymlink, Linkname: "postgres"})
	parent := filepath.Join(newDir(t), "cache")
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = unpackTo(t.Context(), parent, "pg", archive) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary directory may stay")
	info, err := os.Stat(filepath.Join(parent, "pg/bin/link"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode().Perm())
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	for name, archive := range map[string]string{
		"parent":       archiveOf(t, &tar.Header{Name: "../evil", Typeflag: tar.TypeReg, Mode: 0o600}),
		"absolute":     archiveOf(t, &tar.Header{Name: "/tmp/evil", Typeflag: tar.TypeReg, Mode: 0o600}),
		"through link": archiveOf(t, &tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."}, &tar.Header{Name: "l/evil", Typeflag: tar.TypeReg, Mode: 0o600}),
		"device":       archiveOf(t, &tar.Header{Name: "d", Typeflag: tar.TypeChar}),
		"cut off":      archiveOf(t, &tar.Header{Name: "f", Typeflag: tar.TypeReg, Mode: 0o600})[:20],
		"not zstd":     "hello",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := newDir(t)
			_, err := unpackTo(t.Context(), parent, "pg", archive)
			require.ErrorContains(t, err, "unpack postgres: ")
			left, err := os.ReadDir(parent)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}
