package workspaces

import (
	"context"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/audit"
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
	m.OwnerSSHPublic, m.OwnerSSHPrivate, err = s.sshKey(ctx, q, b.User)
	return err
}

// sshKey returns the key pair of a user and makes it at its first use.
func (s *Service) sshKey(ctx context.Context, q *database.Queries, user database.User) (string, api.Secret, error) {
	row, err := q.GetGitSSHKey(ctx, user.ID)
	if database.IsNotFound(err) {
		if err := s.makeSSHKey(ctx, q, user); err != nil {
			return "", "", err
		}
		row, err = q.GetGitSSHKey(ctx, user.ID)
	}
	if err != nil {
		return "", "", fmt.Errorf("load ssh key of user %s: %w", user.ID, err)
	}
	private, err := s.opts.Ring.Open(row.PrivateKey)
	if err != nil {
		return "", "", fmt.Errorf("decrypt ssh key of user %s: %w", user.ID, err)
	}
	return row.PublicKey, api.Secret(private), nil
}

// makeSSHKey stores a new key pair, unless another build was quicker.
func (s *Service) makeSSHKey(ctx context.Context, q *database.Queries, user database.User) error {
	public, private, err := keys.NewSSHKey()
	if err != nil {
		return err
	}
	sealed, err := s.opts.Ring.Seal([]byte(private.Reveal()))
	if err != nil {
		return fmt.Errorf("seal ssh key of user %s: %w", user.ID, err)
	}
	n, err := q.InsertGitSSHKey(ctx, database.InsertGitSSHKeyParams{UserID: user.ID, PublicKey: public, PrivateKey: sealed})
	if err != nil {
		return fmt.Errorf("insert ssh key of user %s: %w", user.ID, err)
	}
	if n == 0 {
		return nil
	}
	return audit.Record(ctx, q, audit.Entry{Action: audit.Create, ResourceType: "git_ssh_key", ResourceID: user.ID,
		Target: user.Username, StatusCode: http.StatusCreated, After: map[string]any{"public_key": public}})
}
