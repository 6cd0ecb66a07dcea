package users

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// UpdateProfile changes the username and the full name.
func (s *Service) UpdateProfile(ctx context.Context, ref string, req api.UpdateUserProfileRequest) (api.User, error) {
	target, err := Load(ctx, s.opts.DB.Queries, rbac.UpdatePersonal, ref)
	if err != nil {
		return api.User{}, err
	}
	name := strings.TrimSpace(req.Name)
	if err := checkFullName(name); err != nil {
		return api.User{}, err
	}
	if err := checkAvatar(req.AvatarURL); err != nil {
		return api.User{}, err
	}
	// An unchanged name is kept even if it would not be given out today.
	if req.Username != target.Username {
		if err := httpapi.CheckName("username", req.Username, reserved...); err != nil {
			return api.User{}, err
		}
	}
	return s.change(ctx, target.ID, func(q *database.Queries, before database.User) (database.User, error) {
		after, err := q.UpdateUserProfile(ctx, database.UpdateUserProfileParams{ID: before.ID, Username: req.Username, Name: name, AvatarUrl: req.AvatarURL})
		if err != nil {
			return after, taken(fmt.Errorf("update user %s: %w", before.ID, err))
		}
		return after, nil
	})
}

// checkAvatar takes what a page may show as a picture: a web address or one of our
// own paths.
func checkAvatar(text *string) error {
	if text == nil || *text == "" {
		return nil
	}
	u, err := url.Parse(*text)
	web := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
	own := err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(u.Path, "/") && !strings.HasPrefix(*text, "//")
	if !web && !own || strings.ContainsFunc(*text, unicode.IsControl) {
		return api.Invalid("avatar_url", "use an https:// address, or \"\" for no picture.")
	}
	return nil
}

// Suspend stops a user from signing in and ends all their keys.
func (s *Service) Suspend(ctx context.Context, ref string) (api.User, error) {
	target, err := Load(ctx, s.opts.DB.Queries, rbac.Update, ref)
	if err != nil {
		return api.User{}, err
	}
	if caller, err := rbac.Caller(ctx); err != nil {
		return api.User{}, err
	} else if caller.UserID == target.ID {
		return api.User{}, api.Conflict("You cannot suspend yourself. Ask another administrator.")
	}
	return s.change(ctx, target.ID, func(q *database.Queries, before database.User) (database.User, error) {
		if err := keepAnOwner(ctx, q, before); err != nil {
			return before, err
		}
		return setStatus(ctx, q, before, api.UserSuspended)
	})
}

// Activate lets a suspended user sign in again. Old keys stay dead.
func (s *Service) Activate(ctx context.Context, ref string) (api.User, error) {
	target, err := Load(ctx, s.opts.DB.Queries, rbac.Update, ref)
	if err != nil {
		return api.User{}, err
	}
	return s.change(ctx, target.ID, func(q *database.Queries, before database.User) (database.User, error) {
		return setStatus(ctx, q, before, api.UserActive)
	})
}

func setStatus(ctx context.Context, q *database.Queries, u database.User, to api.UserStatus) (database.User, error) {
	if u.Status == string(to) {
		return u, nil
	}
	after, err := q.UpdateUserStatus(ctx, database.UpdateUserStatusParams{ID: u.ID, Status: string(to)})
	if err != nil {
		return after, fmt.Errorf("set status of user %s: %w", u.ID, err)
	}
	if to == api.UserSuspended {
		if err := q.DeleteOtherAPIKeys(ctx, database.DeleteOtherAPIKeysParams{UserID: u.ID}); err != nil {
			return after, fmt.Errorf("end keys of user %s: %w", u.ID, err)
		}
	}
	return after, nil
}

// SetRoles replaces the site roles.
func (s *Service) SetRoles(ctx context.Context, ref string, req api.UpdateRolesRequest) (api.User, error) {
	// Checked before the user is looked up, so that the answer says nothing of them.
	if err := rbac.Check(ctx, rbac.Assign, rbac.Object{Type: rbac.TypeAssignRole}, "User"); err != nil {
		return api.User{}, err
	}
	target, err := Load(ctx, s.opts.DB.Queries, rbac.Update, ref)
	if err != nil {
		return api.User{}, err
	}
	roles, err := siteRoles(req.Roles)
	if err != nil {
		return api.User{}, err
	}
	return s.change(ctx, target.ID, func(q *database.Queries, before database.User) (database.User, error) {
		if err := checkGrant(ctx, before.Roles, roles); err != nil {
			return before, err
		}
		if !slices.Contains(roles, rbac.RoleOwner) {
			if err := keepAnOwner(ctx, q, before); err != nil {
				return before, err
			}
		}
		after, err := q.UpdateUserRoles(ctx, database.UpdateUserRolesParams{ID: before.ID, Roles: roles})
		if err != nil {
			return after, fmt.Errorf("set roles of user %s: %w", before.ID, err)
		}
		return after, nil
	})
}

