package workspaces

import (
	"context"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// fillOwner adds to m what the template reads of the workspace's owner: roles,
// and, only where its source speaks of them, the session token and the SSH key.
// Which tokens of other services it wants is noted; Fill gets them.
func (s *Service) fillOwner(ctx context.Context, q *database.Queries, b database.GetWorkOfBuildRow, m *jobrpc.Meta) error {
	var err error
	if m.OwnerRoles, err = rolesOf(ctx, q, b.User); err != nil {
		return err
	}
	if err := noteSignIns(b.ExternalAuth, m); err != nil {
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

// noteSignIns adds to m the providers that a template version asks for.
func noteSignIns(stored []byte, m *jobrpc.Meta) error {
	asked, err := externalauth.Asked(stored)
	for _, a := range asked {
		m.ExternalAuth = append(m.ExternalAuth, jobrpc.ExternalAuthToken{ExternalAuth: a})
	}
	return err
}

// Fill implements jobs.Filler: it gets the tokens for coder_external_auth.
func (s *Service) Fill(ctx context.Context, job *jobrpc.Job) error {
	if job.Build == nil || len(job.Build.Meta.ExternalAuth) == 0 {
		return nil
	}
	m := &job.Build.Meta
	return s.opts.ExternalAuth.Fill(ctx, m.OwnerID, m.Transition == api.TransitionStart, m.ExternalAuth)
}

// requireSignIns refuses a start whose owner has not signed in to what the template
// needs.
func (s *Service) requireSignIns(ctx context.Context, q *database.Queries, owner api.ID, v database.TemplateVersion) error {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	asked, err := externalauth.Asked(v.ExternalAuth)
	if err != nil {
		return err
	}
	return s.opts.ExternalAuth.Require(ctx, q, owner, caller.UserID != owner, asked)
}
