package client

import (
	"context"
	"net/http"

	"coder.internal/api"
)

// PlanWorkspace starts a job that finds out what a build would do.
func (c *Client) PlanWorkspace(ctx context.Context, workspace api.ID, r api.PlanWorkspaceRequest) (api.WorkspacePlan, error) {
	return write[api.WorkspacePlan](ctx, c, http.MethodPost, path("workspaces", workspace.String(), "plan"), r)
}

// WorkspacePlan returns a plan; its result is there once its job succeeded.
func (c *Client) WorkspacePlan(ctx context.Context, workspace, job api.ID) (api.WorkspacePlan, error) {
	return get[api.WorkspacePlan](ctx, c, path("workspaces", workspace.String(), "plan", job.String()), nil)
}

// FollowPlanLogs is FollowBuildLogs for a plan.
func (c *Client) FollowPlanLogs(ctx context.Context, workspace, job api.ID, after int64, emit func(api.ProvisionerJobLog) error) error {
	return c.followJob(ctx, path("workspaces", workspace.String(), "plan", job.String(), "logs"), after, emit)
}

// ArchiveUnusedVersions archives the versions of a template that nobody uses:
// those whose import failed, with all every one but the active.
func (c *Client) ArchiveUnusedVersions(ctx context.Context, template api.ID, all bool) (api.ArchiveTemplateVersionsResponse, error) {
	return write[api.ArchiveTemplateVersionsResponse](ctx, c, http.MethodPost, path("templates", template.String(), "versions", "archive"),
		api.ArchiveTemplateVersionsRequest{All: all})
}

// CancelDryRun asks a dry run of a version, or the plan of a build, to end.
func (c *Client) CancelDryRun(ctx context.Context, version, job api.ID) error {
	_, err := write[none](ctx, c, http.MethodPatch, path("templateversions", version.String(), "dry-run", job.String(), "cancel"), nil)
	return err
}
