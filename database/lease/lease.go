// Package lease makes sure that work which must run once has one worker among
// all replicas. It owns the table leases: a name, its holder, a term and when
// it runs out on the database's clock.
//
// It never uses the wall clock: the database decides who holds a lease, and the
// holder counts its time on the monotonic clock from before it asked, so it
// stops no later than the database lets the next one in.
//
// A candidate waits, holds, or has lost. Each time the lease changes hands its
// term grows by one. A paused process may still act on an old term, so work
// that must not be done twice asks Fence in the transaction that writes.
//
// A clock of the database that jumps forward ends leases early, and Fence keeps
// their holders from writing; one that jumps back frees those that then seem to run
// out too late.
package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"coder.internal/api"
	"coder.internal/database"
)

const (
	duration   = 15 * time.Second
	firstPause = time.Second
	lastPause  = 30 * time.Second
	nameLimit  = 100 // bytes
)

// errLost is why the context of work ended.
var errLost = errors.New("the lease was lost")

// Leases takes part in the contest for leases under one holder id.
type Leases struct {
	db       *database.DB
	holder   api.ID
	log      *slog.Logger
	duration time.Duration
}

// New returns a candidate. holder must be new for each start of a process.
func New(db *database.DB, holder api.ID, log *slog.Logger) *Leases {
	return &Leases{db: db, holder: holder, log: log.With("component", "lease"), duration: duration}
}

// Run waits for the named lease, calls work with its term while holding it, and
// starts over when it was lost. It blocks until ctx ends or work returns nil,
// and then returns nil; work has returned by then and the lease is free.
//
// The context of work ends when ctx ends or the lease is lost; work must return
// promptly then. When work returns an error while the lease is held, the lease
// is given up and asked for again after a pause of 1 to 30 s. The holder renews
// every 5 s; after its death the next one starts within 20 s.
func (l *Leases) Run(ctx context.Context, name string, work func(ctx context.Context, term int64) error) error {
	if name == "" || len(name) > nameLimit {
		return fmt.Errorf("lease: a name has 1 to %d bytes, this one %d", nameLimit, len(name))
	}
	log := l.log.With("lease", name)
	pause := firstPause
	for ctx.Err() == nil {
		asked := time.Now()
		term, err := l.db.AcquireLease(ctx, database.AcquireLeaseParams{
			Name: name, Holder: l.holder, Seconds: l.duration.Seconds()})
		if err != nil {
			if !database.IsNotFound(err) && ctx.Err() == nil {
				log.Warn("lease not taken", "error", err)
			}
			sleep(ctx, l.duration/3)
			continue
		}
		log.Info("lease taken", "term", term)
		err = l.hold(ctx, name, term, asked, work)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errLost):
			log.Warn("lease lost", "term", term, "error", err)
		case err == nil:
			return nil
		default:
			log.Warn("work of a lease failed", "term", term, "error", err, "pause", pause)
			sleep(ctx, pause)
			pause = min(2*pause, lastPause)
			continue
		}
		pause = firstPause
	}
	return nil
}

// Fence fails in the transaction of q unless the lease is held under term, and keeps
// others from taking it until the transaction ends. Call it before the first write:
// of a holder that was paused, or cut off, for longer than its lease nothing is
// stored then.
func (l *Leases) Fence(ctx context.Context, q *database.Queries, name string, term int64) error {
	_, err := q.FenceLease(ctx, database.FenceLeaseParams{Name: name, Holder: l.holder, Term: term})
	if database.IsNotFound(err) {
		return fmt.Errorf("lease %s, term %d: %w", name, term, errLost)
	}
	if err != nil {
		return fmt.Errorf("lease %s, term %d: %w", name, term, err)
	}
	return nil
}

// hold runs work and renews beside it. It returns when both have ended: with
// errLost in the chain, or with what work returned.
func (l *Leases) hold(ctx context.Context, name string, term int64, asked time.Time,
	work func(context.Context, int64) error) error {
	workCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		cancel(l.renew(workCtx, name, term, asked))
	}()
	err := work(workCtx, term)
	lost := context.Cause(workCtx) // before our own cancel
	cancel(nil)
	<-renewed
	if errors.Is(lost, errLost) {
		return lost
	}
	releaseCtx, stop := context.WithTimeout(context.WithoutCancel(ctx), l.duration/3)
	defer stop()
	// When this fails the lease runs out by itself.
	if _, relErr := l.db.ReleaseLease(releaseCtx, database.ReleaseLeaseParams{
		Name: name, Holder: l.holder, Term: term}); relErr != nil {
		l.log.Warn("lease not released", "lease", name, "term", term, "error", relErr)
	}
	return err
}

// renew extends the lease every third of its duration until ctx ends, and
// returns why it no longer holds. It gives up a tenth before the end.
func (l *Leases) renew(ctx context.Context, name string, term int64, asked time.Time) error {
	for {
		giveUp := asked.Add(l.duration - l.duration/10)
		wait := time.Until(asked.Add(l.duration / 3))
		var last error
		for { // one round: try until it is renewed or too late
			sleep(ctx, max(wait, l.duration/30))
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !time.Now().Before(giveUp) {
				return fmt.Errorf("%w: not renewed in time: %w", errLost, last)
			}
			now := time.Now()
			renewCtx, cancel := context.WithDeadline(ctx, giveUp)
			n, err := l.db.RenewLease(renewCtx, database.RenewLeaseParams{
				Name: name, Holder: l.holder, Term: term, Seconds: l.duration.Seconds()})
			cancel()
			if err == nil && n == 0 {
				return fmt.Errorf("%w: it has another holder or ran out", errLost)
			}
			if err == nil {
				asked = now
				break
			}
			last, wait = err, 0
		}
	}
}

// sleep waits for about d (80 to 100 %), or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	d -= rand.N(d/5 + 1)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