// siteRoles checks names of roles and leaves out those that come twice.
func siteRoles(names []string) ([]string, error) {
	roles := []string{}
	for _, r := range names {
		if !rbac.IsSiteRole(r) {
			return nil, api.Invalid("roles", fmt.Sprintf("%.64q is not a site role; use owner, user-admin, template-admin or auditor.", r))
		}
		if !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	return roles, nil
}

// checkGrant refuses to give a role that the caller does not hold.
func checkGrant(ctx context.Context, before, after []string) error {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(caller.SiteRoles, rbac.RoleOwner) {
		return nil
	}
	for _, r := range after {
		if !slices.Contains(before, r) && !slices.Contains(caller.SiteRoles, r) {
			return &api.Error{Code: api.CodeForbidden, Message: "You cannot give the role " + rbac.DisplayName(r) + ", which you do not hold."}
		}
	}
	return nil
}

// Delete removes a user and ends their keys. Their names become free, their row
// stays for the history.
func (s *Service) Delete(ctx context.Context, ref string) error {
	target, err := Load(ctx, s.opts.DB.Queries, rbac.Delete, ref)
	if err != nil {
		return err
	}
	if caller, err := rbac.Caller(ctx); err != nil {
		return err
	} else if caller.UserID == target.ID {
		return api.Conflict("You cannot delete yourself. Ask another administrator.")
	}
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		before, err := s.lock(ctx, q, target.ID)
		if err != nil {
			return err
		}
		if err := keepAnOwner(ctx, q, before); err != nil {
			return err
		}
		// A workspace that is being made for them right now counts too.
		if _, err := q.LockUserAlone(ctx, before.ID); err != nil {
			return fmt.Errorf("lock user %s alone: %w", before.ID, err)
		}
		if owns, err := q.UserOwnsWorkspaces(ctx, before.ID); err != nil {
			return fmt.Errorf("look for workspaces of user %s: %w", before.ID, err)
		} else if owns {
			return api.Conflict("This user has workspaces. Delete those first.")
		}
		if err := remove(ctx, q, before.ID); err != nil {
			return err
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Delete, ResourceType: "user", ResourceID: before.ID,
			Target: before.Username, StatusCode: http.StatusOK, Before: auditFields(before)})
	})
}

func remove(ctx context.Context, q *database.Queries, id api.ID) error {
	if _, err := q.DeleteUser(ctx, id); err != nil {
		return fmt.Errorf("delete user %s: %w", id, err)
	}
	if err := q.DeleteOtherAPIKeys(ctx, database.DeleteOtherAPIKeysParams{UserID: id}); err != nil {
		return fmt.Errorf("end keys of user %s: %w", id, err)
	}
	if err := q.DeleteExternalAuthLinksOfUser(ctx, id); err != nil {
		return fmt.Errorf("forget sign-ins of user %s: %w", id, err)
	}
	if err := q.DeleteMembershipsOfUser(ctx, id); err != nil {
		return fmt.Errorf("delete memberships of user %s: %w", id, err)
	}
	return nil
}

// change runs fn on the locked user in one transaction and records what differs;
// when nothing does, there is nothing to record.
func (s *Service) change(ctx context.Context, id api.ID, fn func(*database.Queries, database.User) (database.User, error)) (api.User, error) {
	var out api.User
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		before, err := s.lock(ctx, q, id)
		if err != nil {
			return err
		}
		after, err := fn(q, before)
		if err != nil {
			return err
		}
		orgs, err := organizationIDs(ctx, q, id)
		if err != nil {
			return err
		}
		out = toUser(after, orgs)
		if after.UpdatedAt.Equal(before.UpdatedAt) {
			return nil
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: "user", ResourceID: id,
			Target: after.Username, StatusCode: http.StatusOK, Before: auditFields(before), After: auditFields(after)})
	})
	return out, err
}

// lock takes the rows that a change of a user depends on, always in the same
// order, and checks that the caller does not act above their rights.
func (s *Service) lock(ctx context.Context, q *database.Queries, id api.ID) (database.User, error) {
	if _, err := q.LockOwners(ctx); err != nil {
		return database.User{}, fmt.Errorf("lock owners: %w", err)
	}
	u, err := q.LockUser(ctx, id)
	if database.IsNotFound(err) {
		return u, api.NotFound("User")
	}
	if err != nil {
		return u, fmt.Errorf("lock user %s: %w", id, err)
	}
	return u, CheckRank(ctx, q, u)
}

// keepAnOwner refuses to take u away when no other active owner would be left.
func keepAnOwner(ctx context.Context, q *database.Queries, u database.User) error {
	if !slices.Contains(u.Roles, rbac.RoleOwner) {
		return nil
	}
	owners, err := q.LockOwners(ctx)
	if err != nil {
		return fmt.Errorf("lock owners: %w", err)
	}
	for _, id := range owners {
		if id != u.ID {
			return nil
		}
	}
	return api.Conflict("This is the last active owner. Make somebody else an owner first.")
}
