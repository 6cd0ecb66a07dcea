package terraform

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// Plan implements provisionerd.Provisioner: what a build would do. It changes
// neither resources nor the state.
func (p *Provisioner) Plan(ctx context.Context, job *jobrpc.Job, s provisionerd.Session) (*jobrpc.PlanResult, error) {
	work := job.Plan
	r := p.begin(job, work.Meta, s)
	defer r.close()
	// A plan reads no parameter and no state otherwise than a build does.
	build := &jobrpc.BuildWork{State: work.State, Variables: work.Variables, Parameters: work.Parameters,
		PreviousParameters: work.PreviousParameters, Meta: work.Meta}
	seed, err := r.seed(work.State)
	if err != nil {
		return nil, err
	}
	if work.Meta.Transition == api.TransitionDelete && (seed == nil || len(seed.Resources) == 0) {
		r.note(api.LogInfo, stagePlan, "The workspace has no resources; there is nothing to destroy.")
		return &jobrpc.PlanResult{}, nil
	}
	if err := r.ready(ctx, build, seed); err != nil {
		return nil, err
	}
	if err := r.enter(build); err != nil {
		return nil, err
	}
	file := filepath.Join(p.tmp, "plan.tfplan")
	if _, err := r.planTo(ctx, file, work.Meta.Transition); err != nil {
		return nil, err
	}
	plan, err := r.show(ctx, file)
	if err != nil {
		return nil, err
	}
	return r.planned(plan, work)
}

// ready fills the build directory for a build or its plan: the template, the
// state, providers that only the state needs, and the variables.
func (r *run) ready(ctx context.Context, work *jobrpc.BuildWork, seed *rawState) error {
	p := r.p
	if err := r.fill(ctx); err != nil {
		return err
	}
	if seed != nil {
		r.mask.addTokens(seed.agentTokens())
		var state []byte
		var err error
		if state, r.redo, err = unmark(work.State); err != nil {
			return err
		}
		if err := p.as(func() error { return writePrivate(p.stateFile(), state) }); err != nil {
			return fmt.Errorf("write state: %w", err)
		}
		if err := r.initForState(ctx, seed); err != nil {
			return err
		}
	}
	module, _ := p.module(p.build) // terraform itself reports what is wrong
	r.hideSensitive(module, work.Variables)
	types := map[string]string{}
	for name, v := range module.Variables {
		types[name] = v.Type
	}
	return r.writeVariables(work.Variables, types)
}

// enter gives terraform the environment of a build.
func (r *run) enter(work *jobrpc.BuildWork) error {
	env, err := r.p.buildEnv(work)
	if err != nil {
		return &provisionerd.Failure{Message: "The job cannot be run: " + err.Error()}
	}
	if err := r.p.tf.SetEnv(env); err != nil {
		return fmt.Errorf("set environment: %w", err)
	}
	return nil
}

// planTo writes the plan of a transition to a file and returns what terraform
// said about it.
func (r *run) planTo(ctx context.Context, file string, t api.Transition) (*output, error) {
	p := r.p
	out := newOutput(r.s.Log, p.now, stagePlan)
	out.warned = &r.warned
	r.note(api.LogDebug, stagePlan, "Starting terraform.")
	start := p.now()
	err := r.guarded(ctx, func(ctx context.Context) error {
		opts := []tfexec.PlanOption{tfexec.Lock(false), tfexec.Out(file), tfexec.VarFile(p.varFile()), tfexec.Destroy(t == api.TransitionDelete)}
		if t != api.TransitionDelete {
			opts = append(opts, r.replacePlan()...)
		}
		_, err := p.tf.PlanJSON(ctx, out, opts...)
		return err
	})
	r.timings = append(r.timings, jobrpc.Timing{Stage: "plan", Source: "terraform", Action: "plan", Resource: "plan",
		StartedAt: start, EndedAt: p.now()})
	if err != nil {
		return nil, r.explain(ctx, err, out, "terraform plan")
	}
	return out, nil
}

// show reads a plan file.
func (r *run) show(ctx context.Context, file string) (*tfjson.Plan, error) {
	// It would also go where the last command's output went, which is the log.
	r.p.tf.SetStdout(io.Discard)
	var plan *tfjson.Plan
	err := r.guarded(ctx, func(ctx context.Context) (err error) {
		plan, err = r.p.tf.ShowPlanFile(ctx, file)
		return err
	})
	if err != nil {
		return nil, r.explain(ctx, err, newOutput(r.s.Log, r.p.now, stagePlan), "terraform show")
	}
	return plan, nil
}

// planned turns a plan into its result. Agents have no id and no token: nothing
// was made, and those of the state belong to the running workspace.
func (r *run) planned(plan *tfjson.Plan, work *jobrpc.PlanWork) (*jobrpc.PlanResult, error) {
	changes, err := changesOf(plan, addressSet(work.Persistent))
	if err != nil {
		return nil, err
	}
	out := &jobrpc.PlanResult{Changes: changes}
	if work.Meta.Transition == api.TransitionDelete {
		return out, nil
	}
	if out.Resources, err = collect(r.p.graph().managed(plan.PlannedValues), work.Meta.Transition); err != nil {
		return nil, err
	}
	for i := range out.Resources {
		for j := range out.Resources[i].Agents {
			a := &out.Resources[i].Agents[j]
			a.ID, a.Token = "", ""
		}
	}
	return out, nil
}
