package serve

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
	"runtime"
	"strings"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/parameters"
	"coder.internal/internal/archive"
	"coder.internal/internal/clock"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/terraform"
)

// keptTests is how many initialised templates stay in the cache of tests.
const keptTests = 5

// BenchOptions describe a template that is to be tried without a server.
type BenchOptions struct {
	Getenv     func(string) string // where terraform, cache and mirror are, as for a server
	Executable string              // this program, which serves coder/coder
	Archive    []byte              // tar
	Variables  []api.VariableValue
	Log        func(jobrpc.Log)
}

// Bench is the provisioner of a server in this process, for one template. It
// makes no resources. Close it.
type Bench struct {
	p                *terraform.Provisioner
	live             *parameters.Template
	work, hash       string
	opts             BenchOptions
	workspace, owner api.ID
}

// NewBench looks for terraform, which may take the length of a download, and
// makes a work directory. The cache lies where a server's would.
func NewBench(ctx context.Context, o BenchOptions) (*Bench, error) {
	cache := o.Getenv("CODER_CACHE_DIRECTORY")
	if cache == "" {
		cache = DefaultCacheDir(o.Getenv)
	}
	binary, err := terraform.Find(ctx, terraform.FindOptions{Path: o.Getenv("CODER_PROVISIONER_TERRAFORM_PATH"), CacheDir: cache, Download: true})
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "coder-test-")
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	p, err := terraform.New(terraform.Options{Binary: binary, WorkDir: work,
		CacheDir: filepath.Join(cache, "template-tests"), ProviderBinary: o.Executable, MirrorDir: o.Getenv("CODER_PROVISIONER_MIRROR"),
		Environ: os.Environ(), EnvAllow: envAllow(o.Getenv("CODER_PROVISIONER_ENV")), DataDir: filepath.Join(work, "data"), Log: slog.New(slog.DiscardHandler), Clock: clock.Real(),
		MaxTemplates: keptTests})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(work))
	}
	files, err := archive.Read(bytes.NewReader(o.Archive), api.ContentTypeTar,
		archive.Limits{Bytes: jobrpc.MaxArchiveBytes, Files: jobrpc.MaxArchiveFiles}, parameters.MaxFile, parameters.Wanted)
	if err != nil {
		return nil, errors.Join(err, p.Discard(), os.RemoveAll(work))
	}
	live, _ := parameters.Load(files) // its diagnostics come with every result
	sum := sha256.Sum256(o.Archive)
	return &Bench{p: p, live: live, work: work, opts: o, hash: hex.EncodeToString(sum[:]), workspace: api.NewID(), owner: api.NewID()}, nil
}

// envAllow reads the list of --provisioner-env.
func envAllow(list string) (out []string) {
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func (b *Bench) job() *jobrpc.Job {
	return &jobrpc.Job{ID: api.NewID(), Attempt: 1, ArchiveHash: b.hash, ArchiveType: api.ContentTypeTar}
}

// meta is made up; a template must cope with any owner.
func (b *Bench) meta(t api.Transition) jobrpc.Meta {
	return jobrpc.Meta{AccessURL: "http://localhost:3000", Transition: t, WorkspaceID: b.workspace, WorkspaceName: "preview",
		TemplateName: "preview", TemplateVersion: "preview", OwnerID: b.owner, OwnerName: "tester", OwnerFullName: "Tester",
		OwnerEmail: "tester@example.com", OwnerGroups: []string{"Everyone"}, OwnerRoles: []jobrpc.OwnerRole{{Name: "member"}},
		OwnerLoginType: api.LoginType("password")}
}

func (b *Bench) session(ctx context.Context) (provisionerd.Session, func()) {
	kill := make(chan struct{})
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { close(kill); close(ended) })
	return provisionerd.Session{Log: b.opts.Log, State: func([]byte, []api.Secret) {}, Kill: kill,
			Archive: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(b.opts.Archive)), nil
			}}, func() {
			if !stop() {
				<-ended
			}
		}
}

// Import does what a server does with a pushed template. It blocks.
func (b *Bench) Import(ctx context.Context) (*jobrpc.ImportResult, error) {
	s, done := b.session(ctx)
	defer done()
	job := b.job()
	job.Import = &jobrpc.ImportWork{TemplateVersionID: api.NewID(), Variables: b.opts.Variables, Meta: b.meta(api.TransitionStart)}
	res, err := b.p.Import(ctx, job, s)
	return res, plainFailure(err)
}

// Evaluate says which parameters there are with these values.
func (b *Bench) Evaluate(ctx context.Context, imported []api.TemplateVersionParameter, values map[string]string) (api.DynamicParametersResponse, error) {
	m := b.meta(api.TransitionStart)
	r := b.live.Evaluate(ctx, parameters.Input{Values: values, FirstBuild: true, Variables: b.opts.Variables, Imported: imported,
		OS: runtime.GOOS, Arch: runtime.GOARCH,
		Owner: parameters.Owner{ID: m.OwnerID, Name: m.OwnerName, FullName: m.OwnerFullName, Email: m.OwnerEmail, Groups: m.OwnerGroups,
			Roles: []parameters.Role{{Name: "member"}}, LoginType: string(m.OwnerLoginType)},
		Workspace: parameters.Workspace{ID: m.WorkspaceID.String(), Name: m.WorkspaceName, TemplateName: m.TemplateName,
			TemplateVersion: m.TemplateVersion, AccessURL: m.AccessURL}})
	return api.DynamicParametersResponse{Parameters: r.Parameters, Diagnostics: r.Diagnostics}, ctx.Err()
}

// Plan says what a new workspace with these parameters has after a transition.
func (b *Bench) Plan(ctx context.Context, values []api.ParameterValue, t api.Transition) ([]jobrpc.Resource, error) {
	s, done := b.session(ctx)
	defer done()
	job := b.job()
	job.Plan = &jobrpc.PlanWork{TemplateVersionID: api.NewID(), Variables: b.opts.Variables, Parameters: values, Meta: b.meta(t)}
	res, err := b.p.Plan(ctx, job, s)
	if err != nil {
		return nil, plainFailure(err)
	}
	return res.Resources, nil
}

// Check applies the rules of a server to what a template makes.
func (b *Bench) Check(resources []jobrpc.Resource) error { return agents.CheckResources(resources) }

// Close removes the work directory.
func (b *Bench) Close() error {
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
