package terraform

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// Build implements provisionerd.Provisioner: one transition of a workspace, by
// one terraform process; one that is guarded or may cost too much takes more.
func (p *Provisioner) Build(ctx context.Context, job *jobrpc.Job, s provisionerd.Session) (*jobrpc.BuildResult, error) {
	work := job.Build
	r := p.begin(job, work.Meta, s)
	defer r.close()
	seed, err := r.seed(work.State)
	if err != nil {
		return nil, err
	}
	if work.Meta.Transition == api.TransitionDelete && (seed == nil || len(seed.Resources) == 0) {
		r.note(api.LogInfo, stageClean, "The workspace has no resources; there is nothing to destroy.")
		return &jobrpc.BuildResult{}, p.Discard()
	}
	if err := r.ready(ctx, work, seed); err != nil {
		return nil, err
	}
	if err := r.apply(ctx, work); err != nil {
		return nil, err
	}
	result, err := r.built(work)
	if err == nil && work.Meta.Transition != api.TransitionStart {
		// What was allowed to live on ends with its workspace at the latest.
		p.corral.endWorkspace(work.Meta.WorkspaceID.String())
	}
	return result, err
}

// seed checks the saved state.
func (r *run) seed(state []byte) (*rawState, error) {
	if len(state) == 0 {
		return nil, nil //nolint:nilnil // no state is a state
	}
	seed, err := parseState(state)
	if err != nil {
		return nil, &provisionerd.Failure{Message: "The saved state of the workspace cannot be used: " + err.Error()}
	}
	return seed, nil
}

// applyOnce runs terraform and hands over its states. What it made is never lost:
// also when it fails or is killed, the last look comes after its end.
func (r *run) applyOnce(ctx context.Context, work *jobrpc.BuildWork) error {
	p := r.p
	if err := r.enter(work); err != nil {
		return err
	}
	stage, plan := stagePlan, ""
	switch {
	case work.Meta.Transition == api.TransitionDelete:
		stage = stageClean
	case work.Quota && r.s.Quota != nil || work.Guard != nil && len(work.Guard.Persistent) > 0:
		var err error
		if plan, err = r.planFirst(ctx, work); err != nil {
			return err
		}
		stage = stageApply
	}
	out := newOutput(r.s.Log, p.now, stage)
	out.debug, out.creating, out.warned = work.Debug, p.unfinished, &r.warned
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() { defer close(watched); p.watch(watching, r.s) }()
	r.note(api.LogDebug, stage, "Starting terraform.")
	start := p.now()
	err := r.guarded(ctx, func(ctx context.Context) error {
		vars := tfexec.VarFile(p.varFile())
		switch {
		case work.Meta.Transition == api.TransitionDelete:
			return p.tf.DestroyJSON(ctx, out, vars, tfexec.Lock(false))
		case plan != "":
			return p.tf.ApplyJSON(ctx, out, tfexec.DirOrPlan(plan), tfexec.Lock(false))
		}
		return p.tf.ApplyJSON(ctx, out, append(r.replaceApply(), vars, tfexec.Lock(false))...)
	})
	stop()
	<-watched
	r.rescue(out.dumped)
	r.time(out, start, plan != "")
	if err != nil {
		return r.explain(ctx, err, out, "terraform")
	}
	return nil
}

// rescue hands over a state that Terraform could only print. It does so at its very
// end, so that no other is newer.
func (r *run) rescue(dumped []byte) {
	state, err := parseState(dumped)
	if err != nil { // none was printed, or not a whole one
		return
	}
	b, _ := r.p.unfinished.mark(dumped)
	r.s.State(b, state.agentTokens())
}

// time keeps the measured steps: the two phases of the process, or its only one
// where the plan was made before, and each resource.
func (r *run) time(out *output, start time.Time, hadPlan bool) {
	end := r.p.now()
	if hadPlan {
		r.timings = append(r.timings, jobrpc.Timing{Stage: "apply", Source: "terraform", Action: "apply", Resource: "apply", StartedAt: start, EndedAt: end})
		r.timings = append(r.timings, out.timings...)
		return
	}
	planned := out.planDone
	if planned.IsZero() {
		planned = end
	}
	r.timings = append(r.timings,
		jobrpc.Timing{Stage: "plan", Source: "terraform", Action: "plan", Resource: "plan", StartedAt: start, EndedAt: planned},
		jobrpc.Timing{Stage: "apply", Source: "terraform", Action: "apply", Resource: "apply", StartedAt: planned, EndedAt: end})
	r.timings = append(r.timings, out.timings...)
}

// built reads the outcome from the state itself.
func (r *run) built(work *jobrpc.BuildWork) (*jobrpc.BuildResult, error) {
	if work.Meta.Transition == api.TransitionDelete {
		return &jobrpc.BuildResult{Timings: r.timings}, nil
	}
	b, state := r.p.readState()
	if state == nil {
		return nil, errNoState
	}
	nodes, err := state.nodes()
	if err != nil {
		return nil, err
	}
	resources, err := collect(nodes, work.Meta.Transition)
	if err != nil {
		return nil, err
	}
	return &jobrpc.BuildResult{State: b, Resources: resources, Timings: r.timings,
		HasExternalAgent: hasExternalAgent(nodes)}, nil
}

// initForState initialises again when the state needs providers that the
// template does not name any more, for example after an update of the workspace.
func (r *run) initForState(ctx context.Context, state *rawState) error {
	providers := filepath.Join(r.p.build, ".terraform", "providers")
	missing := false
	for addr := range state.providers() {
		if _, err := r.p.resolve(filepath.Join(providers, filepath.FromSlash(addr))); err != nil {
			missing = true
		}
	}
	if !missing {
		return nil
	}
	// The link into the store goes; this build gets providers of its own.
	if err := r.p.as(func() error { return removeAll(providers) }); err != nil {
		return err
	}
	return r.init(ctx, slices.Collect(maps.Keys(state.providers())))
}
