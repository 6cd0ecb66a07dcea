package client

import (
	"context"
	"net/http"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// GitSSHKey returns the public half of a user's Git SSH key.
func (c *Client) GitSSHKey(ctx context.Context, user string) (api.GitSSHKey, error) {
	return get[api.GitSSHKey](ctx, c, path("users", user, "gitsshkey"), nil)
}

// ResetGitSSHKey replaces the Git SSH key of a user.
func (c *Client) ResetGitSSHKey(ctx context.Context, user string) (api.GitSSHKey, error) {
	return write[api.GitSSHKey](ctx, c, http.MethodPut, path("users", user, "gitsshkey"), nil)
}

// GitSSHKey fetches the key pair of the workspace's owner.
func (c *AgentClient) GitSSHKey(ctx context.Context) (agentrpc.GitKeyPair, error) {
	ctx, cancel := context.WithTimeout(ctx, agentCallTimeout)
	defer cancel()
	var k agentrpc.GitKeyPair
	err := c.call(ctx, http.MethodGet, agentrpc.PathGitSSHKey, nil, &k)
	return k, err
}
