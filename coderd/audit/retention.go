package audit

import (
	"context"
	"fmt"
	"time"

	"coder.internal/database"
)

// DeleteOld removes at most limit entries that are older than keep, by the clock of
// the database, and returns how many. It is the only way by which an entry goes.
func (s *Service) DeleteOld(ctx context.Context, keep time.Duration, limit int32) (n int64, err error) {
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		if err := q.AllowAuditRetention(ctx); err != nil {
			return fmt.Errorf("open audit log for retention: %w", err)
		}
		n, err = q.DeleteOldAuditLogs(ctx, database.DeleteOldAuditLogsParams{Seconds: keep.Seconds(), MaxRows: limit})
		if err != nil {
			return fmt.Errorf("delete old audit entries: %w", err)
		}
		return nil
	})
	return n, err
}
