package server

import (
	"context"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/templates"
	"coder.internal/cmd/internal/serve"
)

// TestTemplate runs the provisioner of a server in this process, for `templates
// test`.
func TestTemplate(env *cli.Env) templates.Tester {
	return func(ctx context.Context, setup templates.TestSetup) (templates.Workbench, error) {
		b, err := serve.NewBench(ctx, serve.BenchOptions{Getenv: env.Getenv, Executable: env.Executable,
			Archive: setup.Archive, Variables: setup.Variables, Log: setup.Log})
		if err != nil {
			return nil, err // not a nil *Bench in an interface
		}
		return b, nil
	}
}
