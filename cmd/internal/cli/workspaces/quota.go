package workspaces

import (
	"context"
	"fmt"
	"io"

	"coder.internal/api"
	"coder.internal/api/client"
)

// saysQuota tells, before a person decides, what a build of a version adds to what
// their budget allows. now is what the workspace costs already. Where the
// organization has no limits, or the server does not say, it tells nothing: the
// build itself is checked in any case.
func saysQuota(ctx context.Context, out io.Writer, c *client.Client, org, owner string, version api.ID, now int) {
	q, err := c.WorkspaceQuota(ctx, org, owner)
	if err != nil || q.Budget == api.NoQuota {
		return
	}
	resources, err := c.TemplateVersionResources(ctx, version)
	if err != nil {
		return
	}
	cost := 0
	for _, r := range resources {
		if r.Transition == api.TransitionStart {
			cost += r.DailyCost
		}
	}
	fmt.Fprintln(out, wordQuota(q, cost, now))
}

// wordQuota speaks of what the template planned; parameters may change that.
func wordQuota(q api.WorkspaceQuota, cost, now int) string {
	text := fmt.Sprintf("Quota: %d of %d used a day", q.CreditsConsumed, q.Budget)
	switch after := q.CreditsConsumed - now + cost; {
	case cost > now && after > q.Budget:
		more := ""
		if now > 0 {
			more = " more" // than the workspace costs already
		}
		return fmt.Sprintf("%s. This needs about %d%s, but %d are left: the build will probably be refused. %s", text, cost-now, more,
			max(q.Budget-q.CreditsConsumed, 0), moreQuota(q.CreditsConsumed > now))
	case after != q.CreditsConsumed:
		return fmt.Sprintf("%s, about %d with this build.", text, after)
	}
	return text + "; this build adds nothing."
}

// moreQuota is what a person can do; others says that other workspaces cost something.
func moreQuota(others bool) string {
	if others {
		return "Delete a workspace that you do not need, or ask an administrator for a larger allowance."
	}
	return "Ask an administrator for a larger allowance."
}
