package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"coder.internal/api"
)

// maxState bounds a state that is fetched, in bytes.
const maxState = 64 << 20

// ForceCancelBuild kills a build's processes.
func (c *Client) ForceCancelBuild(ctx context.Context, id api.ID) error {
	_, err := send[none](ctx, c, call{method: http.MethodPatch, path: path("workspacebuilds", id.String(), "cancel"),
		query: url.Values{"force": {"true"}}})
	return err
}

// BuildState returns the newest Terraform state at the time of a build, as
// Terraform wrote it; empty when there was none.
func (c *Client) BuildState(ctx context.Context, id api.ID) ([]byte, error) {
	return c.rawState(ctx, path("workspacebuilds", id.String(), "state"))
}

// UpdateBuildState replaces the state of a build that has ended.
func (c *Client) UpdateBuildState(ctx context.Context, id api.ID, r api.UpdateWorkspaceBuildStateRequest) error {
	_, err := write[none](ctx, c, http.MethodPut, path("workspacebuilds", id.String(), "state"), r)
	return err
}

// BuildStateResources lists what is in that state.
func (c *Client) BuildStateResources(ctx context.Context, id api.ID) ([]api.WorkspaceStateResource, error) {
	return get[[]api.WorkspaceStateResource](ctx, c, path("workspacebuilds", id.String(), "state", "resources"), nil)
}

// BuildStrays lists what late attempts at a build have brought.
func (c *Client) BuildStrays(ctx context.Context, id api.ID) ([]api.WorkspaceBuildStray, error) {
	return get[[]api.WorkspaceBuildStray](ctx, c, path("workspacebuilds", id.String(), "strays"), nil)
}

// StrayState returns the state that one of them brought.
func (c *Client) StrayState(ctx context.Context, build, stray api.ID) ([]byte, error) {
	return c.rawState(ctx, path("workspacebuilds", build.String(), "strays", stray.String(), "state"))
}

func (c *Client) rawState(ctx context.Context, p string) ([]byte, error) {
	r := call{method: http.MethodGet, path: p}
	resp, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := readLimited(resp.Body, maxState)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	return b, nil
}
