package users

import (
	"context"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

const sshKeyType = "git_ssh_key"

// SSHKey returns the key pair by which user's workspaces sign in to Git servers
// and makes it at its first use, in q's transaction. It checks no rights: callers
// have decided that the key may be read.
func SSHKey(ctx context.Context, q *database.Queries, ring *keys.Ring, user database.User) (database.GitSshKey, api.Secret, error) {
	row, err := sshKeyRow(ctx, q, ring, user)
	if err != nil {
		return row, "", err
	}
	private, err := ring.Open(row.PrivateKey)
	if err != nil {
		return row, "", fmt.Errorf("decrypt ssh key of user %s: %w", user.ID, err)
	}
	return row, api.Secret(private), nil
}

func sshKeyRow(ctx context.Context, q *database.Queries, ring *keys.Ring, user database.User) (database.GitSshKey, error) {
	row, err := q.GetGitSSHKey(ctx, user.ID)
	if database.IsNotFound(err) {
		if err := makeSSHKey(ctx, q, ring, user); err != nil {
			return row, err
		}
		row, err = q.GetGitSSHKey(ctx, user.ID)
	}
	if err != nil {
		return row, fmt.Errorf("load ssh key of user %s: %w", user.ID, err)
	}
	return row, nil
}

// makeSSHKey stores a first key pair, unless somebody else was quicker.
func makeSSHKey(ctx context.Context, q *database.Queries, ring *keys.Ring, user database.User) error {
	public, sealed, err := newSSHKey(ring, user)
	if err != nil {
		return err
	}
	n, err := q.InsertGitSSHKey(ctx, database.InsertGitSSHKeyParams{UserID: user.ID, PublicKey: public, PrivateKey: sealed})
	if err != nil {
		return fmt.Errorf("insert ssh key of user %s: %w", user.ID, err)
	}
	if n == 0 {
		return nil
	}
	return audit.Record(ctx, q, audit.Entry{Action: audit.Create, ResourceType: sshKeyType, ResourceID: user.ID,
		Target: user.Username, StatusCode: http.StatusCreated, After: map[string]any{"public_key": public}})
}

func newSSHKey(ring *keys.Ring, user database.User) (public string, sealed []byte, err error) {
	public, private, err := keys.NewSSHKey()
	if err != nil {
		return "", nil, err
	}
	if sealed, err = ring.Seal([]byte(private.Reveal())); err != nil {
		return "", nil, fmt.Errorf("seal ssh key of user %s: %w", user.ID, err)
	}
	return public, sealed, nil
}

// GitSSHKey returns the public half of a user's key, which is made at its first use.
func (s *Service) GitSSHKey(ctx context.Context, ref string) (api.GitSSHKey, error) {
	target, err := Load(ctx, s.opts.DB.Queries, rbac.ReadPersonal, ref)
	if err != nil {
		return api.GitSSHKey{}, err
	}
	var row database.GitSshKey
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) (err error) {
		row, err = sshKeyRow(ctx, q, s.opts.Ring, target)
		return err
	})
	return toGitSSHKey(row), err
}

// ResetGitSSHKey replaces the key pair of a user. The old one is gone: Git
// servers refuse the user's workspaces until they know the new one.
func (s *Service) ResetGitSSHKey(ctx context.Context, ref string) (api.GitSSHKey, error) {
	target, err := Load(ctx, s.opts.DB.Queries, rbac.UpdatePersonal, ref)
	if err != nil {
		return api.GitSSHKey{}, err
	}
	var row database.GitSshKey
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		user, err := s.lock(ctx, q, target.ID)
		if err != nil {
			return err
		}
		before := map[string]any{}
		if old, err := q.GetGitSSHKey(ctx, user.ID); err == nil {
			before["public_key"] = old.PublicKey
		} else if !database.IsNotFound(err) {
			return fmt.Errorf("load ssh key of user %s: %w", user.ID, err)
		}
		public, sealed, err := newSSHKey(s.opts.Ring, user)
		if err != nil {
			return err
		}
		row, err = q.PutGitSSHKey(ctx, database.PutGitSSHKeyParams{UserID: user.ID, PublicKey: public, PrivateKey: sealed})
		if err != nil {
			return fmt.Errorf("replace ssh key of user %s: %w", user.ID, err)
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: sshKeyType, ResourceID: user.ID,
			Target: user.Username, StatusCode: http.StatusOK, Before: before, After: map[string]any{"public_key": public}})
	})
	return toGitSSHKey(row), err
}

func toGitSSHKey(r database.GitSshKey) api.GitSSHKey {
	return api.GitSSHKey{UserID: r.UserID, PublicKey: r.PublicKey, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
}

// HandleGitSSHKey: GET /users/{user}/gitsshkey.
func (s *Service) HandleGitSSHKey(ctx context.Context, in *UserPath) (*httpapi.Out[api.GitSSHKey], error) {
	return httpapi.Reply(s.GitSSHKey(ctx, in.User))
}

// HandleResetGitSSHKey: PUT /users/{user}/gitsshkey.
func (s *Service) HandleResetGitSSHKey(ctx context.Context, in *UserPath) (*httpapi.Out[api.GitSSHKey], error) {
	return httpapi.Reply(s.ResetGitSSHKey(ctx, in.User))
}
