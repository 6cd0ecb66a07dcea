package apps

import (
	"context"
	"fmt"
	"time"

	"coder.internal/coderd/devurl"
	"coder.internal/database"
)

// usesAtOnce bounds one statement.
const usesAtOnce = 5000

// Used implements devurl.Apps.
func (s *Service) Used(ctx context.Context, uses []devurl.Use) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	for len(uses) > 0 {
		n := min(len(uses), usesAtOnce)
		var p database.StoreApplicationUsageParams
		for _, u := range uses[:n] {
			form := "subdomain"
			if u.Path {
				form = "path"
			}
			p.Minutes, p.WorkspaceIds, p.UserIds = append(p.Minutes, u.Minute), append(p.WorkspaceIds, u.WorkspaceID), append(p.UserIds, u.UserID)
			p.Apps, p.Forms = append(p.Apps, u.App), append(p.Forms, form)
		}
		if err := s.db.StoreApplicationUsage(ctx, p); err != nil {
			return fmt.Errorf("store use of applications: %w", err)
		}
		uses = uses[n:]
	}
	return nil
}

// DeleteOldUsage removes at most limit minutes of use that are older than keep, by
// the clock of the database, and returns how many.
func (s *Service) DeleteOldUsage(ctx context.Context, keep time.Duration, limit int32) (int64, error) {
	n, err := s.db.DeleteOldApplicationUsage(ctx, database.DeleteOldApplicationUsageParams{Seconds: keep.Seconds(), MaxRows: limit})
	if err != nil {
		return 0, fmt.Errorf("delete old use of applications: %w", err)
	}
	return n, nil
}
