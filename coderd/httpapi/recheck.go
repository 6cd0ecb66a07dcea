package httpapi

import (
	"context"
	"time"

	"coder.internal/api"
	"coder.internal/internal/clock"
)

// RecheckEvery is how often the right to an open stream is looked at: twice in the
// minute within which a revoked right ends it.
const RecheckEvery = 30 * time.Second

// UntilRevoked asks readmit again and again and returns its error once that is a
// clear no. A database that does not answer takes no right away. It returns nil when
// ctx ends. Every stream that is no Follow stands on it.
func UntilRevoked(ctx context.Context, clk clock.Clock, readmit func(context.Context) error, tags ...string) error {
	tick := clk.NewTicker(RecheckEvery, tags...)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := readmit(ctx); api.CodeOf(err) != "" && ctx.Err() == nil {
			return err
		}
	}
}
