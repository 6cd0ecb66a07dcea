package database

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	txAttempts      = 4
	rollbackTimeout = 2 * time.Second
)

// InTx runs fn in one read-committed transaction and commits it when fn returns
// nil. After a serialization failure, a deadlock, or the loss of the connection
// before the commit was sent, it starts over, up to three times. So fn must not
// change anything but the database, and must use only the queries it is given. The
// whole call has 10 s unless ctx has a deadline, and 30 s at most.
//
// An *OutageError that is Uncertain means that the commit may have happened and only
// its answer was lost: callers that retry must be safe to repeat.
func (db *DB) InTx(ctx context.Context, fn func(q *Queries) error) error {
	ctx, cancel := limit(ctx)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := db.once(ctx, fn)
		if err == nil || !canStartOver(err) || attempt == txAttempts || ctx.Err() != nil {
			return err
		}
		// 0–20, 0–40, 0–80 ms: apart from each other, below what a user notices.
		pause := time.Duration(rand.Int64N(int64(10*time.Millisecond) << attempt))
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

// errNoConnection marks what acquire returns: it has tried for long enough.
type errNoConnection struct{ error }

// Unwrap gives the cause.
func (e errNoConnection) Unwrap() error { return e.error }

// canStartOver reports whether a transaction that ended with err has surely changed
// nothing, and may do better at once.
func canStartOver(err error) bool {
	var o *OutageError
	if asOutage(err, &o) && o.Uncertain || errors.As(err, new(errNoConnection)) {
		return false
	}
	return isRetryable(err) || isLost(err) || sqlState(err) == "25006"
}

// once is one attempt of InTx. A panic in fn rolls back and goes on.
func (db *DB) once(ctx context.Context, fn func(q *Queries) error) error {
	conn, err := db.acquire(ctx)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", errNoConnection{err})
	}
	defer conn.Release()
	start := db.state.elapsed()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return fmt.Errorf("begin transaction: %w", db.failed(start, err))
	}
	done := false
	defer func() {
		if done {
			return
		}
		// Even when ctx is over: without it the connection would be thrown away.
		// An error here changes nothing; the pool drops the connection then.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	until, _ := ctx.Deadline()
	b := &bounded{run: tx, db: db, until: until}
	if err := fn(New(b)); err != nil {
		return err
	}
	done = true
	start = db.state.elapsed()
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit transaction: %w", uncertain(db.failed(start, err)))
	}
	db.state.ok()
	if b.wrote {
		db.state.wrote()
	}
	return nil
}

// uncertain marks the error of something that was sent and changes the database, when
// its answer was lost. A server that says no has undone it, unless it says that it
// ends. What the driver calls safe to retry is not asked: after the loss of an answer
// it may say so too.
func uncertain(err error) error {
	var o *OutageError
	if !asOutage(err, &o) || sqlState(err) != "" && !isLost(err) {
		return err
	}
	return &OutageError{Reason: o.Reason, Uncertain: true, err: o.err}
}
