package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
	"coder.internal/internal/password"
)

// SetPassword changes the password of a user and ends all their other keys.
// Users who change their own must know the old one.
func (s *Service) SetPassword(ctx context.Context, ref string, req api.UpdateUserPasswordRequest) error {
	target, err := users.Load(ctx, s.opts.DB.Queries, rbac.UpdatePersonal, ref)
	if err != nil {
		return err
	}
	if err := users.CheckRank(ctx, s.opts.DB.Queries, target); err != nil {
		return err
	}
	if target.LoginType != string(api.LoginPassword) {
		return api.Invalid("password", "this user has no password: the login type is "+target.LoginType+".")
	}
	if w := password.Weakness(req.Password.Reveal()); w != "" {
		return api.Invalid("password", w)
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	keep := ""
	if caller.UserID == target.ID {
		keep = httpmw.KeyID(ctx)
		if err := s.proveOld(ctx, target, req.OldPassword); err != nil {
			return err
		}
	}
	hash, err := s.hash(ctx, req.Password)
	if err != nil {
		return err
	}
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		now, err := q.LockUser(ctx, target.ID)
		if database.IsNotFound(err) {
			return api.NotFound("User")
		}
		if err != nil {
			return fmt.Errorf("lock user %s: %w", target.ID, err)
		}
		if now.PasswordHash != target.PasswordHash {
			return api.Conflict("The password was changed by somebody else in this moment. Try again.")
		}
		if err := users.CheckRank(ctx, q, now); err != nil {
			return err
		}
		return replace(ctx, q, now, hash, keep)
	})
}

// proveOld counts like a login: a stolen session must not serve to guess.
func (s *Service) proveOld(ctx context.Context, u database.User, old api.Secret) error {
	if old == "" {
		return api.Invalid("old_password", "your present password is required to change it.")
	}
	a, err := s.begin(ctx, []counter{{digest("old", u.ID.String()), guessesPerPair}})
	if err != nil {
		return err
	}
	ok, err := s.verify(ctx, u, old)
	if err != nil {
		return err
	}
	if !ok {
		err := audit.Record(ctx, s.opts.DB.Queries, audit.Entry{Action: audit.Write, ResourceType: "user", ResourceID: u.ID,
			Target: u.Username, StatusCode: http.StatusBadRequest})
		if err != nil {
			return err
		}
		return api.Invalid("old_password", "this is not your present password.")
	}
	if err := s.opts.DB.DeleteLoginAttempts(ctx, a.ids); err != nil {
		return fmt.Errorf("take back password attempt: %w", err)
	}
	return nil
}

func (s *Service) hash(ctx context.Context, plain api.Secret) (string, error) {
	h, err := s.opts.Passwords.Hash(ctx, plain.Reveal())
	if errors.Is(err, password.ErrBusy) {
		return "", &api.Error{Code: api.CodeUnavailable, Message: "The server is busy checking passwords. Try again in a few seconds."}
	}
	return h, err
}

// replace stores the new hash, ends all keys but keep, and records it.
func replace(ctx context.Context, q *database.Queries, u database.User, hash, keep string) error {
	n, err := q.UpdateUserPassword(ctx, database.UpdateUserPasswordParams{ID: u.ID, PasswordHash: hash})
	if err != nil {
		return fmt.Errorf("set password of user %s: %w", u.ID, err)
	}
	if n == 0 {
		return api.NotFound("User")
	}
	if err := q.DeleteOtherAPIKeys(ctx, database.DeleteOtherAPIKeysParams{UserID: u.ID, ExceptID: keep}); err != nil {
		return fmt.Errorf("end keys of user %s: %w", u.ID, err)
	}
	return audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: "user", ResourceID: u.ID, Target: u.Username,
		StatusCode: http.StatusNoContent, Before: map[string]any{"hashed_password": "old"}, After: map[string]any{"hashed_password": "new"}})
}

// ResetPassword sets the password of a user and ends all their keys. It is for
// the operator at the server's console: it checks no rights and needs none but
// the database's.
func ResetPassword(ctx context.Context, db *database.DB, hasher *password.Hasher, username string, plain api.Secret) error {
	if w := password.Weakness(plain.Reveal()); w != "" {
		return api.Invalid("password", w)
	}
	hash, err := hasher.Hash(ctx, plain.Reveal())
	if err != nil {
		return err
	}
	return db.InTx(ctx, func(q *database.Queries) error {
		u, err := users.Lookup(ctx, q, username)
		if err != nil {
			return err
		}
		if u.LoginType != string(api.LoginPassword) {
			return api.Invalid("username", "this user has no password: the login type is "+u.LoginType+".")
		}
		return replace(ctx, q, u, hash, "")
	})
}

// ValidatePassword says whether a new password would be taken.
func ValidatePassword(plain api.Secret) api.ValidatePasswordResponse {
	w := password.Weakness(plain.Reveal())
	return api.ValidatePasswordResponse{Valid: w == "", Details: w}
}
