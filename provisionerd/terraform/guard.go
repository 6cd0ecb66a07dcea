package terraform

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// planFirst plans a build and returns the file of the plan if it may be applied.
func (r *run) planFirst(ctx context.Context, work *jobrpc.BuildWork) (string, error) {
	file := filepath.Join(r.p.tmp, "build.tfplan")
	out, err := r.planTo(ctx, file, work.Meta.Transition)
	if err != nil {
		return "", err
	}
	if work.Guard != nil && len(work.Guard.Persistent) > 0 {
		if err := r.guard(ctx, work, file, out); err != nil {
			return "", err
		}
	}
	if work.Quota && r.s.Quota != nil {
		if err := r.askQuota(ctx, work, file); err != nil {
			return "", err
		}
	}
	return file, nil
}

// askQuota asks whether what the plan makes may cost what it will. A cost that
// only the apply brings to light is counted when the build has succeeded.
func (r *run) askQuota(ctx context.Context, work *jobrpc.BuildWork, file string) error {
	plan, err := r.show(ctx, file)
	if err != nil {
		return err
	}
	resources, err := collect(r.p.graph().managed(plan.PlannedValues), work.Meta.Transition)
	if err != nil {
		return err
	}
	cost := 0
	for _, res := range resources {
		cost += res.DailyCost
	}
	return r.s.Quota(ctx, min(max(cost, 0), jobrpc.MaxDailyCost))
}

// guard refuses a plan that does not leave alone what the build's Guard names.
// Terraform's own account of the plan decides; only if that finds something is the
// plan read in full, for the reasons.
func (r *run) guard(ctx context.Context, work *jobrpc.BuildWork, file string, out *output) error {
	persistent := addressSet(work.Guard.Persistent)
	// What a killed build has left unfinished holds nothing yet.
	lose := func(addr string) bool { return persistent.has(addr) && !r.redo.has(addr) }
	if !slices.ContainsFunc(out.destroyed, lose) {
		return nil
	}
	plan, err := r.show(ctx, file)
	if err != nil {
		return err
	}
	changes, err := changesOf(plan, persistent)
	if err != nil {
		return err
	}
	lost := slices.DeleteFunc(changes, func(c api.ResourceChange) bool {
		return !c.Persistent || r.redo.has(c.Address) || c.Action != api.ResourceDelete && c.Action != api.ResourceReplace
	})
	if len(lost) == 0 {
		return nil // what is left of an earlier replacement
	}
	for _, c := range lost {
		r.note(api.LogError, stagePlan, wordLoss(c))
	}
	return &provisionerd.Failure{Code: jobrpc.CodePersistentResources, Message: lossMessage(lost)}
}

func wordLoss(c api.ResourceChange) string {
	text := c.Address + " would be destroyed"
	if c.Action == api.ResourceReplace {
		text = c.Address + " would be destroyed and made anew"
	}
	if len(c.Reasons) > 0 {
		text += " (because of " + strings.Join(c.Reasons, ", ") + ")"
	}
	return text
}

// maxNamed bounds how many resources the error of a job names.
const maxNamed = 10

func lossMessage(lost []api.ResourceChange) string {
	var parts []string
	for i, c := range lost {
		if i == maxNamed {
			parts = append(parts, "and more")
			break
		}
		parts = append(parts, wordLoss(c))
	}
	return "Nothing was changed, because this build would destroy what a stop keeps: " + strings.Join(parts, "; ") +
		". To build all the same and lose what is in it, confirm with --allow-destroy-persistent (allow_destroy_persistent in the API)."
}
