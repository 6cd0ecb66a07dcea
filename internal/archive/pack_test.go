package archive_test

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/archive"
)

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func TestPackUnpack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "modules.json", "{}")
	write(t, dir, "a/main.tf", "text")
	write(t, dir, "a/.git/config", "no")
	write(t, dir, strings.Repeat("long/", 30)+"name", "deep")
	require.NoError(t, os.Symlink("main.tf", filepath.Join(dir, "a", "link")))
	require.NoError(t, os.Chmod(filepath.Join(dir, "modules.json"), 0o755))
	skip := func(name string) bool { return filepath.Base(name) == ".git" }
	first, err := archive.Pack(dir, lim2, 1<<20, skip)
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "modules.json"), time.Now(), time.Now().Add(-time.Hour)))
	second, err := archive.Pack(dir, lim2, 1<<20, skip)
	require.NoError(t, err)
	require.Equal(t, first, second, "times are not part of it")

	require.NoError(t, archive.Check(bytes.NewReader(first), archive.TarGzip, lim2))
	to := t.TempDir()
	require.NoError(t, archive.Unpack(bytes.NewReader(first), archive.TarGzip, to, lim2))
	b, err := os.ReadFile(filepath.Join(to, "a", "link"))
	require.NoError(t, err)
	require.Equal(t, "text", string(b))
	require.FileExists(t, filepath.Join(to, strings.Repeat("long/", 30), "name"))
	require.NoDirExists(t, filepath.Join(to, "a", ".git"))
	info, err := os.Stat(filepath.Join(to, "modules.json"))
	require.NoError(t, err)
	require.EqualValues(t, 0o700, info.Mode().Perm())
}

var lim2 = archive.Limits{Bytes: 1 << 20, Files: 100}

func TestPackRefuses(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(dir string){
		"a link out":      func(dir string) { require.NoError(t, os.Symlink("../../etc", filepath.Join(dir, "l"))) },
		"a link anywhere": func(dir string) { require.NoError(t, os.Symlink("/etc", filepath.Join(dir, "l"))) },
		"a deep tree":     func(dir string) { write(t, dir, strings.Repeat("d/", 40)+"f", "") },
		"too many bytes":  func(dir string) { write(t, dir, "f", strings.Repeat("x", 1<<20+1)) },
		"too many files": func(dir string) {
			for i := range 101 {
				write(t, dir, strings.Repeat("f", i+1), "")
			}
		},
		"too large when packed": func(dir string) {
			noise := make([]byte, 1<<19)
			r := rand.NewChaCha8([32]byte{})
			_, _ = r.Read(noise)
			write(t, dir, "f", string(noise))
		},
	} {
		dir := t.TempDir()
		fill(dir)
		_, err := archive.Pack(dir, lim2, 1<<18, nil)
		require.Error(t, err, name)
		if strings.HasPrefix(name, "too") {
			require.ErrorIs(t, err, archive.ErrTooLarge, name)
		}
	}
}

func TestGzipIsBounded(t *testing.T) {
	t.Parallel()
	squeeze := func(text []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	for name, text := range map[string][]byte{
		"not gzip":           []byte("text"),
		"more than it may":   squeeze(tarOf(t, entry{name: "f", body: strings.Repeat("x", 2<<20)})),
		"empty names, large": squeeze(bytes.Repeat(tarOf(t, entry{name: "f", body: "x"})[:1024], 4000)),
		"up":                 squeeze(tarOf(t, entry{name: "../f", body: "x"})),
		"cut":                squeeze(tarOf(t, entry{name: "f", body: strings.Repeat("x", 1000)}))[:60],
	} {
		require.Error(t, archive.Check(bytes.NewReader(text), archive.TarGzip, lim2), name)
	}
	require.NoError(t, archive.Check(bytes.NewReader(squeeze(tarOf(t, entry{name: "f", body: "x"}))), archive.TarGzip, lim2))
}
