package agents

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// HandleGitSSHKey answers GET /workspaceagents/me/gitsshkey: the key pair of the
// workspace's owner. An agent with api_key_scope no_user_data does not get it,
// nor does one whose owner is suspended.
func (s *Service) HandleGitSSHKey(ctx context.Context, _ *struct{}) (*httpapi.Out[agentrpc.GitKeyPair], error) {
	caller := httpmw.AgentFrom(ctx)
	var out agentrpc.GitKeyPair
	err := s.db.InTx(ctx, func(q *database.Queries) error {
		row, err := q.GetWorkspaceAgent(ctx, caller.ID)
		if err != nil {
			return fmt.Errorf("load agent %s: %w", caller.ID, err)
		}
		if row.WorkspaceAgent.ApiKeyScope != "all" {
			return &api.Error{Code: api.CodeForbidden, Message: "The template keeps the owner's data from this agent " +
				"(api_key_scope = \"no_user_data\"), so it gets no Git SSH key. Use a key of your own in the workspace."}
		}
		owner, err := q.GetUser(ctx, caller.OwnerID)
		if err != nil {
			return fmt.Errorf("load owner of workspace %s: %w", caller.WorkspaceID, err)
		}
		if owner.Status == string(api.UserSuspended) {
			return &api.Error{Code: api.CodeForbidden, Message: "The owner of this workspace is suspended. Ask an administrator."}
		}
		key, private, err := users.SSHKey(ctx, q, s.opts.Ring, owner)
		out = agentrpc.GitKeyPair{PublicKey: key.PublicKey, PrivateKey: private}
		return err
	})
	if err != nil {
		return nil, err
	}
	return httpapi.OK(out), nil
}
