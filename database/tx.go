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
// nil. After a serialization failure or a deadlock it starts over, up to three
// times, so fn must not change anything but the database, and must use only
// the queries it is given. The whole call has 10 s unless ctx has a
// deadline, and 30 s at most.
//
// An error of the commit itself may mean that the commit happened and only its
// answer was lost: callers that retry must be safe to repeat.
func (db *DB) InTx(ctx context.Context, fn func(q *Queries) error) error {
	limit := callTimeout
	if _, ok := ctx.Deadline(); ok {
		limit = callMax
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := db.once(ctx, fn)
		if err == nil || !isRetryable(err) || attempt == txAttempts {
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

// once is one attempt of InTx. A panic in fn rolls back and goes on.
func (db *DB) once(ctx context.Context, fn func(q *Queries) error) error {
	tx, err := db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		db.suspect(err)
		return fmt.Errorf("begin transaction: %w", err)
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
	if err := fn(New(&bounded{run: tx, until: until, suspect: db.suspect})); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(ctx); err != nil {
		db.suspect(err)
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}
