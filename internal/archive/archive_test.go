package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/archive"
)

var lim = archive.Limits{Bytes: 1 << 20, Files: 20}

type entry struct {
	name, body, link string
	kind             byte
}

func tarOf(t testing.TB, entries ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if e.kind == 0 {
			e.kind = tar.TypeReg
		}
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Mode: 0o644}
		if e.kind == tar.TypeReg {
			h.Size = int64(len(e.body))
		}
		require.NoError(t, w.WriteHeader(h))
		_, err := w.Write([]byte(e.body)[:h.Size])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zipOf(t testing.TB, entries ...entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		body := e.body
		switch e.kind {
		case tar.TypeSymlink:
			h.SetMode(fs.ModeSymlink | 0o777)
			body = e.link
		case tar.TypeChar:
			h.SetMode(fs.ModeDevice | 0o600)
		default:
			h.SetMode(0o644)
		}
		f, err := w.CreateHeader(h)
		require.NoError(t, err)
		_, err = f.Write([]byte(body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	good := []entry{{name: "main.tf", body: "x"}, {name: "mod/a/b.tf", body: "y"},
		{name: "mod/link.tf", link: "a/b.tf", kind: tar.TypeSymlink}}
	for kind, data := range map[string][]byte{archive.Tar: tarOf(t, good...), archive.Zip: zipOf(t, good...)} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, archive.Check(bytes.NewReader(data), kind, lim))
			require.NoError(t, archive.Unpack(bytes.NewReader(data), kind, dir, lim))
			b, err := os.ReadFile(filepath.Join(dir, "mod/link.tf"))
			require.NoError(t, err)
			require.Equal(t, "y", string(b))
			info, err := os.Stat(filepath.Join(dir, "main.tf"))
			require.NoError(t, err)
			require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("d/", 40) + "f"
	many := make([]entry, 30)
	for i := range many {
		many[i] = entry{name: strings.Repeat("f", i+1)}
	}
	cases := map[string][]entry{
		"parent":           {{name: "../x", body: "x"}},
		"inner parent":     {{name: "a/../../x", body: "x"}},
		"absolute":         {{name: "/etc/x", body: "x"}},
		"backslash":        {{name: `a\b`, body: "x"}},
		"deep":             {{name: deep, body: "x"}},
		"link out":         {{name: "a/l", link: "../../x", kind: tar.TypeSymlink}},
		"link by a link":   {{name: "d/l", link: "..", kind: tar.TypeSymlink}, {name: "x", link: "d/l/..", kind: tar.TypeSymlink}},
		"absolute link":    {{name: "l", link: "/etc", kind: tar.TypeSymlink}},
		"through a link":   {{name: "d/x", body: ""}, {name: "l", link: "d", kind: tar.TypeSymlink}, {name: "l/f", body: "x"}},
		"file over link":   {{name: "l", link: "d", kind: tar.TypeSymlink}, {name: "l", body: "x"}},
		"device":           {{name: "dev", kind: tar.TypeChar}},
		"expands too far":  {{name: "big", body: strings.Repeat("0", 2<<20)}},
		"sum is too large": {{name: "a", body: strings.Repeat("0", 700<<10)}, {name: "b", body: strings.Repeat("0", 700<<10)}},
		"too many":         many,
	}
	for name, entries := range cases {
		for kind, data := range map[string][]byte{archive.Tar: tarOf(t, entries...), archive.Zip: zipOf(t, entries...)} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				outer := t.TempDir()
				dir := filepath.Join(outer, "in")
				require.NoError(t, os.Mkdir(dir, 0o700))
				require.Error(t, archive.Unpack(bytes.NewReader(data), kind, dir, lim))
				err := archive.Check(bytes.NewReader(data), kind, lim)
				var known *archive.Error
				require.True(t, errors.As(err, &known) || errors.Is(err, archive.ErrTooLarge), "%v", err)
				left, err := os.ReadDir(outer)
				require.NoError(t, err)
				require.Len(t, left, 1, "nothing may appear beside the directory")
			})
		}
	}
}

func TestHardLinkRefused(t *testing.T) {
	t.Parallel()
	data := tarOf(t, entry{name: "l", link: "/etc/passwd", kind: tar.TypeLink})
	require.ErrorContains(t, archive.Check(bytes.NewReader(data), archive.Tar, lim), "neither a file")
	require.ErrorContains(t, archive.Check(bytes.NewReader(data), "text/plain", lim), "content type")
}

func FuzzTar(f *testing.F) { fuzz(f, archive.Tar, tarOf(f, entry{name: "a/b", body: "x"})) }
func FuzzZip(f *testing.F) { fuzz(f, archive.Zip, zipOf(f, entry{name: "a/b", body: "x"})) }

// fuzz checks that whatever the bytes say, nothing lands beside the directory
// and no link in it leads out.
func fuzz(f *testing.F, kind string, seed []byte) {
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "in")
		require.NoError(t, os.Mkdir(dir, 0o700))
		unpacked := archive.Unpack(bytes.NewReader(data), kind, dir, lim) == nil
		if unpacked {
			require.NoError(t, archive.Check(bytes.NewReader(data), kind, lim))
		}
		left, err := os.ReadDir(outer)
		require.NoError(t, err)
		require.Len(t, left, 1)
		require.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.Type()&fs.ModeSymlink == 0 {
				return err
			}
			to, err := os.Readlink(p)
			require.False(t, filepath.IsAbs(to))
			require.True(t, strings.HasPrefix(filepath.Join(filepath.Dir(p), to), dir))
			return err
		}))
	})
}
