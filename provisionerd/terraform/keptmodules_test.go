package terraform_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/internal/archive"
	"coder.internal/provisionerd"
)

// moduleServer serves files as mod.zip until it is closed, and counts.
func moduleServer(t testing.TB, files map[string]string) (srv *httptest.Server, asked *atomic.Int64) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = f.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	asked = &atomic.Int64{}
	srv = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = rw.Write(b.Bytes())
	}))
	t.Cleanup(srv.Close)
	return srv, asked
}

// webModule is a module with one beside it, and what a clone of Git would leave.
func webModule() map[string]string {
	return map[string]string{
		"main.tf":      "module \"side\" { source = \"./side\" }\noutput \"text\" { value = module.side.text }\n",
		"side/main.tf": "output \"text\" { value = \"hello\" }\n",
		".git/HEAD":    "ref: refs/heads/main\n",
	}
}

func webTemplate(url string) map[string]string {
	return map[string]string{
		"main.tf": "module \"web\" { source = \"" + url + "/mod.zip\" }\nmodule \"near\" { source = \"./near\" }\n" +
			"resource \"terraform_data\" \"a\" { input = \"${module.web.text} ${module.near.text}\" }\n",
		"near/main.tf": "output \"text\" { value = \"world\" }\n",
	}
}

// moduleKeeper is the session of a job whose source keeps modules.
type moduleKeeper struct {
	recorder
	data []byte
	err  error
}

func (k *moduleKeeper) session() provisionerd.Session {
	s := k.recorder.session()
	s.KeepModules = func(_ context.Context, data []byte) error { k.data = data; return k.err }
	s.Modules = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(k.data)), nil }
	return s
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// A daemon with an empty cache builds a version whose module source is gone.
func TestKeptModules(t *testing.T) {
	t.Parallel()
	srv, asked := moduleServer(t, webModule())
	template := pack(t, webTemplate(srv.URL))
	imported := &moduleKeeper{recorder: recorder{archive: template}}
	first := newRig(t)
	_, err := first.Import(within(t, time.Minute), importJob(template), imported.session())
	require.NoError(t, err, imported.text())
	require.NotEmpty(t, imported.data, imported.text())
	require.NoError(t, archive.Check(bytes.NewReader(imported.data), archive.TarGzip,
		archive.Limits{Bytes: jobrpc.MaxArchiveBytes, Files: jobrpc.MaxArchiveFiles}))
	srv.Close()
	before := asked.Load()

	// Imported again from what this host has kept, it is the same.
	again := &moduleKeeper{}
	_, err = first.Import(within(t, time.Minute), importJob(template), again.session())
	require.NoError(t, err, again.text())
	require.Equal(t, hexSum(imported.data), hexSum(again.data))

	job := buildJob(template, api.TransitionStart, nil)
	job.ModulesHash = hexSum(imported.data)
	// The host of the import needs nothing, another one the archives.
	for r, k := range map[*rig]*moduleKeeper{first: {}, newRig(t): {recorder: recorder{archive: template}, data: imported.data}} {
		_, err = r.Build(within(t, time.Minute), job, k.session())
		require.NoError(t, err, k.text())
		require.Contains(t, k.lastState(), "hello world")
	}
	require.Equal(t, before, asked.Load())

	// Without an archive it is as it was: the source is needed.
	none := &moduleKeeper{recorder: recorder{archive: template}}
	_, err = newRig(t).Build(within(t, time.Minute), buildJob(template, api.TransitionStart, nil), none.session())
	require.Error(t, err)
	_, statErr := os.Stat(filepath.Join(first.work, "build", ".terraform", "modules", "web", ".git"))
	require.NoError(t, statErr, "the host of the import has it all")
}

// An import does not fail because its modules are not kept.
func TestModulesNotKept(t *testing.T) {
	t.Parallel()
	big := webModule()
	noise := make([]byte, jobrpc.MaxModulesBytes+1)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // it never fails
	big["blob"] = string(noise)
	for want, tc := range map[string]struct {
		files map[string]string
		err   error
	}{
		"they have more than 10 MiB compressed": {big, nil},
		"not today. Other":                      {webModule(), &api.Error{Code: api.CodeUnsupported, Message: "not today."}},
	} {
		srv, _ := moduleServer(t, tc.files)
		template := pack(t, webTemplate(srv.URL))
		k := &moduleKeeper{recorder: recorder{archive: template}, err: tc.err}
		_, err := newRig(t).Import(within(t, time.Minute), importJob(template), k.session())
		require.NoError(t, err, k.text())
		require.Contains(t, k.text(), "are not kept with the version: ")
		require.Contains(t, k.text(), want)
	}
	// Local modules are part of the template.
	template := pack(t, map[string]string{"main.tf": "module \"near\" { source = \"./near\" }\n", "near/main.tf": "\n"})
	k := &moduleKeeper{recorder: recorder{archive: template}}
	_, err := newRig(t).Import(within(t, time.Minute), importJob(template), k.session())
	require.NoError(t, err, k.text())
	require.Nil(t, k.data)
}

// What comes from the queue was made by another daemon.
func TestHostileKeptModules(t *testing.T) {
	t.Parallel()
	template := pack(t, webTemplate("http://127.0.0.1:1"))
	squeezed := func(files map[string]string) []byte {
		dir := t.TempDir()
		for name, text := range files {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		data, err := archive.Pack(dir, archive.Limits{Bytes: 1 << 20, Files: 10}, 1<<20, nil)
		require.NoError(t, err)
		return data
	}
	r := newRig(t)
	for name, data := range map[string][]byte{
		"not an archive":      []byte("modules"),
		"no list":             squeezed(map[string]string{"a": "b"}),
		"a list of nonsense":  squeezed(map[string]string{"modules.json": "[]"}),
		"a place elsewhere":   squeezed(map[string]string{"modules.json": `{"Modules":[{"Key":"web","Source":"http://127.0.0.1:1/mod.zip","Dir":"../../../../etc"}]}`}),
		"an absolute place":   squeezed(map[string]string{"modules.json": `{"Modules":[{"Key":"web","Source":"http://127.0.0.1:1/mod.zip","Dir":"/etc"}]}`}),
		"too many of modules": squeezed(map[string]string{"modules.json": `{"Modules":[` + strings.Repeat(`{"Dir":"."},`, 2000) + `{"Dir":"."}]}`}),
	} {
		job := buildJob(template, api.TransitionStart, nil)
		job.ModulesHash = hexSum(data)
		k := &moduleKeeper{recorder: recorder{archive: template}, data: data}
		_, err := r.Build(within(t, time.Minute), job, k.session())
		var failure *provisionerd.Failure
		require.ErrorAs(t, err, &failure, name)
		require.Contains(t, failure.Message, "Push the template again.", name)
	}
	job := buildJob(template, api.TransitionStart, nil)
	job.ModulesHash = strings.Repeat("0", 64)
	k := &moduleKeeper{recorder: recorder{archive: template}, data: []byte("else")}
	_, err := r.Build(within(t, time.Minute), job, k.session())
	require.ErrorContains(t, err, "their hash is another one")
}
