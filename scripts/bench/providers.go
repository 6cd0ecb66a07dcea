package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

// atOnce is how many builds are started together, parallel how many run.
const (
	atOnce   = 50
	parallel = 3
)

// three is a template with three providers: ours and two from a mirror.
const three = `terraform {
  required_providers {
    coder  = { source = "coder/coder" }
    random = { source = "hashicorp/random" }
    time   = { source = "hashicorp/time" }
  }
}
data "coder_workspace" "me" {}
resource "random_pet" "name" {}
resource "time_static" "made" {}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = "${coder_agent.main.token} ${random_pet.name.id} ${time_static.made.id}"
}
`

// site is a server with a provider mirror and the template three.
type site struct {
	server *deploy.Server
	client *deploy.Client
	module string
	mirror string // with coder/coder, for terraform alone
}

// site starts one; the caller stops its server.
func (b *bench) site(ctx context.Context) (*site, error) {
	out, err := proc.Run(ctx, proc.Spec{Path: "scripts/providers.sh", Args: []string{"random", "time"}, Env: os.Environ()})
	if err != nil {
		return nil, fmt.Errorf("build providers: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out.Stdout)), "\n")
	providers := lines[len(lines)-1]
	dir, err := b.sub(b.unique("site"))
	if err != nil {
		return nil, err
	}
	s := &site{module: filepath.Join(dir, "three"), mirror: filepath.Join(dir, "mirror")}
	if err := writeFiles(s.module, map[string]string{"main.tf": three}); err != nil {
		return nil, err
	}
	if s.server, err = deploy.Start(ctx, b.binary, filepath.Join(dir, "server"),
		"CODER_PROVISIONER_MIRROR="+providers, "CODER_PROVISIONER_DAEMONS="+strconv.Itoa(parallel)); err != nil {
		return nil, err
	}
	if err := s.fill(ctx, b.binary, dir, providers); err != nil {
		return nil, errors.Join(err, s.server.Stop())
	}
	return s, nil
}

func (s *site) fill(ctx context.Context, binary, dir, providers string) error {
	var err error
	if s.client, err = deploy.Login(ctx, binary, filepath.Join(dir, "person"), s.server.URL, rand.Text()); err != nil {
		return err
	}
	if err := s.push(ctx, "three", s.module); err != nil {
		return err
	}
	own, err := findMirror(s.server.Dir)
	if err != nil {
		return err
	}
	const host = "registry.terraform.io"
	return errors.Join( // Terraform follows links to packages only
		os.CopyFS(filepath.Join(s.mirror, host, "coder"), os.DirFS(filepath.Join(own, host, "coder"))),
		os.CopyFS(filepath.Join(s.mirror, host, "hashicorp"), os.DirFS(filepath.Join(providers, host, "hashicorp"))))
}

func (s *site) push(ctx context.Context, name, dir string) error {
	_, err := s.client.Run(ctx, "templates", "push", name, "-d", dir, "-y")
	return err
}

// terraform returns the module of a directory for terraform alone.
func (s *site) terraform(b *bench, module string, env ...string) (*plain.Terraform, error) {
	dir, err := b.sub(b.unique("terraform"))
	if err != nil {
		return nil, err
	}
	binary, err := terraformPath()
	if err != nil {
		return nil, err
	}
	return &plain.Terraform{Binary: binary, Module: module, Mirror: s.mirror, Dir: dir, Path: envPath(), Env: env}, nil
}

func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// create makes a workspace of the template three.
func (s *site) create(ctx context.Context, name string) (api.ID, error) {
	if _, err := s.client.Run(ctx, "create", name, "--template", "three", "--use-parameter-defaults", "-y"); err != nil {
		return api.ID{}, err
	}
	w, err := s.client.Workspace(ctx, name)
	return w.ID, err
}

// threeProviders measures the builds of a workspace beside the same by hand.
func (b *bench) threeProviders(ctx context.Context) (err error) {
	s, err := b.site(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Stop()) }()
	w, err := s.create(ctx, "life")
	if err != nil {
		return err
	}
	if _, _, err := s.client.Build(ctx, w, api.TransitionStop); err != nil {
		return err
	}
	var bare [2]*plain.Terraform
	for i, env := range [][]string{{plain.NoPluginTLS}, nil} {
		if bare[i], err = s.terraform(b, s.module, env...); err != nil {
			return err
		}
	}
	sides := func(plainly string, t api.Transition) []contender {
		return []contender{single(string(t)+" build", func(ctx context.Context) (time.Duration, error) {
			done, _, err := s.client.Build(ctx, w, t)
			if err != nil {
				return 0, err
			}
			return deploy.JobTime(done.Job)
		}), byHand(bare[0], plainly), byHand(bare[1], plainly)}
	}
	values, err := rounds(ctx, b.n, 1, append(sides(plain.Start, api.TransitionStart), sides(plain.Stop, api.TransitionStop)...)...)
	if err != nil {
		return err
	}
	last, err := rounds(ctx, 1, 0, sides(plain.Delete, api.TransitionDelete)...)
	if err != nil {
		return err
	}
	emit := func(name, verb string, v [][]series) error {
		ref := v[1][0].side("terraform init + " + verb + ", environment of the provisioner (no plugin TLS)")
		f := newFigure(name+" build with three providers, job", "s", v[0][0], &ref, atMostTimes(0.8))
		f.Also = []side{v[2][0].side("terraform init + " + verb + ", as a person types it")}
		return b.emit(f)
	}
	return errors.Join(emit("start", "apply", values[:3]), emit("stop", "apply", values[3:]), emit("delete", "destroy", last))
}

// fiveModules measures the import of a template that calls five local modules.
func (b *bench) fiveModules(ctx context.Context) (err error) {
	s, err := b.site(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Stop()) }()
	dir, err := b.sub("five")
	if err != nil {
		return err
	}
	files, main := map[string]string{}, three
	for i := range 5 {
		n := strconv.Itoa(i)
		main += "module \"m" + n + "\" {\n  source = \"./m" + n + "\"\n  token  = coder_agent.main.token\n}\n"
		files["m"+n+"/main.tf"] = "variable \"token\" {}\nresource \"terraform_data\" \"it\" {\n  input = var.token\n}\n"
	}
	files["main.tf"] = main
	if err := writeFiles(dir, files); err != nil {
		return err
	}
	tf, err := s.terraform(b, dir, plain.NoPluginTLS)
	if err != nil {
		return err
	}
	values, err := rounds(ctx, b.n, 1,
		single("import", func(ctx context.Context) (time.Duration, error) { return s.importOnce(ctx, dir, b.unique("round")) }),
		single("terraform init + plan", tf.Plan))
	if err != nil {
		return err
	}
	ref := values[1][0].side("terraform init + plan, no plugin TLS")
	return b.emit(newFigure("import of a template with five modules, job", "s", values[0][0], &ref))
}

