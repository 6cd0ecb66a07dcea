package downloads

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

func TestUnpackTakesBinariesOnly(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	z, err := zstd.NewWriter(&buf)
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for _, name := range []string{"bin/coder-linux-amd64", "../evil", "coder-linux-amd64.sh"} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Size: 2, Mode: 0o644}))
		_, err := w.Write([]byte("hi"))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	cache := filepath.Join(t.TempDir(), "cache")
	dir, err := unpack(buf.String(), cache)
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	text, err := os.ReadFile(filepath.Join(dir, "coder-linux-amd64"))
	require.NoError(t, err)
	require.Equal(t, "hi", string(text))
	again, err := unpack(buf.String(), cache)
	require.NoError(t, err)
	require.Equal(t, dir, again)
	left, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is left behind")

	_, err = unpack("not an archive", cache)
	require.ErrorContains(t, err, "unpack binaries")
}
