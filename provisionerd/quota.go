package provisionerd

import (
	"context"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// askQuota asks until there is an answer: without one nothing may be made.
func (a *attempt) askQuota(source QuotaAsker) func(context.Context, int) error {
	return func(ctx context.Context, cost int) error {
		var res jobrpc.QuotaResponse
		answered := false
		done := a.d.deliver(ctx, "ask for quota", a.job.ID, func(ctx context.Context) (err error) {
			res, err = source.Quota(ctx, jobrpc.QuotaRequest{JobID: a.job.ID, Attempt: a.job.Attempt, DailyCost: cost})
			answered = err == nil
			return err
		})
		switch {
		case !done.settled:
			return context.Cause(ctx)
		case done.err != nil:
			return done.err
		case !answered:
			return errOver
		case res.Refused != "":
			return &Failure{Code: api.CodeInsufficientQuota, Message: clean(res.Refused, maxErrorBytes)}
		}
		return nil
	}
}
