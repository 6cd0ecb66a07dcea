package terraform_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
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
	"coder.internal/internal/runas"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/coderprovider"
	"coder.internal/provisionerd/terraform"
)

// TestMain lets Terraform start this test binary as the coder/coder provider, and
// this package start it as the launcher of a job with a user of its own.
func TestMain(m *testing.M) {
	if runas.Launched() {
		return
	}
	if coderprovider.Wanted() && os.Getenv(panicking) != "" {
		servePanicking()
		return
	}
	if coderprovider.Wanted() {
		coderprovider.Serve()
		return
	}
	os.Exit(m.Run())
}

const header = `terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
`

// quickExit keeps a provider built with -race from sleeping for a second before
// it ends, three times a build.
const quickExit = "GORACE=atexit_sleep_ms=0"

// rig is a provisioner with its own directories.
type rig struct {
	*terraform.Provisioner
	work, cache string
}

func newRig(t testing.TB, change ...func(*terraform.Options)) *rig {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	bin, err := terraform.Find(t.Context(), terraform.FindOptions{})
	require.NoError(t, err)
	r := &rig{work: filepath.Join(t.TempDir(), "work"), cache: filepath.Join(t.TempDir(), "cache")}
	opts := terraform.Options{Binary: bin, WorkDir: r.work, CacheDir: r.cache, ProviderBinary: self,
		Environ: append(os.Environ(), quickExit, "CODER_PG_CONNECTION_URL=secret", "PGPASSWORD=secret", "AWS_REGION=here"),
		Log:     slog.New(slog.DiscardHandler), Clock: quartz.NewReal()}
	for _, f := range change {
		f(&opts)
	}
	r.work, r.cache = opts.WorkDir, opts.CacheDir
	r.Provisioner, err = terraform.New(opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Discard() })
	return r
}

// recorder is a Session that remembers.
type recorder struct {
	archive []byte
	kill    chan struct{}
	onLog   func(string)

	mu     sync.Mutex
	logs   []jobrpc.Log
	states [][]byte
	tokens []api.Secret
}

func (r *recorder) session() provisionerd.Session {
	if r.kill == nil {
		r.kill = make(chan struct{})
	}
	return provisionerd.Session{
		Archive: func(context.Context) (io.ReadCloser, error) {
			if r.archive == nil {
				return nil, errors.New("the archive must not be needed")
			}
			return io.NopCloser(bytes.NewReader(r.archive)), nil
		},
		Log: func(l jobrpc.Log) {
			r.mu.Lock()
			r.logs = append(r.logs, l)
			r.mu.Unlock()
			if r.onLog != nil {
				r.onLog(l.Output)
			}
		},
		State: func(s []byte, tokens []api.Secret) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.states, r.tokens = append(r.states, s), tokens
		},
		Kill: r.kill,
	}
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, l := range r.logs {
		b.WriteString(l.Stage + ": " + l.Output + "\n")
	}
	return b.String()
}

func (r *recorder) lastState() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.states) == 0 {
		return ""
	}
	return string(r.states[len(r.states)-1])
}

// pack makes a tar of files by name.
func pack(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func packFS(t testing.TB, dir fs.FS) []byte {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(dir, p)
		files[p] = string(b)
		return err
	}))
	return pack(t, files)
}

func meta(t api.Transition) jobrpc.Meta {
	return jobrpc.Meta{AccessURL: "http://127.0.0.1:1/", Transition: t,
		WorkspaceID: api.MustParseID("11111111-1111-4111-8111-111111111111"), WorkspaceName: "dev",
		TemplateID: api.NewID(), TemplateName: "tpl", TemplateVersion: "v1", OwnerID: api.NewID(),
		OwnerName: "ann", OwnerFullName: "Ann", OwnerEmail: "ann@example.com", OwnerSession: "sess"}
}

func jobFor(archive []byte) *jobrpc.Job {
	sum := sha256.Sum256(archive)
	return &jobrpc.Job{ID: api.NewID(), Attempt: 1, ArchiveHash: hex.EncodeToString(sum[:]), ArchiveType: api.ContentTypeTar}
}

func importJob(archive []byte, vars ...api.VariableValue) *jobrpc.Job {
	j := jobFor(archive)
	j.Import = &jobrpc.ImportWork{TemplateVersionID: api.NewID(), Variables: vars, Meta: meta(api.TransitionStart)}
	return j
}

func buildJob(archive []byte, t api.Transition, state []byte, params ...api.ParameterValue) *jobrpc.Job {
	j := jobFor(archive)
	j.Build = &jobrpc.BuildWork{BuildID: api.NewID(), State: state, Parameters: params, Meta: meta(t)}
	return j
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// optionsOf shortens the signature of changes.
type optionsOf = terraform.Options
