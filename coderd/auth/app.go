package auth

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// CallerOfKey returns who the key with an id belongs to, for those who hold proof of
// the key that is not its secret. A key that has ended is rbac.ErrUnauthenticated.
func (s *Service) CallerOfKey(ctx context.Context, id string) (rbac.Subject, error) {
	row, err := s.loadCaller(ctx, id)
	if err != nil {
		return rbac.Subject{}, err
	}
	return s.subject(ctx, row)
}

// Cookie returns the Set-Cookie value of a session.
func (s *Service) Cookie(session api.Secret) string { return s.cookie(session) }

// loadCaller reads what is known of a key and its user.
func (s *Service) loadCaller(ctx context.Context, id string) (database.GetCallerRow, error) {
	row, err := s.opts.DB.GetCaller(ctx, id)
	if database.IsNotFound(err) {
		return row, rbac.ErrUnauthenticated
	}
	if err != nil {
		return row, fmt.Errorf("load key %s: %w", id, err)
	}
	return row, nil
}
