package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// bounded gives every call a deadline: callTimeout where the caller's context
// has none, and never later than until, where that is set. It reports failed
// calls to suspect.
type bounded struct {
	run     DBTX
	until   time.Time
	suspect func(context.Context, error)
}

func (b *bounded) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if !b.until.IsZero() {
		return context.WithDeadline(ctx, b.until)
	}
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, callTimeout)
}

// Exec implements DBTX.
func (b *bounded) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	ctx, cancel := b.limit(ctx)
	defer cancel()
	tag, err := b.run.Exec(ctx, sql, args...)
	if err != nil {
		b.suspect(ctx, err)
	}
	return tag, err
}

// Query implements DBTX. The deadline covers reading the rows too.
func (b *bounded) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	ctx, cancel := b.limit(ctx)
	rows, err := b.run.Query(ctx, sql, args...)
	if err != nil {
		b.suspect(ctx, err)
		cancel()
		return rows, err
	}
	return &boundedRows{Rows: rows, ctx: ctx, cancel: cancel, suspect: b.suspect}, nil
}

// QueryRow implements DBTX.
func (b *bounded) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	ctx, cancel := b.limit(ctx)
	return &boundedRow{row: b.run.QueryRow(ctx, sql, args...), ctx: ctx, cancel: cancel, suspect: b.suspect}
}

// boundedRows releases its deadline when the rows are closed, by the caller or
// by reading the last one. It holds the call's context because the interface
// of rows leaves no other place for it.
type boundedRows struct {
	pgx.Rows
	ctx     context.Context
	cancel  context.CancelFunc
	suspect func(context.Context, error)
}

func (r *boundedRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	if err := r.Rows.Err(); err != nil {
		r.suspect(r.ctx, err)
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
	ctx     context.Context
	cancel  context.CancelFunc
	suspect func(context.Context, error)
}

func (r *boundedRow) Scan(dest ...any) error {
	defer r.cancel()
	err := r.row.Scan(dest...)
	if err != nil && !IsNotFound(err) {
		r.suspect(r.ctx, err)
	}
	return err
}
