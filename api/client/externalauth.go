package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// ExternalAuths lists what the caller can sign in to, and has.
func (c *Client) ExternalAuths(ctx context.Context) (api.ListUserExternalAuthResponse, error) {
	return get[api.ListUserExternalAuthResponse](ctx, c, path("external-auth"), nil)
}

// TemplateVersionExternalAuth lists what a version asks its users to sign in to.
func (c *Client) TemplateVersionExternalAuth(ctx context.Context, id api.ID) ([]api.TemplateVersionExternalAuth, error) {
	return get[[]api.TemplateVersionExternalAuth](ctx, c, path("templateversions", id.String(), "external-auth"), nil)
}

// ExternalAuthQuery says which token an agent asks for: by Match, the URL that Git
// names, or by the ID of a provider. Listen waits for the owner to sign in.
type ExternalAuthQuery struct {
	Match, ID string
	Listen    bool
}

// ExternalAuth asks for a token of the workspace's owner. With Listen it blocks for
// agentrpc.ExternalAuthHold seconds or a little more; api.CodeUnavailable then
// means that it is to be asked again.
func (c *AgentClient) ExternalAuth(ctx context.Context, q ExternalAuthQuery) (agentrpc.ExternalAuthResponse, error) {
	limit, v := agentCallTimeout, url.Values{}
	if q.Match != "" {
		v.Set("match", q.Match)
	}
	if q.ID != "" {
		v.Set("id", q.ID)
	}
	if q.Listen {
		v.Set("listen", "true")
		limit += agentrpc.ExternalAuthHold * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var out agentrpc.ExternalAuthResponse
	err := c.call(ctx, http.MethodGet, agentrpc.PathExternalAuth+"?"+v.Encode(), nil, &out)
	return out, err
}

// UnlinkExternalAuth forgets the caller's sign-in to a provider.
func (c *Client) UnlinkExternalAuth(ctx context.Context, id string) (api.DeleteExternalAuthResponse, error) {
	return write[api.DeleteExternalAuthResponse](ctx, c, http.MethodDelete, path("external-auth", id), nil)
}
