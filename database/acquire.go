package database

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// waitersMin and waitersEach bound how many callers wait for a connection: a
	// minimum, and so many for each connection of the pool.
	waitersMin  = 512
	waitersEach = 32
	// awayPatience is how long callers wait while Postgres is known to be away.
	awayPatience = 3 * time.Second
	// reconnectFirst and reconnectLast are pauses after a failed connection.
	reconnectFirst = 100 * time.Millisecond
	reconnectLast  = time.Second
	// idleAsked is how long a connection may be idle before it is asked whether it
	// is alive.
	idleAsked = time.Second
)

// acquire takes a connection from the pool, or makes one. What Postgres refuses while
// it starts, stops or is full of others is tried again for as long as callTimeout, or
// awayPatience when it is known to be away. The error is an *OutageError, or
// that of ctx, which has a deadline.
func (db *DB) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	start := db.state.elapsed()
	if n := db.waiting.Add(1); n > db.maxWaiting {
		db.waiting.Add(-1)
		db.refused.Add(1)
		return nil, db.failed(start, fmt.Errorf("acquire connection: %w", errCrowded))
	}
	defer db.waiting.Add(-1)
	patience := callTimeout
	if db.state.troubled.Load() && !db.Condition().Reachable {
		patience = awayPatience
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	for pause := reconnectFirst; ; pause = min(2*pause, reconnectLast) {
		conn, err := db.pool.Acquire(ctx)
		if err == nil {
			return conn, nil
		}
		if isUnconnected(err) {
			err = &UnreachableError{Host: db.where, Cause: causeOf(err), err: err}
		}
		err = db.failed(start, fmt.Errorf("acquire connection: %w", err))
		if ctx.Err() != nil || db.state.elapsed()-start > patience || !IsOutage(err) || isRefusedForGood(err) {
			return nil, err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		case <-timer.C:
		}
	}
}

// failed notes the outcome of a call that began at start, and returns it as an
// *OutageError where it is one. Every failed call comes here.
func (db *DB) failed(start time.Duration, err error) error {
	if err == nil || IsNotFound(err) {
		db.state.ok()
		return err
	}
	err = db.outage(err, start)
	var o *OutageError
	if !asOutage(err, &o) {
		if sqlState(err) != "" {
			db.state.ok() // a no is an answer
		}
		return err
	}
	if o.Reason != Away || isTimeout(err) || isUnconnected(err) {
		db.state.bad(o.Reason, err, start)
	}
	db.suspect(o)
	return err
}

// alive is asked before an idle connection is given out: those of a server that has
// ended show it, and those that were idle for a while are asked. A connection that
// does not answer is closed by that.
func (db *DB) alive(ctx context.Context, p pgxpool.ShouldPingParams) {
	s := socketOf(p.Conn)
	if p.IdleDuration < idleAsked && (s == nil || s.quiet()) {
		return
	}
	start := db.state.elapsed()
	// A caller who leaves must not cost a good connection.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
	defer cancel()
	if err := p.Conn.Ping(ctx); err != nil {
		_ = db.failed(start, fmt.Errorf("ping an idle connection: %w", err))
	}
}

// Connect makes a connection outside the pool, with the pool's time-outs and order of
// hosts but without its session settings. The caller closes it.
func (db *DB) Connect(ctx context.Context) (*pgx.Conn, error) {
	start := db.state.elapsed()
	cfg := db.pool.Config().ConnConfig
	db.hosts.prepare(cfg)
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, db.failed(start, unreachable(cfg, err))
	}
	return conn, nil
}

// Load is how much the pool has to do.
type Load struct {
	Max, Open, InUse int
	Waiting          int   // callers without a connection
	Refused          int64 // callers who found too many of those, since the start
}

// Load returns the figures of now.
func (db *DB) Load() Load {
	s := db.pool.Stat()
	return Load{Max: int(s.MaxConns()), Open: int(s.TotalConns()), InUse: int(s.AcquiredConns()),
		Waiting: int(db.waiting.Load()), Refused: db.refused.Load()}
}
