package auth

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// Limits on tokens.
const (
	maxTokensPerUser = 500
	maxListedTokens  = 1000
)

var tokenNameForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$`)

// tokenConfigPath stands where token names stand in paths.
const tokenConfigPath = "tokenconfig"

type keyParams struct {
	userID    api.ID
	loginType api.LoginType
	name      string
	scopes    []string
	allow     []string // as stored; none is everything
	lifetime  time.Duration
}

// insertKey stores a new key and returns it with its secret.
func (s *Service) insertKey(ctx context.Context, q *database.Queries, p keyParams) (database.ApiKey, token, error) {
	if err := q.DeleteOldAPIKeys(ctx, p.userID); err != nil {
		return database.ApiKey{}, token{}, fmt.Errorf("forget old keys of user %s: %w", p.userID, err)
	}
	t := newToken()
	if p.loginType == api.LoginToken && p.name == "" {
		p.name = "token-" + t.id
	}
	seconds := int64(p.lifetime / time.Second)
	key, err := q.InsertAPIKey(ctx, database.InsertAPIKeyParams{
		ID: t.id, HashedSecret: t.hash(), UserID: p.userID, LoginType: string(p.loginType), TokenName: p.name,
		Scopes: p.scopes, AllowList: orEmpty(p.allow), Ip: audit.RequestFrom(ctx).IP, LifetimeSeconds: seconds, Seconds: float64(seconds),
	})
	if database.IsUniqueViolation(err, "api_keys_token_name") {
		return key, t, api.Conflict("A token with this name exists.", api.ValidationError{Field: "token_name", Detail: "choose another name, or remove the old token."})
	}
	if err != nil {
		return key, t, fmt.Errorf("insert key: %w", err)
	}
	return key, t, nil
}

// keyObject is how rbac sees the keys of a user.
func keyObject(u database.User) rbac.Object {
	return rbac.Object{Type: rbac.TypeAPIKey, ID: u.ID, OwnerID: u.ID}
}

// owner finds the user whose keys a path is about, through the check.
func (s *Service) owner(ctx context.Context, a rbac.Action, ref string) (database.User, error) {
	u, err := users.Lookup(ctx, s.opts.DB.Queries, ref)
	if err != nil {
		return u, err
	}
	if err := rbac.Check(ctx, a, keyObject(u), "User"); err != nil {
		return database.User{}, err
	}
	if caller, err := rbac.Caller(ctx); err != nil {
		return database.User{}, err
	} else if caller.UserID != u.ID && selfOnly(caller.Scopes) {
		return database.User{}, api.NotFound("User")
	}
	if a == rbac.Create {
		return u, users.CheckRank(ctx, s.opts.DB.Queries, u)
	}
	return u, nil
}

// CreateSession makes a session for another program of the same person. From a
// token, whose expiry is fixed, comes a token that ends with it.
func (s *Service) CreateSession(ctx context.Context, ref string) (api.GenerateKeyResponse, error) {
	u, err := s.owner(ctx, rbac.Create, ref)
	if err != nil {
		return api.GenerateKeyResponse{}, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.GenerateKeyResponse{}, err
	}
	p := keyParams{userID: u.ID, loginType: api.LoginType(u.LoginType), scopes: inherited(caller.Scopes), allow: storedAllow(caller.Allow), lifetime: s.opts.Config.SessionDuration}
	return s.create(ctx, u, func(q *database.Queries) (keyParams, error) {
		left, err := q.RemainingKeyLifetime(ctx, httpmw.KeyID(ctx))
		if database.IsNotFound(err) {
			return p, nil // the caller's key is a session
		}
		if err != nil {
			return p, fmt.Errorf("load the caller's key: %w", err)
		}
		p.loginType = api.LoginToken
		p.lifetime = min(p.lifetime, max(time.Duration(left)*time.Second, time.Second))
		return p, nil
	})
}

// CreateToken makes a named token with a fixed expiry.
func (s *Service) CreateToken(ctx context.Context, ref string, req api.CreateTokenRequest) (api.GenerateKeyResponse, error) {
	u, err := s.owner(ctx, rbac.Create, ref)
	if err != nil {
		return api.GenerateKeyResponse{}, err
	}
	p := keyParams{userID: u.ID, loginType: api.LoginToken, name: req.TokenName}
	if p.name == tokenConfigPath {
		return api.GenerateKeyResponse{}, api.Invalid("token_name", "this name is reserved; choose another.")
	}
	if p.name != "" && !tokenNameForm.MatchString(p.name) {
		return api.GenerateKeyResponse{}, api.Invalid("token_name", "use 1 to 64 letters, digits, hyphens and underscores, starting with a letter or digit.")
	}
	if p.scopes, err = scopesOf(ctx, req); err != nil {
		return api.GenerateKeyResponse{}, err
	}
	if p.allow, err = allowOf(ctx, req.AllowList); err != nil {
		return api.GenerateKeyResponse{}, err
	}
	if p.lifetime, err = s.lifetime(u, req.Lifetime); err != nil {
		return api.GenerateKeyResponse{}, err
	}
	return s.create(ctx, u, func(q *database.Queries) (keyParams, error) {
		err := q.DeleteExpiredToken(ctx, database.DeleteExpiredTokenParams{UserID: u.ID, TokenName: p.name})
		if err != nil {
			return p, fmt.Errorf("free the name of an expired token: %w", err)
		}
		return p, nil
	})
}

// create stores the key that prepare describes, in one transaction with its
// audit entry.
func (s *Service) create(ctx context.Context, u database.User, prepare func(*database.Queries) (keyParams, error)) (api.GenerateKeyResponse, error) {
	var out api.GenerateKeyResponse
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		// Locked, so that a suspension is either seen here or ends the new key,
		// and so that the limit holds.
		now, err := q.LockUser(ctx, u.ID)
		if database.IsNotFound(err) {
			return api.NotFound("User")
		}
		if err != nil {
			return fmt.Errorf("lock user %s: %w", u.ID, err)
		}
		if now.Status == string(api.UserSuspended) {
			return api.Conflict("This user is suspended. Activate them first.")
		}
		p, err := prepare(q)
		if err != nil {
			return err
		}
		if n, err := q.CountTokens(ctx, u.ID); err != nil {
			return fmt.Errorf("count tokens of user %s: %w", u.ID, err)
		} else if n >= maxTokensPerUser {
			return api.Conflict(fmt.Sprintf("There are %d tokens, which is the most that a user may have. Remove some first.", n))
		}
		key, t, err := s.insertKey(ctx, q, p)
		if err != nil {
			return err
		}
		out.Key = t.text()
		return recordKey(ctx, q, audit.Create, http.StatusCreated, u, nil, auditFields(key), key.ID)
	})
	return out, err
}

// lifetime returns how long a token of u may live: what is asked for, within the
// limit, or the default.
func (s *Service) lifetime(u database.User, asked time.Duration) (time.Duration, error) {
	longest := s.maxLifetime(u)
	switch {
	case asked == 0:
		return min(s.opts.Config.DefaultTokenLifetime, longest), nil
	case asked < time.Second:
		return 0, api.Invalid("lifetime", "use at least one second (in nanoseconds: 1000000000), or 0 for the default.")
	case asked > longest:
		return 0, api.Invalid("lifetime", fmt.Sprintf("%s is longer than this user's tokens may live, which is %s.", span(asked), span(longest)))
	}
	return asked, nil
}

func (s *Service) maxLifetime(u database.User) time.Duration {
	if slices.Contains(u.Roles, rbac.RoleOwner) {
		return s.opts.Config.MaxAdminTokenLifetime
	}
	return s.opts.Config.MaxTokenLifetime
}

// scopesOf returns the scopes of a new token, none wider than the caller's.
func scopesOf(ctx context.Context, req api.CreateTokenRequest) ([]string, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	field, scopes := "scopes", req.Scopes
	if len(scopes) == 0 && req.Scope != "" {
		field, scopes = "scope", []string{req.Scope}
	}
	if len(scopes) == 0 {
		return inherited(caller.Scopes), nil
	}
	var out []string
	for _, sc := range scopes {
		if !validScope(sc) {
			return nil, api.Invalid(field, fmt.Sprintf("%.64q is not a scope; GET /api/v2/auth/scopes lists them.", sc))
		}
		if !slices.Contains(out, sc) {
			out = append(out, sc)
		}
	}
	if !covers(caller.Scopes, out) {
		return nil, &api.Error{Code: api.CodeForbidden, Message: "Your token is limited to some scopes and cannot make a wider one.",
			Validations: []api.ValidationError{{Field: field, Detail: "use the scopes of your own token, or sign in."}}}
	}
	return out, nil
}

// TokenConfig returns the longest lifetime of a token of a user.
func (s *Service) TokenConfig(ctx context.Context, ref string) (api.TokenConfig, error) {
	u, err := s.owner(ctx, rbac.Read, ref)
	if err != nil {
		return api.TokenConfig{}, err
	}
	return api.TokenConfig{MaxTokenLifetime: s.maxLifetime(u)}, nil
}

// Tokens lists named tokens of a user, newest first; with all, those of everybody
// whose keys the caller may read.
func (s *Service) Tokens(ctx context.Context, ref string, all, includeExpired bool) ([]api.Key, error) {
	u, err := s.owner(ctx, rbac.Read, ref)
	if err != nil {
		return nil, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	f := rbac.ListFor(caller, rbac.Read, rbac.TypeAPIKey)
	rows, err := s.opts.DB.ListTokens(ctx, database.ListTokensParams{
		AnyUser: all && f.All && !selfOnly(caller.Scopes), Anything: f.Anything, Named: f.Named,
		UserID: u.ID, IncludeExpired: includeExpired, MaxRows: maxListedTokens,
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	out := make([]api.Key, 0, len(rows))
	for _, r := range rows {
		out = append(out, toKey(r.ApiKey, r.Username))
	}
	return out, nil
}

// Token returns a named token of a user.
func (s *Service) Token(ctx context.Context, ref, name string) (api.Key, error) {
	u, err := s.owner(ctx, rbac.Read, ref)
	if err != nil {
		return api.Key{}, err
	}
	k, err := s.opts.DB.GetTokenByName(ctx, database.GetTokenByNameParams{UserID: u.ID, TokenName: name})
	return found(k, u, err)
}

// Key returns a key of a user by its id.
func (s *Service) Key(ctx context.Context, ref, id string) (api.Key, error) {
	u, err := s.owner(ctx, rbac.Read, ref)
	if err != nil {
		return api.Key{}, err
	}
	k, err := s.opts.DB.GetAPIKey(ctx, database.GetAPIKeyParams{ID: id, UserID: u.ID})
	return found(k, u, err)
}

func found(k database.ApiKey, u database.User, err error) (api.Key, error) {
	if database.IsNotFound(err) {
		return api.Key{}, api.NotFound("API key")
	}
	if err != nil {
		return api.Key{}, fmt.Errorf("load key: %w", err)
	}
	return toKey(k, u.Username), nil
}

// DeleteKey ends a key for good.
func (s *Service) DeleteKey(ctx context.Context, ref, id string) error {
	u, err := s.owner(ctx, rbac.Delete, ref)
	if err != nil {
		return err
	}
	return s.end(ctx, u, id, audit.Delete, func(q *database.Queries) (int64, error) {
		return q.DeleteAPIKey(ctx, database.DeleteAPIKeyParams{ID: id, UserID: u.ID})
	})
}

// ExpireKey ends a key and keeps its row to look at.
func (s *Service) ExpireKey(ctx context.Context, ref, id string) error {
	u, err := s.owner(ctx, rbac.Update, ref)
	if err != nil {
		return err
	}
	return s.end(ctx, u, id, audit.Write, func(q *database.Queries) (int64, error) {
		return q.ExpireAPIKey(ctx, database.ExpireAPIKeyParams{ID: id, UserID: u.ID})
	})
}

func (s *Service) end(ctx context.Context, u database.User, id string, action audit.Action, do func(*database.Queries) (int64, error)) error {
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		before, err := q.GetAPIKey(ctx, database.GetAPIKeyParams{ID: id, UserID: u.ID})
		if database.IsNotFound(err) {
			return api.NotFound("API key")
		}
		if err != nil {
			return fmt.Errorf("load key: %w", err)
		}
		n, err := do(q)
		if err != nil {
			return fmt.Errorf("end key %s: %w", id, err)
		}
		if n == 0 {
			return api.NotFound("API key")
		}
		var after map[string]any
		if action == audit.Write {
			after = auditFields(before)
			after["expired"] = true
		}
		return recordKey(ctx, q, action, http.StatusNoContent, u, auditFields(before), after, id)
	})
}

// recordKey files the entry under the owner: keys have no id that the log could
// take, so their id is a field.
func recordKey(ctx context.Context, q *database.Queries, action audit.Action, status int, owner database.User, before, after map[string]any, id string) error {
	return audit.Record(ctx, q, audit.Entry{Action: action, ResourceType: "api_key", ResourceID: owner.ID, Target: id,
		StatusCode: status, Before: before, After: after})
}
