package users

import (
	"context"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/internal/password"
)

// DefaultOrganization is the name of the organization that every deployment has.
const DefaultOrganization = "coder"

var errFirstExists = api.Conflict("The initial user has already been created. Sign in instead.")

// FirstExists returns nil when somebody can sign in, and api.NotFound when the
// first user is still to be made. Everybody may ask.
func (s *Service) FirstExists(ctx context.Context) error {
	exists, err := s.opts.DB.AnyUser(ctx)
	if err != nil {
		return fmt.Errorf("look for the first user: %w", err)
	}
	if !exists {
		return &api.Error{Code: api.CodeNotFound, Message: "The initial user has not been created!"}
	}
	return nil
}

// CreateFirst makes the owner of a new deployment. Everybody may call it while
// there is no user; of many calls at once, one succeeds.
func (s *Service) CreateFirst(ctx context.Context, req api.CreateFirstUserRequest) (api.CreateFirstUserResponse, error) {
	var out api.CreateFirstUserResponse
	// Hashing is costly and the route is public: look before.
	if exists, err := s.opts.DB.AnyUser(ctx); err != nil {
		return out, fmt.Errorf("look for the first user: %w", err)
	} else if exists {
		return out, errFirstExists
	}
	params, err := ownerParams(ctx, s.opts.Passwords, req)
	if err != nil {
		return out, err
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		org, err := EnsureDefaultOrganization(ctx, q)
		if err != nil {
			return err
		}
		if exists, err := q.AnyUser(ctx); err != nil {
			return fmt.Errorf("look for the first user: %w", err)
		} else if exists {
			return errFirstExists
		}
		out = api.CreateFirstUserResponse{UserID: params.ID, OrganizationID: org.ID}
		_, err = insert(ctx, q, params, []api.ID{org.ID}, nil)
		return err
	})
	return out, err
}

// CreateOwner makes one more owner and puts them as administrator into every
// organization. It is for the operator at the server's console: it checks no
// rights and needs none but the database's.
func CreateOwner(ctx context.Context, db *database.DB, hasher *password.Hasher, req api.CreateFirstUserRequest) (api.User, error) {
	params, err := ownerParams(ctx, hasher, req)
	if err != nil {
		return api.User{}, err
	}
	var out api.User
	err = db.InTx(ctx, func(q *database.Queries) error {
		if _, err := EnsureDefaultOrganization(ctx, q); err != nil {
			return err
		}
		orgs, err := q.ListOrganizations(ctx, database.ListOrganizationsParams{Everything: true, Anything: true, MaxRows: maxOrganizations})
		if err != nil {
			return fmt.Errorf("list organizations: %w", err)
		}
		ids := make([]api.ID, 0, len(orgs))
		for _, o := range orgs {
			ids = append(ids, o.ID)
		}
		out, err = insert(ctx, q, params, ids, []string{rbac.RoleOrgAdmin})
		return err
	})
	return out, err
}

// EnsureDefaultOrganization returns the default organization and makes it where
// there is none. It must run in a transaction; others that do wait for its end.
func EnsureDefaultOrganization(ctx context.Context, q *database.Queries) (database.Organization, error) {
	if err := q.LockFirstUser(ctx); err != nil {
		return database.Organization{}, fmt.Errorf("lock the first user: %w", err)
	}
	org, err := q.GetDefaultOrganization(ctx)
	if err == nil {
		return org, nil
	}
	if !database.IsNotFound(err) {
		return database.Organization{}, fmt.Errorf("load default organization: %w", err)
	}
	org, err = q.InsertOrganization(ctx, database.InsertOrganizationParams{
		ID: api.NewID(), Name: DefaultOrganization, DisplayName: "Coder", IsDefault: true,
	})
	if err != nil {
		return database.Organization{}, fmt.Errorf("make default organization: %w", err)
	}
	err = audit.Record(ctx, q, audit.Entry{
		Action: audit.Create, ResourceType: "organization", ResourceID: org.ID, Target: org.Name,
		OrganizationID: org.ID, StatusCode: http.StatusCreated, After: map[string]any{"name": org.Name},
	})
	return org, err
}

func ownerParams(ctx context.Context, hasher *password.Hasher, req api.CreateFirstUserRequest) (database.InsertUserParams, error) {
	p, err := newUser(ctx, hasher, api.CreateUserRequest{
		Email: req.Email, Username: req.Username, Name: req.Name, Password: req.Password, LoginType: api.LoginPassword,
	})
	p.Status = string(api.UserActive)
	p.Roles = []string{rbac.RoleOwner}
	return p, err
}
