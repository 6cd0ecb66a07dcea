package cluster

import (
	"context"
	"crypto/rand"
	"path/filepath"

	"coder.internal/scripts/bench/deploy"
)

// Password of the first user, whose name is admin.
type Password string

// SignIn makes the first user and signs in through the balancer.
func (c *Cluster) SignIn(ctx context.Context) (*deploy.Client, Password, error) {
	password := rand.Text()
	person, err := deploy.Login(ctx, c.opts.Binary, filepath.Join(c.opts.Dir, "person"), c.URL(), password)
	return person, Password(password), err
}

// PushHost makes the starter template "host", whose workspaces are directories
// below that of the cluster.
func (c *Cluster) PushHost(ctx context.Context, person *deploy.Client) error {
	module := filepath.Join(c.opts.Dir, "module")
	if _, err := person.Run(ctx, "templates", "init", "--id", "host", module); err != nil {
		return err
	}
	_, err := person.Run(ctx, "templates", "push", "host", "-d", module, "--variable", "directory="+filepath.Join(c.opts.Dir, "workspaces"), "-y")
	return err
}

// CreateHost makes a workspace of it and waits until its agent is connected.
func (c *Cluster) CreateHost(ctx context.Context, person *deploy.Client, name string) error {
	if _, err := person.Run(ctx, "create", name, "--template", "host", "--use-parameter-defaults", "-y"); err != nil {
		return err
	}
	w, err := person.Workspace(ctx, name)
	if err != nil {
		return err
	}
	_, err = person.Connected(ctx, w.LatestBuild.ID)
	return err
}
