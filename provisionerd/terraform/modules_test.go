package terraform

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/internal/bundle"
	"coder.internal/provisionerd"
)

const calls = `
terraform {
  required_providers {
    aaa = { source = "hashicorp/aaa" }
  }
}
module "near" { source = "./near" }
module "web" { source = "http://127.0.0.1:1/mod.zip" }
module "reg" {
  source  = "acme/thing/null//modules/sub"
  version = "~> 1.0"
}
`

// handmade is a bundle with a provider and two modules, one of which calls a
// third beside it.
func handmade(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Rename(fakeMirror(t, "aaa"), filepath.Join(dir, bundle.Providers)))
	for name, text := range map[string]string{
		"modules/mod/main.tf":              "output \"x\" { value = 1 }\n",
		"modules/thing/modules/sub/sub.tf": "module \"side\" { source = \"../side\" }\n",
		"modules/thing/modules/side/s.tf":  "output \"y\" { value = 2 }\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	m := &bundle.Manifest{Modules: []bundle.Module{
		{Key: "elsewhere", Source: "http://127.0.0.1:1/mod.zip", Dir: "mod", Path: "."},
		{Key: "reg", Source: "registry.terraform.io/acme/thing/null//modules/sub", Version: "2.0.0", Dir: "mod", Path: "."},
		{Key: "reg", Source: "registry.terraform.io/acme/thing/null//modules/sub", Version: "1.4.0", Dir: "thing", Path: "modules/sub"},
	}}
	require.NoError(t, m.Write(dir))
	return dir
}

func TestBundleServesProvidersAndModules(t *testing.T) {
	t.Parallel()
	dir := handmade(t)
	p := newInit(t, t.TempDir(), dir, quartz.NewReal())
	archive := tarOf(map[string]string{"main.tf": calls, "near/near.tf": "output \"n\" { value = 0 }\n"})
	log, err := initialise(t, p, archive)
	require.NoError(t, err, log)
	require.FileExists(t, filepath.Join(p.build, ".terraform", "modules", "reg", "modules", "side", "s.tf"))
	require.Equal(t, p.packages.dir, filepath.Dir(packageOf(t, p, "aaa")))

	// Another template of the same directory names does not get foreign modules.
	log, err = initialise(t, p, tarOf(map[string]string{"main.tf": "module \"web\" { source = \"http://127.0.0.1:1/other.zip\" }\n"}))
	require.Error(t, err, log)
}

// TestModulesAreFetchedOnce: the daemons of a host fetch a module once for each
// template version.
func TestModulesAreFetchedOnce(t *testing.T) {
	t.Parallel()
	var module bytes.Buffer
	w := zip.NewWriter(&module)
	f, err := w.Create("main.tf")
	require.NoError(t, err)
	_, err = f.Write([]byte("output \"x\" { value = 1 }\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = rw.Write(module.Bytes())
	}))
	t.Cleanup(srv.Close)

	cache := t.TempDir()
	archive := tarOf(map[string]string{"main.tf": "module \"web\" { source = \"" + srv.URL + "/mod.zip\" }\n"})
	log, err := initialise(t, newInit(t, cache, "", quartz.NewReal()), archive)
	require.NoError(t, err, log)
	first := asked.Load()
	require.Positive(t, first)
	srv.Close()
	for range 2 {
		p := newInit(t, cache, "", quartz.NewReal())
		log, err = initialise(t, p, archive)
		require.NoError(t, err, log)
		require.FileExists(t, filepath.Join(p.build, ".terraform", "modules", "web", "main.tf"))
	}
	require.Equal(t, first, asked.Load())
}

func TestDamagedBundleIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"modules/mod/main.tf", "providers/registry.terraform.io/hashicorp/aaa/1.2.3/" + platform() + "/terraform-provider-aaa_v1.2.3"} {
		dir := handmade(t)
		f, err := os.OpenFile(filepath.Join(dir, filepath.FromSlash(name)), os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteString("# more\n")
		require.NoError(t, err)
		require.NoError(t, f.Close())
		p := newInit(t, t.TempDir(), dir, quartz.NewReal())
		_, err = initialise(t, p, tarOf(map[string]string{"main.tf": calls, "near/near.tf": ""}))
		var failure *provisionerd.Failure
		require.ErrorAs(t, err, &failure)
		require.Contains(t, failure.Message, name)
	}
}

func TestSameSource(t *testing.T) {
	t.Parallel()
	for noted, declared := range map[string]string{
		"registry.terraform.io/a/b/c":                    "a/b/c",
		"registry.terraform.io/a/b/c//d":                 "a/b/c//d",
		"git::https://github.com/a/b.git":                "github.com/a/b",
		"git::https://github.com/a/b.git//d?ref=v1":      "github.com/a/b//d?ref=v1",
		"https://example.com/m.zip":                      "https://example.com/m.zip",
		"https://example.com/m.zip//d":                   "https://example.com/m.zip//d",
		"git::https://example.com/r.git?ref=v1":          "git::https://example.com/r.git?ref=v1",
		"git::ssh://git@example.com/r.git//sub?ref=v1.2": "git::ssh://git@example.com/r.git//sub?ref=v1.2",
	} {
		require.True(t, sameSource(noted, declared), "%s for %s", noted, declared)
		require.False(t, sameSource(noted, declared+"x"), declared)
	}
}

func TestHostileModuleNames(t *testing.T) {
	t.Parallel()
	p := newInit(t, t.TempDir(), handmade(t), quartz.NewReal())
	_, err := initialise(t, p, tarOf(map[string]string{
		"main.tf": "module \"../../../../evil\" { source = \"http://127.0.0.1:1/mod.zip\" }\n"}))
	require.Error(t, err)
	require.NoFileExists(t, filepath.Join(p.opts.WorkDir, "evil"))
}
