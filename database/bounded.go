package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// bounded gives every call a deadline: callTimeout where the caller's context
// has none, callMax where it has a later one, and until, where that is set. It
// reports failed calls to suspect.
type bounded struct {
	run     DBTX
	until   time.Time
	suspect func(error)
}

func (b *bounded) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if !b.until.IsZero() {
		return context.WithDeadline(ctx, b.until)
	}
	if _, ok := ctx.Deadline(); ok {
		return context.WithTimeout(ctx, callMax)
	}
	return context.WithTimeout(ctx, callTimeout)
}

// Exec implements DBTX.
func (b *bounded) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	ctx, cancel := b.limit(ctx)
	defer cancel()
	tag, err := b.run.Exec(ctx, sql, args...)
	if err != nil {
		b.suspect(err)
	}
	return tag, err
}

// Query implements DBTX. The deadline covers reading the rows too.
func (b *bounded) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	ctx, cancel := b.limit(ctx)
	rows, err := b.run.Query(ctx, sql, args...)
	if err != nil {
		b.suspect(err)
		cancel()
		return rows, err
	}
	return &boundedRows{Rows: rows, cancel: cancel, suspect: b.suspect}, nil
}

// QueryRow implements DBTX.
func (b *bounded) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	ctx, cancel := b.limit(ctx)
	return &boundedRow{row: b.run.QueryRow(ctx, sql, args...), cancel: cancel, suspect: b.suspect}
}

// boundedRows releases its deadline when the rows are closed, by the caller or
// by reading the last one.
type boundedRows struct {
	pgx.Rows
	cancel  context.CancelFunc
	suspect func(error)
}

func (r *boundedRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	if err := r.Rows.Err(); err != nil {
		r.suspect(err)
	}
	r.cancel()
	return false
}

func (r *boundedRows) Close() {
	r.Rows.Close()
	r.cancel()
}

type boundedRow struct {
	row     pgx.Row
	cancel  context.CancelFunc
	suspect func(error)
}

func (r *boundedRow) Scan(dest ...any) error {
	defer r.cancel()
	err := r.row.Scan(dest...)
	if err != nil && !IsNotFound(err) {
		r.suspect(err)
	}
	return err
}
