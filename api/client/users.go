package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"coder.internal/api"
)

// HasFirstUser reports whether the deployment has been set up.
func (c *Client) HasFirstUser(ctx context.Context) (bool, error) {
	_, err := get[api.Response](ctx, c, path("users", "first"), nil)
	if api.CodeOf(err) == api.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}

// CreateFirstUser makes the owner of a new deployment.
func (c *Client) CreateFirstUser(ctx context.Context, r api.CreateFirstUserRequest) (api.CreateFirstUserResponse, error) {
	return write[api.CreateFirstUserResponse](ctx, c, http.MethodPost, path("users", "first"), r)
}

// LoginWithPassword returns a session token.
func (c *Client) LoginWithPassword(ctx context.Context, r api.LoginRequest) (api.LoginResponse, error) {
	return write[api.LoginResponse](ctx, c, http.MethodPost, path("users", "login"), r)
}

// Logout ends the session of the client's token.
func (c *Client) Logout(ctx context.Context) error {
	_, err := write[none](ctx, c, http.MethodPost, path("users", "logout"), nil)
	return err
}

// AuthMethods says how people may sign in.
func (c *Client) AuthMethods(ctx context.Context) (api.AuthMethods, error) {
	return get[api.AuthMethods](ctx, c, path("users", "authmethods"), nil)
}

// User returns a user by "me", name or id.
func (c *Client) User(ctx context.Context, user string) (api.User, error) {
	return get[api.User](ctx, c, path("users", user), nil)
}

// UsersFilter narrows Users. Zero values mean "all"; Limit 0 is the server's.
type UsersFilter struct {
	Search, Status string
	Limit, Offset  int
}

// Users returns one page of users.
func (c *Client) Users(ctx context.Context, f UsersFilter) (api.UsersResponse, error) {
	q := page(f.Limit, f.Offset)
	search := f.Search
	if f.Status != "" {
		search += " status:" + f.Status
	}
	if search != "" {
		q.Set("q", search)
	}
	return get[api.UsersResponse](ctx, c, path("users"), q)
}

// CreateUser makes a user.
func (c *Client) CreateUser(ctx context.Context, r api.CreateUserRequest) (api.User, error) {
	return write[api.User](ctx, c, http.MethodPost, path("users"), r)
}

// DeleteUser removes a user.
func (c *Client) DeleteUser(ctx context.Context, user string) error {
	_, err := write[none](ctx, c, http.MethodDelete, path("users", user), nil)
	return err
}

// SuspendUser keeps a user from signing in.
func (c *Client) SuspendUser(ctx context.Context, user string) (api.User, error) {
	return write[api.User](ctx, c, http.MethodPut, path("users", user, "status", "suspend"), nil)
}

// ActivateUser lets a suspended or dormant user sign in again.
func (c *Client) ActivateUser(ctx context.Context, user string) (api.User, error) {
	return write[api.User](ctx, c, http.MethodPut, path("users", user, "status", "activate"), nil)
}

// UpdateUserRoles replaces the site roles of a user.
func (c *Client) UpdateUserRoles(ctx context.Context, user string, roles []string) (api.User, error) {
	return write[api.User](ctx, c, http.MethodPut, path("users", user, "roles"), api.UpdateRolesRequest{Roles: roles})
}

// CreateToken makes an API token for a user.
func (c *Client) CreateToken(ctx context.Context, user string, r api.CreateTokenRequest) (api.GenerateKeyResponse, error) {
	return write[api.GenerateKeyResponse](ctx, c, http.MethodPost, path("users", user, "keys", "tokens"), r)
}

// CreateSessionKey makes another session key for the caller.
func (c *Client) CreateSessionKey(ctx context.Context) (api.GenerateKeyResponse, error) {
	return write[api.GenerateKeyResponse](ctx, c, http.MethodPost, path("users", api.Me, "keys"), nil)
}

// Sessions lists where a user is signed in, the last used first.
func (c *Client) Sessions(ctx context.Context, user string) ([]api.Key, error) {
	return get[[]api.Key](ctx, c, path("users", user, "keys"), nil)
}

// TokensFilter narrows Tokens.
type TokensFilter struct{ All, Expired bool }

// Tokens lists the API tokens of a user, or of all users.
func (c *Client) Tokens(ctx context.Context, user string, f TokensFilter) ([]api.Key, error) {
	q := url.Values{}
	if f.All {
		q.Set("include_all", "true")
	}
	if f.Expired {
		q.Set("include_expired", "true")
	}
	return get[[]api.Key](ctx, c, path("users", user, "keys", "tokens"), q)
}

// TokenByName returns an API token by its name.
func (c *Client) TokenByName(ctx context.Context, user, name string) (api.Key, error) {
	return get[api.Key](ctx, c, path("users", user, "keys", "tokens", name), nil)
}

// Key returns a key by its id.
func (c *Client) Key(ctx context.Context, user, id string) (api.Key, error) {
	return get[api.Key](ctx, c, path("users", user, "keys", id), nil)
}

// DeleteKey removes a key.
func (c *Client) DeleteKey(ctx context.Context, user, id string) error {
	_, err := write[none](ctx, c, http.MethodDelete, path("users", user, "keys", id), nil)
	return err
}

// ExpireKey makes a key useless at once and keeps its record.
func (c *Client) ExpireKey(ctx context.Context, user, id string) error {
	_, err := write[none](ctx, c, http.MethodPut, path("users", user, "keys", id, "expire"), nil)
	return err
}

// TokenConfig returns the limits of the user's tokens.
func (c *Client) TokenConfig(ctx context.Context, user string) (api.TokenConfig, error) {
	return get[api.TokenConfig](ctx, c, path("users", user, "keys", "tokens", "tokenconfig"), nil)
}

// Organizations lists the organizations of a user.
func (c *Client) Organizations(ctx context.Context, user string) ([]api.Organization, error) {
	return get[[]api.Organization](ctx, c, path("users", user, "organizations"), nil)
}

// Organization returns an organization by id or name; "default" is the default one.
func (c *Client) Organization(ctx context.Context, org string) (api.Organization, error) {
	return get[api.Organization](ctx, c, path("organizations", org), nil)
}

// BuildInfo needs no token.
func (c *Client) BuildInfo(ctx context.Context) (api.BuildInfo, error) {
	return get[api.BuildInfo](ctx, c, path("buildinfo"), nil)
}

// SSHConfig returns what config-ssh needs to know of the deployment.
func (c *Client) SSHConfig(ctx context.Context) (api.SSHConfig, error) {
	return get[api.SSHConfig](ctx, c, path("deployment", "ssh"), nil)
}

func page(limit, offset int) url.Values {
	q := url.Values{}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	if offset > 0 {
		q.Set("offset", strconv.Itoa(offset))
	}
	return q
}
