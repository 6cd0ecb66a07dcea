package users

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"unicode"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/internal/password"
)

// reserved are usernames that paths under /users already mean something by.
var reserved = []string{api.Me, "first", "login", "logout", "roles", "authmethods", "validate-password", "otp", "oauth2", "oidc", "oidc-claims"}

const (
	maxEmail    = 320
	maxFullName = 128
)

// Create makes a user. They join the organizations named, or the default one, and
// are dormant until they sign in.
func (s *Service) Create(ctx context.Context, req api.CreateUserRequest) (api.User, error) {
	if err := rbac.Check(ctx, rbac.Create, rbac.Object{Type: rbac.TypeUser}, "User"); err != nil {
		return api.User{}, err
	}
	roles, err := rolesOf(ctx, req.Roles)
	if err != nil {
		return api.User{}, err
	}
	params, err := newUser(ctx, s.opts.Passwords, req)
	if err != nil {
		return api.User{}, err
	}
	params.Roles = roles
	var out api.User
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		orgs, err := organizationsToJoin(ctx, q, req.OrganizationIDs)
		if err != nil {
			return err
		}
		out, err = insert(ctx, q, params, orgs, nil)
		return err
	})
	return out, err
}

// rolesOf checks the roles that a new user shall have.
func rolesOf(ctx context.Context, asked []string) ([]string, error) {
	if len(asked) == 0 {
		return []string{}, nil
	}
	if err := rbac.Check(ctx, rbac.Assign, rbac.Object{Type: rbac.TypeAssignRole}, "User"); err != nil {
		return nil, err
	}
	roles, err := siteRoles(asked)
	if err != nil {
		return nil, err
	}
	return roles, checkGrant(ctx, nil, roles)
}

// organizationsToJoin checks that the caller may add members to all of them.
func organizationsToJoin(ctx context.Context, q *database.Queries, ids []api.ID) ([]api.ID, error) {
	if len(ids) == 0 {
		org, err := LookupOrganization(ctx, q, "default")
		if err != nil {
			return nil, err
		}
		ids = []api.ID{org.ID}
	}
	var out []api.ID
	for _, id := range ids {
		if slices.Contains(out, id) {
			continue
		}
		org, err := LookupOrganization(ctx, q, id.String())
		if err != nil {
			return nil, err
		}
		if err := rbac.Check(ctx, rbac.Read, organizationObject(org), "Organization"); err != nil {
			return nil, err
		}
		if err := rbac.Check(ctx, rbac.Create, rbac.Object{Type: rbac.TypeOrganizationMember, OrgID: org.ID}, "Organization"); err != nil {
			return nil, err
		}
		out = append(out, org.ID)
	}
	return out, nil
}

// newUser checks what was asked for and hashes the password.
func newUser(ctx context.Context, hasher *password.Hasher, req api.CreateUserRequest) (database.InsertUserParams, error) {
	p := database.InsertUserParams{
		ID: api.NewID(), Username: req.Username, Name: strings.TrimSpace(req.Name), Email: strings.TrimSpace(req.Email),
		Status: string(req.UserStatus), LoginType: string(req.LoginType), Roles: []string{}, IsServiceAccount: req.ServiceAccount,
	}
	switch req.UserStatus {
	case "":
		p.Status = string(api.UserDormant)
	case api.UserDormant, api.UserActive:
	default:
		return p, api.Invalid("user_status", "use active or dormant; to suspend a user, make them first.")
	}
	if req.ServiceAccount {
		if err := serviceAccount(&p, req); err != nil {
			return p, err
		}
	}
	if p.LoginType == "" {
		p.LoginType = string(api.LoginPassword)
	}
	if err := checkNew(p, req.Password); err != nil {
		return p, err
	}
	if api.LoginType(p.LoginType) != api.LoginPassword {
		return p, nil
	}
	var err error
	p.PasswordHash, err = hasher.Hash(ctx, req.Password.Reveal())
	if errors.Is(err, password.ErrBusy) {
		return p, &api.Error{Code: api.CodeUnavailable, Message: "The server is busy checking passwords. Try again in a few seconds."}
	}
	return p, err
}

