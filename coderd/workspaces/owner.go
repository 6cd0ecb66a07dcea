package workspaces

import (
	"context"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// fillOwner adds to m what the template reads of the workspace's owner: roles,
// and, only where its source speaks of them, the session token and the SSH key.
func (s *Service) fillOwner(ctx context.Context, q *database.Queries, b database.GetWorkOfBuildRow, m *jobrpc.Meta) error {
	var err error
	if m.OwnerRoles, err = rolesOf(ctx, q, b.User); err != nil {
		return err
	}
	wanted := b.UsesOwnerSession && b.Transition == string(api.TransitionStart)
	if m.OwnerSession, err = auth.RenewWorkspaceSession(ctx, q, b.WorkspaceID, b.User, wanted); err != nil {
		return err
	}
	if !b.UsesOwnerSshKey {
		return nil
	}
	key, private, err := users.SSHKey(ctx, q, s.opts.Ring, b.User)
	m.OwnerSSHPublic, m.OwnerSSHPrivate = key.PublicKey, private
	return err
}
