package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// bounded gives the statements of a transaction the deadline of the whole, and hears
// of those that fail.
type bounded struct {
	run   DBTX
	db    *DB
	until time.Time
	wrote bool // whether a statement has changed rows
}

// Exec implements DBTX.
func (b *bounded) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	ctx, cancel := context.WithDeadline(ctx, b.until)
	defer cancel()
	start := b.db.state.elapsed()
	tag, err := b.run.Exec(ctx, sql, args...)
	b.wrote = b.wrote || err == nil && tag.RowsAffected() > 0 && !isRead(sql)
	return tag, b.db.failed(start, err)
}

// Query implements DBTX. The deadline covers reading the rows too.
func (b *bounded) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	ctx, cancel := context.WithDeadline(ctx, b.until)
	start := b.db.state.elapsed()
	rows, err := b.run.Query(ctx, sql, args...)
	if err != nil {
		cancel()
		return rows, b.db.failed(start, err)
	}
	return &boundedRows{Rows: rows, cancel: cancel, failed: func(err error) error { return b.db.failed(start, err) }}, nil
}

// QueryRow implements DBTX.
func (b *bounded) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	ctx, cancel := context.WithDeadline(ctx, b.until)
	start := b.db.state.elapsed()
	row := b.run.QueryRow(ctx, sql, args...)
	return rowFunc(func(dest ...any) error {
		defer cancel()
		err := b.db.failed(start, row.Scan(dest...))
		b.wrote = b.wrote || err == nil && !isRead(sql)
		return err
	})
}

// boundedRows releases its deadline when the rows are closed, by the caller or
// by reading the last one.
type boundedRows struct {
	pgx.Rows
	cancel context.CancelFunc
	failed func(error) error
	err    error // of the end; nil before
}

// Next implements pgx.Rows.
func (r *boundedRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	if r.err == nil {
		r.err = r.failed(r.Rows.Err())
	}
	r.cancel()
	return false
}

// Err implements pgx.Rows.
func (r *boundedRows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.Rows.Err()
}

// Close implements pgx.Rows.
func (r *boundedRows) Close() {
	r.Rows.Close()
	r.cancel()
}
