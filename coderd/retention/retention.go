// Package retention removes what is older than it is to be kept, in small batches, by
// one replica at a time.
//
// It owns the lease and the pace. What is old, and how it goes, is the business of
// those who own the rows. A replica waits for the lease, then cleans every ten
// minutes while it holds it.
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"coder.internal/internal/clock"
)

const (
	leaseName = "retention"
	every     = 10 * time.Minute
	batch     = 1000
	// pause lets others at the tables between two batches.
	pause = 50 * time.Millisecond
)

// Lease lets one replica at a time work; *lease.Leases is one.
type Lease interface {
	Run(ctx context.Context, name string, work func(ctx context.Context, term int64) error) error
}

// Kind is one kind of rows. Keep of zero means for ever. Clean removes, or ends, at
// most limit rows that are older than keep and returns how many.
type Kind struct {
	Name  string
	Keep  time.Duration
	Clean func(ctx context.Context, keep time.Duration, limit int32) (int64, error)
}

// Options of New. All are required.
type Options struct {
	Lease Lease
	Log   *slog.Logger
	Clock clock.Clock
	Kinds []Kind
}

// Service cleans. Use New.
type Service struct {
	opts Options
	log  *slog.Logger
}

// New returns a Service; it starts nothing.
func New(o Options) (*Service, error) {
	if o.Lease == nil || o.Log == nil || o.Clock == nil {
		return nil, errors.New("retention: Lease, Log and Clock are required")
	}
	return &Service{opts: o, log: o.Log.With("component", "retention")}, nil
}

// Run cleans while this replica holds the lease, until ctx ends. With nothing to
// remove ever, it only waits for that.
func (s *Service) Run(ctx context.Context) error {
	var kinds []Kind
	for _, k := range s.opts.Kinds {
		if k.Keep > 0 {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		<-ctx.Done()
		return nil
	}
	return s.opts.Lease.Run(ctx, leaseName, func(ctx context.Context, _ int64) error {
		tick := s.opts.Clock.NewTicker(every, "retention")
		defer tick.Stop()
		for {
			if err := s.round(ctx, kinds); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	})
}

// round cleans each kind. One that fails keeps none of the others from it.
func (s *Service) round(ctx context.Context, kinds []Kind) error {
	var failed []error
	for _, k := range kinds {
		if err := s.clean(ctx, k); err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// clean removes all of one kind that is too old.
func (s *Service) clean(ctx context.Context, k Kind) error {
	var all int64
	for {
		n, err := k.Clean(ctx, k.Keep, batch)
		if err != nil {
			return fmt.Errorf("clean %s: %w", k.Name, err)
		}
		if all += n; n < batch {
			break
		}
		timer := s.opts.Clock.NewTimer(pause, "pause")
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
	if all > 0 {
		s.log.Info("old rows were cleaned", "kind", k.Name, "rows", all)
	}
	return nil
}
