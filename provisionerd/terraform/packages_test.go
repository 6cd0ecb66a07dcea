package terraform

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/internal/bundle"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/coderprovider"
)

// A closed port in front of every registry cuts the network for init.
var cut = []string{"PATH=" + os.Getenv("PATH"), "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1",
	"TF_REGISTRY_CLIENT_TIMEOUT=1"}

func TestVersionInBundles(t *testing.T) {
	t.Parallel()
	require.Equal(t, coderprovider.Version, bundle.CoderProvider)
}

// fakeMirror is a mirror of providers that init can install. Init never runs them.
func fakeMirror(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		pkg := filepath.Join(dir, "registry.terraform.io", "hashicorp", name, "1.2.3", platform())
		require.NoError(t, os.MkdirAll(pkg, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(pkg, "terraform-provider-"+name+"_v1.2.3"),
			[]byte("#!/bin/sh\n# "+name+strings.Repeat(name, 1000)), 0o755))
	}
	return dir
}

// naming is a template that names providers. note makes it another template.
func naming(note string, names ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\nterraform {\n  required_providers {\n    coder = { source = \"coder/coder\" }\n", note)
	for _, name := range names {
		fmt.Fprintf(&b, "    %s = { source = \"hashicorp/%s\" }\n", name, name)
	}
	b.WriteString("  }\n}\n")
	return tarOf(map[string]string{"main.tf": b.String()})
}

func tarOf(files map[string]string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		_ = w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg})
		_, _ = w.Write([]byte(text))
	}
	_ = w.Close()
	return b.Bytes()
}

func newInit(t *testing.T, cache, mirror string, clock quartz.Clock) *Provisioner {
	t.Helper()
	bin, err := Find(t.Context(), FindOptions{})
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	p, err := New(Options{Binary: bin, WorkDir: filepath.Join(t.TempDir(), "w"), CacheDir: cache, ProviderBinary: self,
		MirrorDir: mirror, Environ: cut, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Clock: clock})
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Discard() })
	return p
}

// initialise does what each job does first, and returns what it logged.
func initialise(t *testing.T, p *Provisioner, archive []byte) (string, error) {
	t.Helper()
	sum := sha256.Sum256(archive)
	job := &jobrpc.Job{ID: api.NewID(), ArchiveHash: hex.EncodeToString(sum[:]), ArchiveType: api.ContentTypeTar}
	var mu sync.Mutex
	var log strings.Builder
	r := p.begin(job, jobrpc.Meta{}, provisionerd.Session{
		Archive: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil },
		Log: func(l jobrpc.Log) {
			mu.Lock()
			defer mu.Unlock()
			log.WriteString(l.Output + "\n")
		}, Kill: make(chan struct{})})
	defer r.close()
	err := r.fill(t.Context())
	mu.Lock()
	defer mu.Unlock()
	return log.String(), err
}

func packageOf(t *testing.T, p *Provisioner, name string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(filepath.Join(p.build, ".terraform", "providers", "registry.terraform.io", "hashicorp", name, "1.2.3", platform()))
	require.NoError(t, err)
	return dir
}

func TestPackagesServeLaterInits(t *testing.T) {
	t.Parallel()
	cache, clock := t.TempDir(), quartz.NewMock(t)
	_, err := initialise(t, newInit(t, cache, fakeMirror(t, "aaa", "bbb"), clock), naming("first", "aaa", "bbb"))
	require.NoError(t, err)

	p := newInit(t, cache, "", clock)
	log, err := initialise(t, p, naming("second", "bbb"))
	require.NoError(t, err, log)
	require.Equal(t, p.packages.dir, filepath.Dir(packageOf(t, p, "bbb")))
	lock, err := os.ReadFile(filepath.Join(p.build, ".terraform.lock.hcl"))
	require.NoError(t, err)
	require.NotContains(t, string(lock), "h1:", "builds need not hash what was verified")

	log, err = initialise(t, p, naming("unknown", "bbb", "zzz"))
	var failure *provisionerd.Failure
	require.ErrorAs(t, err, &failure)
	require.Contains(t, log, "hashicorp/zzz")

	// After a day the registry is asked first; it does not answer.
	clock.Set(clock.Now().Add(freshFor + time.Hour))
	log, err = initialise(t, p, naming("later", "aaa"))
	require.NoError(t, err, log)
	require.Contains(t, log, "does not answer")
	require.NotContains(t, log, "Error:")

	// The store forgot the template, the packages did not.
	require.NoError(t, removeAll(filepath.Join(cache, "templates")))
	require.NoError(t, os.Mkdir(filepath.Join(cache, "templates"), 0o700))
	log, err = initialise(t, p, naming("first", "aaa", "bbb"))
	require.NoError(t, err, log)
}

