package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// callAttempts is how often a statement outside a transaction is sent at most.
const callAttempts = 3

// pooled runs statements outside a transaction, each on a connection of its own and
// with a deadline. A read whose connection was lost, and what a read-only server has
// refused, runs again on another connection.
type pooled struct{ db *DB }

// limit gives ctx a deadline: callTimeout where it has none, callMax where it has a
// later one.
func limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithTimeout(ctx, callMax)
	}
	return context.WithTimeout(ctx, callTimeout)
}

// again reports whether a statement may be sent once more after err.
func again(ctx context.Context, attempt int, sql string, err error) bool {
	if attempt >= callAttempts || ctx.Err() != nil {
		return false
	}
	return sqlState(err) == "25006" || isLost(err) && isRead(sql)
}

// sent is the outcome of a statement that was sent.
func (db *DB) sent(start time.Duration, sql string, err error) error {
	err = db.failed(start, err)
	if err != nil && !isRead(sql) {
		return uncertain(err)
	}
	return err
}

// try runs call on a connection, and again where that is safe.
func (p pooled) try(ctx context.Context, sql string, call func(conn *pgxpool.Conn) error) error {
	for attempt := 1; ; attempt++ {
		conn, err := p.db.acquire(ctx)
		if err != nil {
			return err
		}
		start := p.db.state.elapsed()
		err = call(conn)
		conn.Release()
		err = p.db.sent(start, sql, err)
		if err == nil || !again(ctx, attempt, sql, err) {
			return err
		}
	}
}

// Exec implements DBTX.
func (p pooled) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	ctx, cancel := limit(ctx)
	defer cancel()
	err = p.try(ctx, sql, func(conn *pgxpool.Conn) (err error) {
		tag, err = conn.Exec(ctx, sql, args...)
		return err
	})
	if err == nil {
		p.db.state.stored(sql, tag.RowsAffected())
	}
	return tag, err
}

// QueryRow implements DBTX. The statement runs when the row is scanned.
func (p pooled) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return rowFunc(func(dest ...any) error {
		ctx, cancel := limit(ctx)
		defer cancel()
		err := p.try(ctx, sql, func(conn *pgxpool.Conn) error {
			return conn.QueryRow(ctx, sql, args...).Scan(dest...)
		})
		if err == nil {
			p.db.state.stored(sql, 1)
		}
		return err
	})
}

type rowFunc func(dest ...any) error

// Scan implements pgx.Row.
func (f rowFunc) Scan(dest ...any) error { return f(dest...) }

// Query implements DBTX. The deadline covers reading the rows too.
func (p pooled) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	ctx, cancel := limit(ctx)
	r := &pooledRows{cancel: cancel}
	r.sent = func(err error) error { return p.db.sent(r.start, sql, err) }
	r.again = func(err error) bool {
		r.attempt++
		return again(ctx, r.attempt, sql, err)
	}
	r.ask = func() (err error) {
		if r.conn, err = p.db.acquire(ctx); err != nil {
			r.attempt = callAttempts // it has waited already
			return err
		}
		r.start = p.db.state.elapsed()
		r.Rows, err = r.conn.Query(ctx, sql, args...)
		return err
	}
	for {
		err := r.ask()
		if err == nil {
			return r, nil
		}
		err = r.end(err)
		if !r.again(err) {
			cancel()
			return nil, err
		}
	}
}

// pooledRows gives connection and deadline back when the rows are closed, by the
// caller or by reading the last one.
type pooledRows struct {
	pgx.Rows
	conn    *pgxpool.Conn // nil when it was given back
	start   time.Duration
	cancel  context.CancelFunc
	sent    func(error) error
	again   func(error) bool
	ask     func() error
	attempt int
	begun   bool
	err     error // of the end; nil before
}

// end gives the connection back.
func (r *pooledRows) end(err error) error {
	if r.conn == nil {
		return err
	}
	r.conn.Release()
	r.conn = nil
	return r.sent(err)
}

// Next implements pgx.Rows. The server's refusal of a statement arrives here.
func (r *pooledRows) Next() bool {
	for {
		if r.Rows.Next() {
			r.begun = true
			return true
		}
		if r.conn == nil {
			return false
		}
		if r.err = r.end(r.Rows.Err()); r.err == nil || r.begun || !r.again(r.err) {
			break
		}
		if r.err = r.ask(); r.err != nil {
			r.err = r.end(r.err)
			break
		}
	}
	r.cancel()
	return false
}

// Err implements pgx.Rows.
func (r *pooledRows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.Rows.Err()
}

// Close implements pgx.Rows.
func (r *pooledRows) Close() {
	r.Rows.Close()
	if r.conn != nil {
		r.err = r.end(r.Rows.Err())
	}
	r.cancel()
}