// serviceAccount completes a user that is a program: it is active, since it never
// signs in, and has tokens only.
func serviceAccount(p *database.InsertUserParams, req api.CreateUserRequest) error {
	switch {
	case p.Email != "":
		return api.Invalid("email", "a service account has no address; leave it out.")
	case req.Password != "":
		return api.Invalid("password", "a service account has no password; make it a token instead.")
	case p.LoginType != "" && p.LoginType != string(api.LoginNone):
		return api.Invalid("login_type", "a service account signs in by none.")
	}
	p.LoginType = string(api.LoginNone)
	if req.UserStatus == "" {
		p.Status = string(api.UserActive)
	}
	return nil
}

func checkNew(p database.InsertUserParams, secret api.Secret) error {
	if err := httpapi.CheckName("username", p.Username, reserved...); err != nil {
		return err
	}
	if err := checkFullName(p.Name); err != nil {
		return err
	}
	switch t := api.LoginType(p.LoginType); t {
	case api.LoginPassword:
		if w := password.Weakness(secret.Reveal()); w != "" {
			return api.Invalid("password", w)
		}
	case api.LoginNone, api.LoginOIDC, api.LoginGithub:
		if secret != "" {
			return api.Invalid("password", "users of login type "+string(t)+" have no password; leave it out.")
		}
		if t == api.LoginNone && p.Email == "" {
			return nil
		}
	default:
		return api.Invalid("login_type", "use password, oidc, github or none.")
	}
	return checkEmail(p.Email)
}

func checkEmail(email string) error {
	if email == "" {
		return api.Invalid("email", "an e-mail address is required.")
	}
	if len(email) > maxEmail {
		return api.Invalid("email", fmt.Sprintf("use at most %d characters.", maxEmail))
	}
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || strings.ContainsFunc(email, unicode.IsControl) {
		return api.Invalid("email", "this is not an e-mail address; use the form name@example.com.")
	}
	return nil
}

func checkFullName(name string) error {
	if len(name) > maxFullName {
		return api.Invalid("name", fmt.Sprintf("use at most %d bytes.", maxFullName))
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return api.Invalid("name", "control characters are not allowed.")
	}
	return nil
}

// insert writes the user, the memberships with orgRoles, and the audit entry.
func insert(ctx context.Context, q *database.Queries, p database.InsertUserParams, orgs []api.ID, orgRoles []string) (api.User, error) {
	if orgRoles == nil {
		orgRoles = []string{}
	}
	u, err := q.InsertUser(ctx, p)
	if err != nil {
		return api.User{}, taken(fmt.Errorf("insert user: %w", err))
	}
	for _, org := range orgs {
		err := q.InsertOrganizationMember(ctx, database.InsertOrganizationMemberParams{OrganizationID: org, UserID: u.ID, Roles: orgRoles})
		if err != nil {
			return api.User{}, fmt.Errorf("add user %s to organization %s: %w", u.ID, org, err)
		}
	}
	e := audit.Entry{Action: audit.Create, ResourceType: "user", ResourceID: u.ID, Target: u.Username,
		StatusCode: http.StatusCreated, After: auditFields(u)}
	if _, signedIn := rbac.SubjectFrom(ctx); !signedIn {
		e.UserID, e.Username = u.ID, u.Username // the first user makes themselves
	}
	if err := audit.Record(ctx, q, e); err != nil {
		return api.User{}, err
	}
	return toUser(u, orgs), nil
}

// taken turns a clash of names into a conflict that names the field.
func taken(err error) error {
	switch {
	case database.IsUniqueViolation(err, "users_username"):
		return api.Conflict("This username is taken.", api.ValidationError{Field: "username", Detail: "this username is taken; choose another."})
	case database.IsUniqueViolation(err, "users_email"):
		return api.Conflict("This e-mail address is taken.", api.ValidationError{Field: "email", Detail: "a user with this address exists."})
	}
	return err
}
