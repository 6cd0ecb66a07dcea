package bundle_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/bundle"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func TestVerify(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "providers/a/p", "one")
	write(t, dir, "modules/m/main.tf", "two")
	require.NoError(t, (&bundle.Manifest{}).Write(dir))
	m, err := bundle.Load(dir)
	require.NoError(t, err)
	require.NoError(t, m.Verify(dir, ""))
	require.NoError(t, m.Verify(dir, "modules/m"))

	write(t, dir, "providers/a/p", "onf")
	require.ErrorContains(t, m.Verify(dir, ""), "providers/a/p is not what")
	require.NoError(t, m.Verify(dir, "modules/m"), "the rest is as it was")
	write(t, dir, "providers/a/p", "one")
	write(t, dir, "modules/m/more.tf", "")
	require.ErrorContains(t, m.Verify(dir, "modules/m"), "modules/m/more.tf is not in the manifest")
	require.NoError(t, os.Remove(filepath.Join(dir, "modules/m/more.tf")))
	require.NoError(t, os.Remove(filepath.Join(dir, "modules/m/main.tf")))
	require.ErrorContains(t, m.Verify(dir, ""), "modules/m/main.tf is missing")
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "modules/m/main.tf")))
	require.ErrorContains(t, m.Verify(dir, ""), "not a regular file")
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m, err := bundle.Load(dir)
	require.NoError(t, err)
	require.Nil(t, m, "not a bundle")
	for text, want := range map[string]string{
		`{`:            "read bundle manifest",
		`{"format":9}`: "format 9",
		`{"format":1,"modules":[{"dir":"../x","path":"."}]}`:    "outside of the bundle",
		`{"format":1,"modules":[{"dir":"x","path":"../../y"}]}`: "outside of the bundle",
		`{"format":1,"modules":[{"dir":".","path":"."}]}`:       "outside of the bundle",
	} {
		write(t, dir, bundle.ManifestName, text)
		_, err := bundle.Load(dir)
		require.ErrorContains(t, err, want)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"format":1,"modules":[{"dir":"a","path":"."}],"files":{"a":"b"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, bundle.ManifestName), b, 0o600))
		m, err := bundle.Load(dir)
		if err != nil || m == nil {
			return
		}
		for _, mod := range m.Modules {
			require.True(t, filepath.IsLocal(filepath.Join(mod.Dir, mod.Path)))
		}
	})
}