func (s *site) importOnce(ctx context.Context, dir, note string) (time.Duration, error) {
	if err := os.WriteFile(filepath.Join(dir, "round.txt"), []byte(note), 0o644); err != nil {
		return 0, err
	}
	if err := s.push(ctx, "five", dir); err != nil {
		return 0, err
	}
	var all []api.Template
	if err := s.client.Get(ctx, "/api/v2/templates", &all); err != nil {
		return 0, err
	}
	for _, t := range all {
		if t.Name != "five" {
			continue
		}
		var v api.TemplateVersion
		if err := s.client.Get(ctx, "/api/v2/templateversions/"+t.ActiveVersionID.String(), &v); err != nil {
			return 0, err
		}
		return deploy.JobTime(v.Job)
	}
	return 0, fmt.Errorf("the template: %w", fs.ErrNotExist)
}

// each calls f for 0 to n-1, width at a time, and joins the errors.
func each(n, width int, f func(i int) error) error {
	var mu sync.Mutex
	var all error
	todo := make(chan int)
	var wg sync.WaitGroup
	for range width {
		wg.Go(func() {
			for i := range todo {
				if err := f(i); err != nil {
					mu.Lock()
					all = errors.Join(all, err)
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		todo <- i
	}
	close(todo)
	wg.Wait()
	return all
}
