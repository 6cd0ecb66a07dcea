package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/internal/password"
)

// errWrong is the one answer to a wrong password and to an unknown user.
var errWrong = &api.Error{Code: api.CodeUnauthenticated, Message: "Incorrect email or password."}

// Login checks a password and makes a session. An unknown user gets the same
// answer as a wrong password, after the same work.
func (s *Service) Login(ctx context.Context, req api.LoginRequest) (api.LoginResponse, error) {
	if req.Email == "" {
		return api.LoginResponse{}, api.Invalid("email", "an e-mail address is required.")
	}
	if req.Password == "" {
		return api.LoginResponse{}, api.Invalid("password", "a password is required.")
	}
	source := SourceOf(ctx)
	row, err := s.opts.DB.GetUserForLogin(ctx, database.GetUserForLoginParams{Email: req.Email, Source: source})
	if err != nil && !database.IsNotFound(err) {
		return api.LoginResponse{}, fmt.Errorf("load user to log in: %w", err)
	}
	a, err := s.begin(ctx, counters(strings.ToLower(req.Email), source, row.KnownSource))
	if err != nil {
		return api.LoginResponse{}, err
	}
	ok, err := s.verify(ctx, row.User, req.Password)
	if err != nil {
		// Nothing was learned, so nothing counts.
		return api.LoginResponse{}, errors.Join(err, s.opts.DB.DeleteLoginAttempts(context.WithoutCancel(ctx), a.ids))
	}
	if !ok {
		return api.LoginResponse{}, s.refuse(ctx, row.User, errWrong)
	}
	// From here on the caller has proven who they are and may learn why not.
	if err := s.admit(row.User); err != nil {
		return api.LoginResponse{}, s.refuse(ctx, row.User, err)
	}
	return s.signIn(ctx, row.User, source, a)
}

// verify compares in the same time whether or not the user has a password.
func (s *Service) verify(ctx context.Context, u database.User, plain api.Secret) (bool, error) {
	hash, hasOne := u.PasswordHash, true
	if u.ID.IsZero() || hash == "" || u.LoginType != string(api.LoginPassword) {
		hash, hasOne = password.Nobody, false
	}
	ok, err := s.opts.Passwords.Matches(ctx, hash, plain.Reveal())
	if errors.Is(err, password.ErrBusy) {
		return false, &api.Error{Code: api.CodeUnavailable, Message: "The server is busy checking passwords. Try again in a few seconds."}
	}
	return ok && hasOne, err
}

func (s *Service) admit(u database.User) error {
	if u.Status == string(api.UserSuspended) {
		return &api.Error{Code: api.CodeUnauthenticated, Message: "Your account is suspended. Ask an administrator to activate it."}
	}
	if s.opts.Config.DisablePasswordAuth && !slices.Contains(u.Roles, rbac.RoleOwner) {
		return &api.Error{Code: api.CodeForbidden, Message: "Password authentication is disabled. Sign in another way."}
	}
	return nil
}

// refuse records a failed login and returns why.
func (s *Service) refuse(ctx context.Context, u database.User, why error) error {
	err := audit.Record(ctx, s.opts.DB.Queries, audit.Entry{
		Action: audit.Login, ResourceType: "user", ResourceID: u.ID, Target: u.Username,
		StatusCode: http.StatusUnauthorized, UserID: u.ID, Username: u.Username,
	})
	if err != nil {
		return err
	}
	return why
}

// signIn makes the session and takes the counted attempt back.
func (s *Service) signIn(ctx context.Context, u database.User, source string, a attempt) (api.LoginResponse, error) {
	var out api.LoginResponse
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		// Locked, so that a suspension is either seen here or ends the new key.
		now, err := q.LockUser(ctx, u.ID)
		if database.IsNotFound(err) {
			return errWrong
		}
		if err != nil {
			return fmt.Errorf("lock user %s: %w", u.ID, err)
		}
		if now.PasswordHash != u.PasswordHash {
			return errWrong
		}
		if err := s.admit(now); err != nil {
			return err
		}
		key, t, err := s.insertKey(ctx, q, keyParams{userID: u.ID, loginType: api.LoginPassword,
			scopes: []string{rbac.ScopeAll}, lifetime: s.opts.Config.SessionDuration})
		if err != nil {
			return err
		}
		out.SessionToken = t.text()
		if err := noteLogin(ctx, q, u.ID, source, a); err != nil {
			return err
		}
		before, after := map[string]any{}, map[string]any{"api_key_id": key.ID}
		if now.Status == string(api.UserDormant) {
			before["status"], after["status"] = now.Status, api.UserActive
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Login, ResourceType: "user", ResourceID: u.ID, Target: u.Username,
			StatusCode: http.StatusCreated, UserID: u.ID, Username: u.Username, Before: before, After: after})
	})
	return out, err
}

func noteLogin(ctx context.Context, q *database.Queries, user api.ID, source string, a attempt) error {
	if err := q.NoteLogin(ctx, user); err != nil {
		return fmt.Errorf("note login of user %s: %w", user, err)
	}
	if err := q.DeleteOldLoginSources(ctx, user); err != nil {
		return fmt.Errorf("forget old sources of user %s: %w", user, err)
	}
	if err := q.PutLoginSource(ctx, database.PutLoginSourceParams{UserID: user, Source: source}); err != nil {
		return fmt.Errorf("note source of user %s: %w", user, err)
	}
	if err := q.DeleteLoginAttempts(ctx, a.ids); err != nil {
		return fmt.Errorf("take back login attempt: %w", err)
	}
	return nil
}

// Logout ends the key that the caller used.
func (s *Service) Logout(ctx context.Context) error {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	id := httpmw.KeyID(ctx)
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		n, err := q.DeleteAPIKey(ctx, database.DeleteAPIKeyParams{ID: id, UserID: caller.UserID})
		if err != nil {
			return fmt.Errorf("delete key %s: %w", id, err)
		}
		if n == 0 {
			return nil // somebody else ended it between the check and here
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Logout, ResourceType: "user", ResourceID: caller.UserID,
			Target: caller.Username, StatusCode: http.StatusOK, Before: map[string]any{"api_key_id": id}})
	})
}
