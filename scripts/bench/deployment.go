package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

const (
	templateName  = "host"
	workspaceName = "bench"
	appSuffix     = ".apps.localhost.example" // of the hosts of applications; no resolver is asked
)

// deployment is the server that most groups share, with the starter template and
// one running workspace.
type deployment struct {
	server    *deploy.Server
	client    *deploy.Client
	module    string // directory of the template
	data      string // where its workspaces are
	workspace api.Workspace
}

// deployment starts the shared server the first time.
func (b *bench) deployment(ctx context.Context) (*deployment, error) {
	if b.shared != nil {
		return b.shared, nil
	}
	dir, err := b.sub("server")
	if err != nil {
		return nil, err
	}
	d := &deployment{module: filepath.Join(b.dir, "module"), data: filepath.Join(b.dir, "workspaces")}
	if d.server, err = deploy.Start(ctx, b.binary, dir, "CODER_WILDCARD_ACCESS_URL=*"+appSuffix); err != nil {
		return nil, err
	}
	if err := d.fill(ctx, b.binary, filepath.Join(b.dir, "person")); err != nil {
		return nil, errors.Join(err, d.server.Stop())
	}
	b.shared = d
	return d, nil
}

// fill makes the first user, the template and the workspace.
func (d *deployment) fill(ctx context.Context, binary, home string) error {
	var err error
	if d.client, err = deploy.Login(ctx, binary, home, d.server.URL, rand.Text()); err != nil {
		return err
	}
	if _, err := d.client.Run(ctx, "templates", "init", "--id", "host", d.module); err != nil {
		return err
	}
	if err := d.push(ctx); err != nil {
		return err
	}
	if _, err := d.client.Run(ctx, "create", workspaceName, "--template", templateName, "--use-parameter-defaults", "-y"); err != nil {
		return err
	}
	if d.workspace, err = d.client.Workspace(ctx, workspaceName); err != nil {
		return err
	}
	_, err = d.client.Connected(ctx, d.workspace.LatestBuild.ID)
	return err
}

func (d *deployment) push(ctx context.Context) error {
	_, err := d.client.Run(ctx, "templates", "push", templateName, "-d", d.module, "--variable", "directory="+d.data, "-y")
	return err
}

// started makes sure that the workspace runs and its agent is connected.
func (d *deployment) started(ctx context.Context) error {
	w, err := d.client.Workspace(ctx, workspaceName)
	if err != nil {
		return err
	}
	d.workspace = w
	if w.LatestBuild.Status != api.WorkspaceRunning {
		build, _, err := d.client.Build(ctx, w.ID, api.TransitionStart)
		if err != nil {
			return err
		}
		d.workspace.LatestBuild = build
	}
	_, err = d.client.Connected(ctx, d.workspace.LatestBuild.ID)
	return err
}

// plain returns the same module for terraform alone, with the same provider and
// env added to its environment.
func (b *bench) plain(d *deployment, env ...string) (*plain.Terraform, error) {
	name := b.unique("terraform")
	dir, err := b.sub(name)
	if err != nil {
		return nil, err
	}
	mirror, err := findMirror(d.server.Dir)
	if err != nil {
		return nil, err
	}
	binary, err := terraformPath()
	if err != nil {
		return nil, err
	}
	return &plain.Terraform{Binary: binary, Module: d.module, Mirror: mirror, Dir: dir, Path: envPath(), Env: env,
		Vars: map[string]string{"directory": filepath.Join(dir, "workspaces")}}, nil
}

// findMirror finds the provider mirror that the server made: the directory above
// registry.terraform.io/coder/coder. Other uses of that path, such as the
// directories of initialised templates, are passed over.
func findMirror(dir string) (string, error) {
	found := ""
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // a file that went meanwhile, or one of Postgres
		}
		if entry.IsDir() && slices.Contains([]string{".terraform", "postgres", "home"}, entry.Name()) && path != dir {
			return fs.SkipDir
		}
		if entry.Name() == "registry.terraform.io" {
			found = filepath.Dir(path)
			return fs.SkipAll
		}
		return nil
	})
	if err == nil && found == "" {
		err = errors.New("no provider mirror in it")
	}
	if err != nil {
		return "", fmt.Errorf("server's directory %s: %w", dir, err)
	}
	return found, nil
}

// agentTree lists the processes of the workspace's agent: those whose
// environment names its directory and whose parent is not among them, with all
// their descendants.
func (d *deployment) agentTree(ctx context.Context) ([]int, error) {
	var tree []int
	mark := "HOST_WORKSPACE=" + d.workspace.ID.String()
	err := proc.Until(ctx, "the agent's process", 20*time.Millisecond, 10*time.Second, func() (bool, error) {
		pids, err := proc.Marked(mark)
		if err != nil {
			return false, err
		}
		tree = tree[:0]
		for _, pid := range pids {
			sub, err := proc.Tree(pid)
			if err != nil {
				return false, err
			}
			tree = append(tree, sub...)
		}
		slices.Sort(tree)
		tree = slices.Compact(tree)
		return len(tree) > 0, nil
	})
	return tree, err
}
