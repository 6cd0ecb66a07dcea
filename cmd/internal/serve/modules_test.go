//go:build linux

package serve_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

// What one daemon has imported another one with an empty cache builds, when the
// source of the template's module is gone: in the server, and outside of it.
func TestModulesTravel(t *testing.T) {
	t.Parallel()
	var module bytes.Buffer
	w := zip.NewWriter(&module)
	f, err := w.Create("main.tf")
	require.NoError(t, err)
	_, err = f.Write([]byte("output \"text\" { value = \"hello\" }\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	source := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write(module.Bytes())
	}))
	t.Cleanup(source.Close)

	s := servetest.Start(t, servetest.Options{Args: []string{"--provisioner-daemons", "1"}, Env: psk()})
	c := s.Admin(t)
	one := startExternal(t, s, "one", s.URL.String(), psk(), "--tag", "where=out")
	dir := c.WriteTemplate("web", "module \"web\" { source = \""+source.URL+"/mod.zip\" }\n"+
		"resource \"terraform_data\" \"a\" { input = module.web.text }\n")
	c.OK("templates", "push", "inside", "-d", dir, "-y")
	c.OK("templates", "push", "outside", "-d", dir, "-y", "--provisioner-tag", "where=out")
	source.Close()

	one.stop()
	s.Stop()
	s.Setenv("CODER_CACHE_DIRECTORY=" + filepath.Join(s.Dir, "another-cache"))
	s.Start()
	c.OK("create", "in", "--template", "inside", "-y")
	startExternal(t, s, "two", s.URL.String(), psk(), "--tag", "where=out")
	c.OK("create", "out", "--template", "outside", "-y")
	require.Equal(t, "two", workspace(t, c, "out").LatestBuild.Job.WorkerName)
	require.NotContains(t, []string{"one", "two"}, workspace(t, c, "in").LatestBuild.Job.WorkerName)
	var archives int
	require.NoError(t, connect(t, s).QueryRow(t.Context(), "select count(*) from template_modules").Scan(&archives))
	require.Equal(t, 1, archives, "both imports brought the same")
	// A stop starts from the same directory.
	c.OK("stop", "out", "-y")
}
