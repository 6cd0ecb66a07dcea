package auth

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxListedSessions bounds one answer; the newest come first.
const maxListedSessions = 500

// Sessions lists where a user is signed in: the browsers and command lines whose
// keys slide while they are used. DeleteKey ends one.
func (s *Service) Sessions(ctx context.Context, ref string) ([]api.Key, error) {
	u, err := s.owner(ctx, rbac.Read, ref)
	if err != nil {
		return nil, err
	}
	rows, err := s.opts.DB.ListSessions(ctx, database.ListSessionsParams{UserID: u.ID, MaxRows: maxListedSessions})
	if err != nil {
		return nil, fmt.Errorf("list sessions of user %s: %w", u.ID, err)
	}
	out := make([]api.Key, 0, len(rows))
	for _, k := range rows {
		key := toKey(k, u.Username)
		key.Current = key.ID == httpmw.KeyID(ctx)
		out = append(out, key)
	}
	return out, nil
}
