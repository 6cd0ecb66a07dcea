package workspaces

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/keys"
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
	m.OwnerSSHPublic, m.OwnerSSHPrivate, err = s.sshKey(ctx, q, b.User.ID)
	return err
}

// sshKey returns the key pair of a user and makes it at its first use.
func (s *Service) sshKey(ctx context.Context, q *database.Queries, user api.ID) (string, api.Secret, error) {
	row, err := q.GetGitSSHKey(ctx, user)
	if database.IsNotFound(err) {
		public, private, kerr := keys.NewSSHKey()
		if kerr != nil {
			return "", "", kerr
		}
		sealed, kerr := s.opts.Ring.Seal([]byte(private.Reveal()))
		if kerr != nil {
			return "", "", fmt.Errorf("seal ssh key of user %s: %w", user, kerr)
		}
		if err := q.InsertGitSSHKey(ctx, database.InsertGitSSHKeyParams{UserID: user, PublicKey: public, PrivateKey: sealed}); err != nil {
			return "", "", fmt.Errorf("insert ssh key of user %s: %w", user, err)
		}
		row, err = q.GetGitSSHKey(ctx, user)
	}
	if err != nil {
		return "", "", fmt.Errorf("load ssh key of user %s: %w", user, err)
	}
	private, err := s.opts.Ring.Open(row.PrivateKey)
	if err != nil {
		return "", "", fmt.Errorf("decrypt ssh key of user %s: %w", user, err)
	}
	return row.PublicKey, api.Secret(private), nil
}
