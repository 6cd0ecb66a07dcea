package jobs

import (
	"context"
	"fmt"
	"time"

	"coder.internal/api"
)

// Stray is what a call for an attempt that was over has brought: the JSON of the
// request, as jobrpc has it.
type Stray struct {
	ID        api.ID
	Attempt   int
	Kind      string // update, complete or fail
	CreatedAt time.Time
	Payload   []byte
}

// Strays returns what was kept aside for a job, oldest first. It checks no right.
func (q *Queue) Strays(ctx context.Context, job api.ID) ([]Stray, error) {
	rows, err := q.opts.DB.ListProvisionerJobStrays(ctx, job)
	if err != nil {
		return nil, fmt.Errorf("list strays of job %s: %w", job, err)
	}
	out := make([]Stray, 0, len(rows))
	for _, r := range rows {
		plain, err := q.opts.Ring.Open(r.Payload)
		if err != nil {
			return nil, fmt.Errorf("open stray %s: %w", r.ID, err)
		}
		out = append(out, Stray{ID: r.ID, Attempt: int(r.Attempt), Kind: r.Kind, CreatedAt: r.CreatedAt, Payload: plain})
	}
	return out, nil
}
