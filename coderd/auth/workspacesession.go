package auth

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// workspaceSession is how long the session of a workspace lives at most. It ends
// earlier when the workspace is stopped, and starts anew with each start.
const workspaceSession = 168 * time.Hour

// RenewWorkspaceSession ends the session that the template of a workspace was
// given for its owner and, where one is wanted, makes another, inside q's
// transaction. The owner sees it among their tokens and may end it.
func RenewWorkspaceSession(ctx context.Context, q *database.Queries, workspace api.ID, owner database.User, wanted bool) (api.Secret, error) {
	if err := EndWorkspaceSession(ctx, q, workspace); err != nil {
		return "", err
	}
	if !wanted || owner.Status == string(api.UserSuspended) {
		return "", nil
	}
	t, seconds := newToken(), int64(workspaceSession/time.Second)
	key, err := q.InsertAPIKey(ctx, database.InsertAPIKeyParams{ID: t.id, HashedSecret: t.hash(), UserID: owner.ID,
		LoginType: string(api.LoginToken), TokenName: "workspace-" + workspace.String() + "-" + t.id,
		Scopes: []string{rbac.ScopeAll}, AllowList: []string{anything}, LifetimeSeconds: seconds, Seconds: float64(seconds)})
	if err != nil {
		return "", fmt.Errorf("insert session of workspace %s: %w", workspace, err)
	}
	if err := q.PutWorkspaceSession(ctx, database.PutWorkspaceSessionParams{WorkspaceID: workspace, ApiKeyID: key.ID}); err != nil {
		return "", fmt.Errorf("note session of workspace %s: %w", workspace, err)
	}
	return t.text(), audit.Record(ctx, q, audit.Entry{Action: audit.Create, ResourceType: "api_key", ResourceID: owner.ID,
		Target: key.ID, StatusCode: http.StatusCreated, After: auditFields(key)})
}

// EndWorkspaceSession ends the session of a workspace, if it has one.
func EndWorkspaceSession(ctx context.Context, q *database.Queries, workspace api.ID) error {
	ended, err := q.EndWorkspaceSession(ctx, workspace)
	if err != nil {
		return fmt.Errorf("end session of workspace %s: %w", workspace, err)
	}
	for _, key := range ended {
		err := audit.Record(ctx, q, audit.Entry{Action: audit.Delete, ResourceType: "api_key", ResourceID: key.UserID,
			Target: key.ID, StatusCode: http.StatusNoContent, Before: auditFields(key)})
		if err != nil {
			return err
		}
	}
	return nil
}
