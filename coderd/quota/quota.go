// Package quota says what the workspaces of a user may cost a day in an
// organization, and what they do cost.
//
// The budget is the sum of the allowances of the user's groups, that of everyone
// included; an organization without any allowance has no limits. What a workspace
// costs is the daily cost of its newest build that was not refused:
//
//	a build begins      it costs what the build before cost
//	admitted            the larger of that and of what it will cost
//	succeeded           what is there now
//	failed, canceled    what its state says is there
//	deleted             nothing
//
// Builds of one owner are admitted one after another, in the transaction that
// writes their cost, so that any number at once stays within the budget. The
// package never looks at groups otherwise, and never ends what runs.
package quota

import (
	"context"
	"errors"
	"fmt"
	"math"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// Service answers questions. Use New.
type Service struct {
	db *database.DB
}

// New returns a Service on db.
func New(db *database.DB) (*Service, error) {
	if db == nil {
		return nil, errors.New("quota: no database given")
	}
	return &Service{db: db}, nil
}

// HandleMember answers GET /organizations/{organization}/members/{user}/workspace-quota.
func (s *Service) HandleMember(ctx context.Context, in *users.MemberPath) (*httpapi.Out[api.WorkspaceQuota], error) {
	return httpapi.Reply(s.Of(ctx, in.Organization, in.User))
}

// HandleUser answers GET /workspace-quota/{user}, the older route: the default
// organization.
func (s *Service) HandleUser(ctx context.Context, in *users.UserPath) (*httpapi.Out[api.WorkspaceQuota], error) {
	return httpapi.Reply(s.Of(ctx, "default", in.User))
}

// Of returns the quota of a user in an organization. It asks for the right to read
// the organization, and the user or the workspaces that they have there.
func (s *Service) Of(ctx context.Context, orgRef, userRef string) (api.WorkspaceQuota, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.WorkspaceQuota{}, err
	}
	org, err := users.LookupOrganization(ctx, s.db.Queries, orgRef)
	if err != nil {
		return api.WorkspaceQuota{}, err
	}
	if err := rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeOrganization, ID: org.ID, OrgID: org.ID}, "Organization"); err != nil {
		return api.WorkspaceQuota{}, err
	}
	user, err := users.Lookup(ctx, s.db.Queries, userRef)
	if err != nil {
		return api.WorkspaceQuota{}, err
	}
	if !rbac.Authorize(caller, rbac.Read, rbac.Object{Type: rbac.TypeWorkspace, OrgID: org.ID, OwnerID: user.ID}) {
		if err := rbac.Check(ctx, rbac.Read, users.Object(user), "User"); err != nil {
			return api.WorkspaceQuota{}, err
		}
	}
	return of(ctx, s.db.Queries, org.ID, user.ID, api.ID{})
}

// of returns the quota of a user without what the workspace except costs.
func of(ctx context.Context, q *database.Queries, org, user, except api.ID) (api.WorkspaceQuota, error) {
	b, err := q.GetQuotaBudget(ctx, database.GetQuotaBudgetParams{OrganizationID: org, UserID: user})
	if err != nil {
		return api.WorkspaceQuota{}, fmt.Errorf("load budget of user %s: %w", user, err)
	}
	used, err := q.SumQuotaConsumed(ctx, database.SumQuotaConsumedParams{OrganizationID: org, UserID: user, ExceptID: except})
	if err != nil {
		return api.WorkspaceQuota{}, fmt.Errorf("load costs of user %s: %w", user, err)
	}
	out := api.WorkspaceQuota{Budget: api.NoQuota, CreditsConsumed: int(used)}
	if b.Limited {
		out.Budget = int(b.Budget)
	}
	return out, nil
}

// Limited reports whether an organization has limits.
func Limited(ctx context.Context, q *database.Queries, org, user api.ID) (bool, error) {
	b, err := q.GetQuotaBudget(ctx, database.GetQuotaBudgetParams{OrganizationID: org, UserID: user})
	if err != nil {
		return false, fmt.Errorf("load budget of user %s: %w", user, err)
	}
	return b.Limited, nil
}

// Admit notes in q's transaction what a build will cost a day. One that the budget
// does not allow is an *api.Error of CodeForbidden and changes nothing. A build
// that costs no more than its workspace did before is always admitted. Asked again
// about the same build it answers the same.
func Admit(ctx context.Context, q *database.Queries, build api.ID, cost int) error {
	b, err := q.GetQuotaOfBuild(ctx, build)
	if err != nil {
		return fmt.Errorf("load build %s: %w", build, err)
	}
	key := "quota " + b.OrganizationID.String() + " " + b.OwnerID.String()
	if err := q.LockQuota(ctx, key); err != nil {
		return fmt.Errorf("wait for other builds of user %s: %w", b.OwnerID, err)
	}
	now, err := of(ctx, q, b.OrganizationID, b.OwnerID, b.WorkspaceID)
	if err != nil {
		return err
	}
	if now.Budget != api.NoQuota && cost > int(b.Before) && now.CreditsConsumed+cost > now.Budget {
		return insufficient(now, cost)
	}
	// What is destroyed on the way is there until the build has succeeded.
	return Settle(ctx, q, build, max(cost, int(b.Before)))
}

func insufficient(now api.WorkspaceQuota, cost int) error {
	text := fmt.Sprintf("This needs %d of the quota a day, and the budget is %d. Ask an administrator for a larger allowance.", cost, now.Budget)
	if now.CreditsConsumed > 0 {
		text = fmt.Sprintf("This needs %d of the quota a day: the budget is %d, and %d of it are used by other workspaces. "+
			"Delete a workspace that you do not need, or ask an administrator for a larger allowance.", cost, now.Budget, now.CreditsConsumed)
	}
	return &api.Error{Code: api.CodeForbidden, Message: text}
}

// Settle notes what a build has come to cost.
func Settle(ctx context.Context, q *database.Queries, build api.ID, cost int) error {
	bounded := int32(min(max(cost, 0), math.MaxInt32)) //nolint:gosec // bounded here
	if err := q.SetBuildDailyCost(ctx, database.SetBuildDailyCostParams{ID: build, DailyCost: bounded}); err != nil {
		return fmt.Errorf("store cost of build %s: %w", build, err)
	}
	return nil
}
