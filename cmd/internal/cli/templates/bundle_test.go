package templates_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/cli/clitest"
	"coder.internal/internal/bundle"
)

// TestBundle collects a template with a provider from a mirror and a module from
// an HTTP server, checks the bundle, and finds what was changed in it.
func TestBundle(t *testing.T) {
	t.Parallel()
	var module bytes.Buffer
	w := zip.NewWriter(&module)
	f, err := w.Create("main.tf")
	require.NoError(t, err)
	_, err = f.Write([]byte("output \"x\" { value = 1 }\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(module.Bytes()) }))
	t.Cleanup(srv.Close)

	mirror, dir := t.TempDir(), filepath.Join(t.TempDir(), "mine")
	provider := filepath.Join("registry.terraform.io", "acme", "thing", "1.2.3", runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-thing_v1.2.3")
	require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(mirror, provider)), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(mirror, provider), []byte("a program"), 0o755))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.tf"), []byte(`terraform {
  required_providers {
    coder = { source = "coder/coder" }
    thing = { source = "acme/thing" }
  }
}
module "web" { source = "`+srv.URL+`/mod.zip" }
`), 0o644))

	out := filepath.Join(t.TempDir(), "bundle")
	r := clitest.New(t).Run("templates", "bundle", "--output", out, "--mirror", mirror, dir)
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stdout, "1 template, 1 provider, 1 module, ")
	m, err := bundle.Load(out)
	require.NoError(t, err)
	require.Equal(t, []bundle.Provider{{Address: "registry.terraform.io/acme/thing", Version: "1.2.3"}}, m.Providers)
	require.Equal(t, srv.URL+"/mod.zip", m.Modules[0].Source)
	lock, err := os.ReadFile(filepath.Join(out, "templates", "mine", ".terraform.lock.hcl"))
	require.NoError(t, err)
	require.Contains(t, string(lock), "acme/thing")
	require.NotContains(t, string(lock), "coder/coder", "the server has its own")

	r = clitest.New(t).Run("templates", "bundle", "--verify", out)
	require.Zero(t, r.Code, r.Stderr)
	require.NoError(t, os.WriteFile(filepath.Join(out, "providers", provider), []byte("A program"), 0o755))
	r = clitest.New(t).Run("templates", "bundle", "--verify", out)
	require.NotZero(t, r.Code)
	require.Contains(t, r.Stderr, "providers/"+filepath.ToSlash(provider))

	r = clitest.New(t).Run("templates", "bundle", "--output", out, dir)
	require.NotZero(t, r.Code)
	require.Contains(t, r.Stderr, "exists")
}
