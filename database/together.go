package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errQueued is what a query returns while Together collects.
var errQueued = errors.New("queued")

// Together runs reads on one connection with one exchange, all on the same snapshot.
// A read calls exactly one query of those it is given and keeps what that returned.
// It is called twice: first to learn what it asks, when the query returns an error that
// the read has to pass on, and then with the answer. What one read needs of another
// one it can therefore only get inside the database: settings of the transaction (as
// in coder.page) are the way.
//
// The error is that of the first read that failed. The call has 10 s unless ctx has a
// deadline, and 30 s at most.
func (db *DB) Together(ctx context.Context, reads ...func(q *Queries) error) error {
	ctx, cancel := limit(ctx)
	defer cancel()
	// Queued first and last: a transaction costs no exchange of its own.
	var batch pgx.Batch
	batch.Queue("begin isolation level repeatable read read only")
	for i, read := range reads {
		err := read(New(&recorder{batch: &batch}))
		if !errors.Is(err, errQueued) || batch.Len() != i+2 {
			return fmt.Errorf("read %d together: wants to be one query, and to return its error: %w", i+1, err)
		}
	}
	batch.Queue("commit")
	for attempt := 1; ; attempt++ {
		conn, err := db.acquire(ctx)
		if err != nil {
			return err
		}
		start := db.state.elapsed()
		begun, err := answer(conn.SendBatch(ctx, &batch), reads)
		if err != nil {
			db.giveUp(ctx, conn.Conn())
		}
		conn.Release()
		err = db.failed(start, err)
		if err == nil || begun || !again(ctx, attempt, anyRead, err) {
			return err
		}
	}
}

// answer hands each read what it asked for; begun says that a first one got it.
func answer(results pgx.BatchResults, reads []func(*Queries) error) (begun bool, err error) {
	defer func() {
		if closed := results.Close(); err == nil && closed != nil {
			err = fmt.Errorf("end reads together: %w", closed)
		}
	}()
	if _, err := results.Exec(); err != nil {
		return false, fmt.Errorf("begin reads together: %w", err)
	}
	for _, read := range reads {
		if err := read(New(&replayer{results})); err != nil {
			return begun, err
		}
		begun = true
	}
	_, err = results.Exec()
	return begun, err
}

// giveUp ends the transaction of reads that failed, so that the pool keeps the
// connection. Where that fails too the pool closes it.
func (db *DB) giveUp(ctx context.Context, conn *pgx.Conn) {
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_, _ = conn.Exec(ctx, "rollback")
}

// recorder queues what is asked.
type recorder struct{ batch *pgx.Batch }

// Exec implements DBTX.
func (r *recorder) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	r.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, errQueued
}

// Query implements DBTX.
func (r *recorder) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.batch.Queue(sql, args...)
	return nil, errQueued
}

// QueryRow implements DBTX.
func (r *recorder) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	r.batch.Queue(sql, args...)
	return queuedRow{}
}

type queuedRow struct{}

func (queuedRow) Scan(...any) error { return errQueued }

// replayer answers with the results of what was queued, in the same order.
type replayer struct{ results pgx.BatchResults }

// Exec implements DBTX.
func (r *replayer) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return r.results.Exec()
}

// Query implements DBTX.
func (r *replayer) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return r.results.Query()
}

// QueryRow implements DBTX.
func (r *replayer) QueryRow(context.Context, string, ...any) pgx.Row { return r.results.QueryRow() }
