package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/templates"
	"coder.internal/cmd/internal/serve"
	"coder.internal/coderd/agents"
	"coder.internal/internal/clock"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/terraform"
)

// keptTests is how many initialised templates stay in the cache of tests.
const keptTests = 5

// TestTemplate runs the provisioner of a server in this process, for `templates
// test`. It looks for terraform and keeps its cache where a server would.
func TestTemplate(env *cli.Env) templates.Tester {
	return func(ctx context.Context, setup templates.TestSetup) (templates.Workbench, error) {
		cache := env.Getenv("CODER_CACHE_DIRECTORY")
		if cache == "" {
			cache = serve.DefaultCacheDir(env.Getenv)
		}
		binary, err := terraform.Find(ctx, terraform.FindOptions{Path: env.Getenv("CODER_PROVISIONER_TERRAFORM_PATH"), CacheDir: cache, Download: true})
		if err != nil {
			return nil, err
		}
		work, err := os.MkdirTemp("", "coder-test-")
		if err != nil {
			return nil, fmt.Errorf("make directory: %w", err)
		}
		p, err := terraform.New(terraform.Options{Binary: binary, WorkDir: work,
			CacheDir: filepath.Join(cache, "template-tests"), ProviderBinary: env.Executable, MirrorDir: env.Getenv("CODER_PROVISIONER_MIRROR"),
			Environ: os.Environ(), DataDir: filepath.Join(work, "data"), Log: slog.New(slog.DiscardHandler), Clock: clock.Real(),
			MaxTemplates: keptTests})
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(work))
		}
		sum := sha256.Sum256(setup.Archive)
		return &bench{p: p, work: work, setup: setup, hash: hex.EncodeToString(sum[:]), workspace: api.NewID(), owner: api.NewID()}, nil
	}
}

// bench implements templates.Workbench.
type bench struct {
	p                *terraform.Provisioner
	work, hash       string
	setup            templates.TestSetup
	workspace, owner api.ID
}

func (b *bench) job() *jobrpc.Job {
	return &jobrpc.Job{ID: api.NewID(), Attempt: 1, ArchiveHash: b.hash, ArchiveType: api.ContentTypeTar}
}

// meta is made up; a template must cope with any owner.
func (b *bench) meta(t api.Transition) jobrpc.Meta {
	return jobrpc.Meta{AccessURL: "http://localhost:3000", Transition: t, WorkspaceID: b.workspace, WorkspaceName: "preview",
		TemplateName: "preview", TemplateVersion: "preview", OwnerID: b.owner, OwnerName: "tester", OwnerFullName: "Tester",
		OwnerEmail: "tester@example.com", OwnerGroups: []string{"Everyone"}, OwnerRoles: []jobrpc.OwnerRole{{Name: "member"}},
		OwnerLoginType: api.LoginType("password")}
}

func (b *bench) session(ctx context.Context) (provisionerd.Session, func()) {
	kill := make(chan struct{})
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { close(kill); close(ended) })
	return provisionerd.Session{Log: b.setup.Log, State: func([]byte, []api.Secret) {}, Kill: kill,
			Archive: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(b.setup.Archive)), nil
			}}, func() {
			if !stop() {
				<-ended
			}
		}
}

// Import implements templates.Workbench.
func (b *bench) Import(ctx context.Context) (*jobrpc.ImportResult, error) {
	s, done := b.session(ctx)
	defer done()
	job := b.job()
	job.Import = &jobrpc.ImportWork{TemplateVersionID: api.NewID(), Variables: b.setup.Variables, Meta: b.meta(api.TransitionStart)}
	res, err := b.p.Import(ctx, job, s)
	return res, plainFailure(err)
}

// Plan implements templates.Workbench.
func (b *bench) Plan(ctx context.Context, values []api.ParameterValue, t api.Transition) ([]jobrpc.Resource, error) {
	s, done := b.session(ctx)
	defer done()
	job := b.job()
	job.Plan = &jobrpc.PlanWork{TemplateVersionID: api.NewID(), Variables: b.setup.Variables, Parameters: values, Meta: b.meta(t)}
	res, err := b.p.Plan(ctx, job, s)
	if err != nil {
		return nil, plainFailure(err)
	}
	return res.Resources, nil
}

// Check implements templates.Workbench.
func (b *bench) Check(resources []jobrpc.Resource) error { return agents.CheckResources(resources) }

// Close implements templates.Workbench.
func (b *bench) Close() error {
	return errors.Join(b.p.Discard(), os.RemoveAll(b.work))
}

// plainFailure makes the end of a job an error of a command.
func plainFailure(err error) error {
	var f *provisionerd.Failure
	if !errors.As(err, &f) {
		return err
	}
	if f.Code == terraform.CodeMissingVariables {
		return api.Invalid("variable", f.Message+" Give them with --variable <name>=<value>.")
	}
	return &api.Error{Code: api.CodeInvalid, Message: f.Message}
}
