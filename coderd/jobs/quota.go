package jobs

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// Budgeter is a Completer whose work costs something. Admit answers an *api.Error
// of CodeForbidden where the budget does not allow it.
type Budgeter interface {
	Admit(ctx context.Context, q *database.Queries, row database.ProvisionerJob, dailyCost int) error
}

// Quota asks for an attempt whether what its build will cost is allowed, and notes
// the cost if so. Sent again it answers the same while nothing else changes.
func (q *Queue) Quota(ctx context.Context, req jobrpc.QuotaRequest) (jobrpc.QuotaResponse, error) {
	if req.DailyCost < 0 || req.DailyCost > jobrpc.MaxDailyCost {
		return jobrpc.QuotaResponse{}, api.Invalid("daily_cost", fmt.Sprintf("must be between 0 and %d", jobrpc.MaxDailyCost))
	}
	err := q.opts.DB.InTx(ctx, func(tx *database.Queries) error {
		row, err := q.lockHeld(ctx, tx, req.JobID, req.Attempt)
		if err != nil {
			return err
		}
		if !holds(row, req.Attempt) {
			return ErrAttemptOver
		}
		c, err := q.completer(row)
		if err != nil {
			return err
		}
		b, ok := c.(Budgeter)
		if !ok {
			return api.Invalid("job_id", "must be that of a build; only builds cost something")
		}
		return b.Admit(ctx, tx, row, req.DailyCost)
	})
	if api.CodeOf(err) == api.CodeForbidden {
		return jobrpc.QuotaResponse{Refused: err.Error()}, nil
	}
	return jobrpc.QuotaResponse{}, err
}

func (s *session) quota(ctx context.Context, req jobrpc.QuotaRequest) (jobrpc.QuotaResponse, error) {
	if err := s.mine(ctx, req.JobID, req.Attempt); err != nil {
		return jobrpc.QuotaResponse{}, err
	}
	return s.q.Quota(ctx, req)
}
