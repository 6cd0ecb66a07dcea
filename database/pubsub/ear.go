package pubsub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// callAgain is how often a deaf connection is tried again.
const callAgain = time.Minute

// errDeaf is the trouble of a connection through which no notification comes.
var errDeaf = errors.New("notifications of postgres do not arrive: a connection pooler in between does not pass them on, " +
	"so changes made by way of other replicas are seen seconds later, by polling")

// ear finds out whether what one connection listens for arrives.
type ear struct {
	p       *PubSub
	called  time.Time // when the last echo was asked for; zero where that failed
	waiting bool      // for the echo
	deaf    bool
}

// call sends a notification to this process by another connection. That one may be
// busy or away; then the next check calls.
func (e *ear) call(ctx context.Context) {
	err := within(ctx, func(ctx context.Context) error { return e.p.db.Notify(ctx, e.p.echo) })
	e.called, e.waiting = time.Time{}, err == nil
	if e.waiting {
		e.called = time.Now()
	}
}

// heard notes that a notification came.
func (e *ear) heard() {
	if e.waiting {
		e.waiting, e.deaf = false, false
		e.p.well()
	}
}

// check looks after the echo, after some time without any notification.
func (e *ear) check(ctx context.Context) {
	switch {
	case e.called.IsZero(), e.deaf && time.Since(e.called) >= callAgain:
		e.call(ctx)
	case e.waiting && !e.deaf && time.Since(e.called) >= pingEvery:
		e.deaf = true
		if before := e.p.set(errDeaf); !errors.Is(before, errDeaf) {
			e.p.log.Warn("hints do not come, polling goes on", "error", errDeaf)
		}
	}
}

// next waits for a notification. Nothing for pingEvery makes it ask whether the other
// side is still there.
func (e *ear) next(ctx context.Context, conn *pgx.Conn) (string, error) {
	for {
		waitCtx, cancel := context.WithTimeout(ctx, pingEvery)
		n, err := conn.WaitForNotification(waitCtx)
		cancel()
		if err == nil {
			e.heard()
			return n.Payload, nil
		}
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) || conn.IsClosed() {
			return "", fmt.Errorf("wait for a notification: %w", err)
		}
		if err := within(ctx, conn.Ping); err != nil {
			return "", fmt.Errorf("ping: %w", err)
		}
		e.check(ctx)
	}
}
