package users

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/database"
)

// DormantAfter is how long a user was not seen when they become dormant.
const DormantAfter = 90 * 24 * time.Hour

// MarkDormant makes at most limit active users dormant who were not seen for longer
// than idle, and returns how many. It ends nothing of theirs: signing in, or using a
// token that still lives, makes them active again. Time is the database's.
func (s *Service) MarkDormant(ctx context.Context, idle time.Duration, limit int32) (int64, error) {
	var n int64
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		rows, err := q.MarkDormant(ctx, database.MarkDormantParams{IdleSeconds: idle.Seconds(), MaxRows: limit})
		if err != nil {
			return fmt.Errorf("mark idle users dormant: %w", err)
		}
		n = int64(len(rows))
		for _, u := range rows {
			err := audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: "user", ResourceID: u.ID,
				Target: u.Username, StatusCode: http.StatusOK, Before: map[string]any{"status": api.UserActive},
				After: map[string]any{"status": api.UserDormant}, Fields: map[string]any{"last_seen_at": u.LastSeenAt.UTC()}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
