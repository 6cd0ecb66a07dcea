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

// A tree that nobody has marked may be what a crash of the machine left.
func TestDamagedTreeIsReplaced(t *testing.T) {
	t.Parallel()
	archive := archiveOf(t,
		&tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o700},
		&tar.Header{Name: "bin/postgres", Typeflag: tar.TypeReg, Mode: 0o700},
		&tar.Header{Name: "bin/link", Typeflag: tar.TypeSymlink, Linkname: "postgres"})
	for name, damage := range map[string]func(bin string) error{
		"content": func(bin string) error { return os.WriteFile(filepath.Join(bin, "postgres"), []byte("tex\x00"), 0o755) },
		"size":    func(bin string) error { return os.Truncate(filepath.Join(bin, "postgres"), 0) },
		"mode":    func(bin string) error { return os.Chmod(filepath.Join(bin, "postgres"), 0o600) },
		"link":    func(bin string) error { return os.Remove(filepath.Join(bin, "link")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := newDir(t)
			require.NoError(t, os.MkdirAll(filepath.Join(parent, "pg.123/old"), 0o700), "left by one that was killed")
			tree, err := unpackTo(t.Context(), parent, "pg", archive)
			require.NoError(t, err)
			before, err := os.Stat(tree)
			require.NoError(t, err)
			_, err = unpackTo(t.Context(), parent, "pg", archive)
			require.NoError(t, err)
			same, err := os.Stat(tree)
			require.NoError(t, err)
			require.True(t, os.SameFile(before, same), "a whole tree stays")

			require.NoError(t, damage(filepath.Join(tree, "bin")))
			_, err = unpackTo(t.Context(), parent, "pg", archive)
			require.NoError(t, err)
			text, err := os.ReadFile(filepath.Join(tree, "bin/link"))
			require.NoError(t, err)
			require.Equal(t, "text", string(text))
			left, err := os.ReadDir(parent)
			require.NoError(t, err)
			require.Len(t, left, 1)

			require.False(t, isComplete(tree))
			require.NoError(t, settleTree(tree))
			require.True(t, isComplete(tree))
			_, err = unpackTo(t.Context(), parent, "pg", "no archive: a marked tree is not compared")
			require.NoError(t, err)
		})
	}
}
