package database

import (
	"context"
)

// Aside starts read on a connection of its own, to run at the same time as what the
// caller asks next, and returns what waits for it, which the caller has to call. Where
// the pool is in use it starts nothing and returns nil: at such times two reads at once
// only take a connection from somebody else.
//
// read and what comes next do not see the same snapshot. read holds no other
// connection while it waits for one, so that callers cannot wait for each other.
func (db *DB) Aside(ctx context.Context, read func(ctx context.Context, q *Queries) error) (wait func() error) {
	// One is for the read and one for what the caller asks.
	if s := db.pool.Stat(); s.IdleConns() < 2 || 2*s.AcquiredConns() > s.MaxConns() {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- read(ctx, db.Queries) }()
	return func() error {
		defer cancel()
		return <-done
	}
}
