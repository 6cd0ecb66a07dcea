package main

import (
	"context"
	"errors"
	"time"

	"coder.internal/scripts/bench/plain"
)

// create measures `coder create`, and from its start to the end of a first
// command in the workspace, beside a new life of the module by hand.
func (b *bench) create(ctx context.Context) error {
	d, err := b.deployment(ctx)
	if err != nil {
		return err
	}
	values, err := rounds(ctx, b.n, 0,
		contender{"coder create", func(ctx context.Context) ([]float64, error) { return b.createOnce(ctx, d) }},
		contender{"terraform init + apply", func(ctx context.Context) ([]float64, error) {
			tf, err := b.plain(d, plain.NoPluginTLS)
			if err != nil {
				return nil, err
			}
			made, _, err := tf.Build(ctx, plain.Start)
			if err != nil {
				return nil, err
			}
			gone, _, err := tf.Build(ctx, plain.Delete)
			return []float64{seconds(made), seconds(gone)}, err
		}})
	if err != nil {
		return err
	}
	made, gone := values[1][0].side("terraform init + apply"), values[1][1].side("terraform init + destroy")
	return errors.Join(
		b.emit(newFigure("coder create", "s", values[0][0], &made, atMost(0.7))),
		b.emit(newFigure("coder create to the end of coder ssh WS true", "s", values[0][1], &made, atMost(0.9))),
		b.emit(newFigure("coder delete", "s", values[0][2], &gone, atMost(0.65))))
}

// createOnce makes a workspace, runs a command in it and deletes it.
func (b *bench) createOnce(ctx context.Context, d *deployment) ([]float64, error) {
	name := b.unique("new")
	start := time.Now()
	if _, err := d.client.Run(ctx, "create", name, "--template", templateName, "--use-parameter-defaults", "-y"); err != nil {
		return nil, err
	}
	created := time.Since(start)
	if _, err := d.client.Run(ctx, "ssh", name, "true"); err != nil {
		return nil, err
	}
	reached := time.Since(start)
	gone, err := d.client.Run(ctx, "delete", name, "-y")
	return []float64{seconds(created), seconds(reached), seconds(gone.Wall)}, err
}
