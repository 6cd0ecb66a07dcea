package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/plain"
)

func isPostgres(arg0 string) bool {
	return strings.HasPrefix(arg0, "postgres:") || filepath.Base(arg0) == "postgres"
}

// imports measures the import job of a new template version beside init and
// plan of the same module.
func (b *bench) imports(ctx context.Context) error {
	d, err := b.deployment(ctx)
	if err != nil {
		return err
	}
	tf, err := b.plain(d, plain.NoPluginTLS)
	if err != nil {
		return err
	}
	values, err := rounds(ctx, b.n, 0,
		contender{"import", func(ctx context.Context) ([]float64, error) { return b.importOnce(ctx, d) }},
		single("terraform init + plan", tf.Plan))
	if err != nil {
		return err
	}
	ref := values[1][0].side("terraform init + plan")
	if err := b.emit(newFigure("template import job", "s", values[0][0], &ref, atMost(0.75))); err != nil {
		return err
	}
	return b.emit(newFigure("coder templates push", "s", values[0][1], &ref))
}

// importOnce pushes an archive that no version has, so that nothing of it is
// initialised, and returns the times of its job and of the command.
func (b *bench) importOnce(ctx context.Context, d *deployment) ([]float64, error) {
	if err := os.WriteFile(filepath.Join(d.module, "round.txt"), []byte(b.unique("round")), 0o600); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := d.push(ctx); err != nil {
		return nil, err
	}
	took := time.Since(start)
	w, err := d.client.Workspace(ctx, workspaceName)
	if err != nil {
		return nil, err
	}
	var v api.TemplateVersion
	if err := d.client.Get(ctx, "/api/v2/templateversions/"+w.TemplateActiveVersionID.String(), &v); err != nil {
		return nil, err
	}
	job, err := deploy.JobTime(v.Job)
	return []float64{seconds(job), seconds(took)}, err
}

// builds measures start and stop builds of one workspace beside the same life
// of the same module by hand, and how soon the agent is there.
func (b *bench) builds(ctx context.Context) error {
	d, err := b.deployment(ctx)
	if err != nil {
		return err
	}
	ours, err := b.own(ctx, d)
	if err != nil {
		return err
	}
	var bare [3]*plain.Terraform
	for i, env := range [][]string{{plain.NoPluginTLS}, nil, {plain.NoPluginTLS}} {
		if bare[i], err = b.plain(d, env...); err != nil {
			return err
		}
	}
	sides := func(plainly string, t api.Transition) []contender {
		return []contender{
			{string(t) + " build", func(ctx context.Context) ([]float64, error) { return build(ctx, d, ours, t) }},
			byHand(bare[0], plainly), byHand(bare[1], plainly), atFloor(bare[2], plainly)}
	}
	values, err := rounds(ctx, b.n, 1, append(sides(plain.Start, api.TransitionStart), sides(plain.Stop, api.TransitionStop)...)...)
	if err != nil {
		return err
	}
	last, err := rounds(ctx, 1, 0, sides(plain.Delete, api.TransitionDelete)...)
	if err != nil {
		return err
	}
	return errors.Join(
		b.emitBuild("start", "apply", values[:4]),
		b.emit(newFigure("end of build to agent connected", "s", values[0][2], nil, atMost(0.05))),
		b.emitBuild("stop", "apply", values[4:]),
		b.emitBuild("delete", "destroy", last))
}

// byHand is init and one command: both, and init alone.
func byHand(tf *plain.Terraform, transition string) contender {
	return contender{"terraform", func(ctx context.Context) ([]float64, error) {
		both, init, err := tf.Build(ctx, transition)
		return []float64{seconds(both), seconds(init)}, err
	}}
}

func atFloor(tf *plain.Terraform, transition string) contender {
	return single("terraform", func(ctx context.Context) (time.Duration, error) { return tf.Floor(ctx, transition) })
}

// emitBuild prints the figures of one transition: values are ours, the same by
// terraform alone in the environment of the provisioner, the same as a person
// would run it, and the floor.
func (b *bench) emitBuild(name, verb string, values [][]series) error {
	ref := values[1][0].side("terraform init + " + verb + ", environment of the provisioner (no plugin TLS)")
	also := []side{values[1][1].side("of that init"),
		values[2][0].side("terraform init + " + verb + ", plugin TLS as by default"),
		values[3][0].side("floor: " + verb + " alone, initialised before, no checksums, no plugin TLS")}
	job := newFigure(name+" build, job", "s", values[0][0], &ref, atMostTimes(1.0))
	wall := newFigure(name+" build, request to end", "s", values[0][1], &ref)
	job.Also, wall.Also = also, also
	return errors.Join(b.emit(job), b.emit(wall))
}

// own makes a stopped workspace for the builds.
func (b *bench) own(ctx context.Context, d *deployment) (api.ID, error) {
	name := b.unique("build")
	if _, err := d.client.Run(ctx, "create", name, "--template", templateName, "--use-parameter-defaults", "-y"); err != nil {
		return api.ID{}, err
	}
	w, err := d.client.Workspace(ctx, name)
	if err != nil {
		return api.ID{}, err
	}
	_, err = build(ctx, d, w.ID, api.TransitionStop)
	return w.ID, err
}

// build returns the times of the job and from request to end, and for a start
// the time from the end of the job to the first connection of the agent.
func build(ctx context.Context, d *deployment, w api.ID, t api.Transition) ([]float64, error) {
	done, wall, err := d.client.Build(ctx, w, t)
	if err != nil {
		return nil, err
	}
	job, err := deploy.JobTime(done.Job)
	if err != nil || t != api.TransitionStart {
		return []float64{seconds(job), seconds(wall)}, err
	}
	agent, err := d.client.Connected(ctx, done.ID)
	if err != nil {
		return nil, err
	}
	return []float64{seconds(job), seconds(wall), seconds(agent.FirstConnectedAt.Sub(*done.Job.CompletedAt))}, nil
}
