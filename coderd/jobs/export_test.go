package jobs

import "context"

// Sweep is one round of Run.
func (q *Queue) Sweep(ctx context.Context) error { return q.sweep(ctx) }