// TestStateNeedsAnotherProvider: the template does not name a provider any more
// that the state of a workspace needs, and there is no network.
func TestStateNeedsAnotherProvider(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	_, err := initialise(t, newInit(t, cache, fakeMirror(t, "aaa"), quartz.NewReal()), naming("old", "aaa"))
	require.NoError(t, err)

	p := newInit(t, cache, "", quartz.NewReal())
	log, err := initialise(t, p, naming("new"))
	require.NoError(t, err, log)
	text := []byte(`{"version":4,"terraform_version":"1.5.0","serial":1,"lineage":"l","outputs":{},"resources":[{"mode":"managed",
"type":"aaa_thing","name":"x","provider":"provider[\"registry.terraform.io/hashicorp/aaa\"]",
"instances":[{"schema_version":0,"attributes":{"id":"1"}}]}]}`)
	state, err := parseState(text)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p.stateFile(), text, 0o600))
	r := p.begin(&jobrpc.Job{ID: api.NewID()}, jobrpc.Meta{}, provisionerd.Session{Log: func(jobrpc.Log) {}, Kill: make(chan struct{})})
	defer r.close()
	require.NoError(t, r.initForState(t.Context(), state))
	require.Equal(t, p.packages.dir, filepath.Dir(packageOf(t, p, "aaa")))
}

func TestDamagedPackageIsReplaced(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	p := newInit(t, cache, fakeMirror(t, "aaa"), quartz.NewReal())
	archive := naming("t", "aaa")
	_, err := initialise(t, p, archive)
	require.NoError(t, err)
	pkg := packageOf(t, p, "aaa")
	file := filepath.Join(pkg, "terraform-provider-aaa_v1.2.3")
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o222)

	// Same size, same time of writing.
	require.NoError(t, os.Chmod(file, 0o700))
	require.NoError(t, os.WriteFile(file, bytes.ToUpper(whole), 0o700))
	require.NoError(t, os.Chtimes(file, info.ModTime(), info.ModTime()))
	require.NoError(t, os.Chmod(file, info.Mode().Perm()))
	log, err := initialise(t, p, archive)
	require.NoError(t, err, log)
	require.NotContains(t, log, "Using the initialised directory")
	now, err := os.ReadFile(filepath.Join(packageOf(t, p, "aaa"), filepath.Base(file)))
	require.NoError(t, err)
	require.Equal(t, whole, now)

	// Another look at a file that did not change keeps the entry.
	require.NoError(t, os.Chmod(file, 0o500))
	log, err = initialise(t, p, archive)
	require.NoError(t, err)
	require.Contains(t, log, "Using the initialised directory")
}

func TestPackagesArePruned(t *testing.T) {
	t.Parallel()
	cache, clock := t.TempDir(), quartz.NewMock(t)
	p := newInit(t, cache, fakeMirror(t, "aaa", "bbb"), clock)
	_, err := initialise(t, p, naming("t", "aaa"))
	require.NoError(t, err)
	pkg := packageOf(t, p, "aaa")
	past := time.Now().Add(-2 * keepPackages)
	clock.Set(time.Now())
	require.NoError(t, os.Chtimes(pkg+".json", past, past))
	require.NoError(t, p.packages.prune(p.store.linked()))
	require.DirExists(t, pkg, "an initialised template uses it")
	require.NoError(t, p.packages.prune(map[string]bool{}))
	require.NoDirExists(t, pkg)
	known, err := p.packages.known(platform())
	require.NoError(t, err)
	require.Empty(t, known)
}

// TestParallelInits lets many daemons initialise several templates in one cache.
func TestParallelInits(t *testing.T) {
	t.Parallel()
	const daemons = 100
	cache, mirror := t.TempDir(), fakeMirror(t, "aaa", "bbb", "ccc")
	sets := [][]string{{"aaa"}, {"bbb", "aaa"}, {"ccc"}, {"aaa", "bbb", "ccc"}}
	var wg sync.WaitGroup
	for i := range daemons {
		p := newInit(t, cache, mirror, quartz.NewReal())
		wg.Go(func() {
			set := sets[i%len(sets)]
			log, err := initialise(t, p, naming(fmt.Sprint("template ", i%10), set...))
			if !assertNoError(t, err, log) {
				return
			}
			for _, name := range set {
				pkg := packageOf(t, p, name)
				hash, err := hashPackage(pkg)
				if err != nil {
					t.Errorf("hash %s: %v", pkg, err)
					continue
				}
				if kept, err := packageName(hash); err != nil || kept != filepath.Base(pkg) {
					t.Errorf("%s has the content of %s", pkg, kept)
				}
			}
		})
	}
	wg.Wait()
	left, err := filepath.Glob(filepath.Join(cache, "packages", "*", "terraform-provider-*"))
	require.NoError(t, err)
	require.Len(t, left, 3, "each provider is there once")
	left, err = filepath.Glob(filepath.Join(cache, "*", ".new-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func assertNoError(t *testing.T, err error, log string) bool {
	t.Helper()
	if err != nil {
		t.Errorf("%v\n%s", err, log)
	}
	return err == nil
}
