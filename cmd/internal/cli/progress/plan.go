package progress

import (
	"context"
	"io"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Plan follows the plan of a workspace to its end and returns it with its result.
func Plan(ctx context.Context, env *cli.Env, c *client.Client, workspace api.ID, p api.WorkspacePlan, w io.Writer) (api.WorkspacePlan, error) {
	f := follower{env: env, w: w, live: env.Live(w)}
	f.queued(p.Job)
	if err := c.FollowPlanLogs(ctx, workspace, p.Job.ID, 0, f.line); err != nil {
		f.clear()
		return p, err
	}
	err := untilDone(ctx, env, func() (api.ProvisionerJob, error) {
		var err error
		p, err = c.WorkspacePlan(ctx, workspace, p.Job.ID)
		return p.Job, err
	})
	if err != nil {
		f.clear()
		return p, err
	}
	return p, f.finish(p.Job, "The plan")
}
