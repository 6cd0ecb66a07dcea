package database

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// repeatLog is how often trouble that goes on is logged again.
	repeatLog = time.Minute
	// tooSoon is how long a caller must at least have waited for its time-out to say
	// anything about Postgres.
	tooSoon = time.Second
	// refusalLasts is how long nothing has to be refused for writes to count as
	// possible again, where none has proven it.
	refusalLasts = 30 * time.Second
)

// Condition is how Postgres is, as the calls of this process see it.
type Condition struct {
	// Reachable is false from a call that got no answer until one gets one.
	Reachable bool
	// Writable is false from a write that was refused, because the disk is full or
	// the server read-only, until one is made.
	Writable bool
	Reason   string    // of the trouble, such as Away; "" without
	Since    time.Time // when it began; zero without
	Cause    error     // what the last failed call got; nil without
}

// condition follows the outcome of calls. A call that is answered costs an atomic
// write.
type condition struct {
	log      *slog.Logger
	opened   time.Time
	answered atomic.Int64 // when the last call was answered, since opened, in ns
	troubled atomic.Bool  // whether there is anything below

	mu      sync.Mutex
	away    trouble
	refused trouble
}

// trouble is none while since is zero.
type trouble struct {
	reason              string
	since, last, logged time.Time
	cause               error
}

func (t *trouble) note(log *slog.Logger, reason string, err error) {
	now := time.Now()
	if t.since.IsZero() {
		t.since = now
	}
	t.reason, t.cause, t.last = reason, err, now
	if t.logged.IsZero() || now.Sub(t.logged) >= repeatLog {
		t.logged = now
		log.Warn("postgres is in trouble", "reason", reason, "for", now.Sub(t.since).Round(time.Millisecond), "error", err)
	}
}

func (t *trouble) over(log *slog.Logger) {
	if t.since.IsZero() {
		return
	}
	log.Warn("postgres is well again", "reason", t.reason, "after", time.Since(t.since).Round(time.Millisecond))
	*t = trouble{}
}

// elapsed is the time since Open.
func (c *condition) elapsed() time.Duration { return time.Since(c.opened) }

// ok notes an answer, also one that says no.
func (c *condition) ok() {
	c.answered.Store(int64(c.elapsed()))
	if c.troubled.Load() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.away.over(c.log)
		c.troubled.Store(!c.refused.since.IsZero())
	}
}

// stored notes that a statement outside a transaction has done well.
func (c *condition) stored(sql string, rows int64) {
	if c.troubled.Load() && rows > 0 && !isRead(sql) {
		c.wrote()
	}
}

// wrote notes that a change was stored.
func (c *condition) wrote() {
	if c.troubled.Load() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refused.over(c.log)
		c.troubled.Store(!c.away.since.IsZero())
	}
}

// bad notes a call that began at start and failed for reason.
func (c *condition) bad(reason string, err error, start time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch reason {
	case Away:
		if time.Duration(c.answered.Load()) > start {
			return // others were answered meanwhile: it was that connection alone
		}
		if isTimeout(err) && c.elapsed()-start < tooSoon {
			return
		}
		c.away.note(c.log, reason, err)
	case Full, ReadOnly:
		c.refused.note(c.log, reason, err)
	default:
		return
	}
	c.troubled.Store(true)
}

// now returns the condition, the worst trouble of it.
func (c *condition) now() Condition {
	if !c.troubled.Load() {
		return Condition{Reachable: true, Writable: true}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.refused.since.IsZero() && time.Since(c.refused.last) > refusalLasts {
		c.refused.over(c.log)
		c.troubled.Store(!c.away.since.IsZero())
	}
	out := Condition{Reachable: c.away.since.IsZero(), Writable: c.away.since.IsZero() && c.refused.since.IsZero()}
	t := c.away
	if out.Reachable {
		t = c.refused
	}
	out.Reason, out.Since, out.Cause = t.reason, t.since, t.cause
	return out
}

// Condition says how Postgres is. It asks nothing: what it says is as new as the
// last call. It does not block.
func (db *DB) Condition() Condition { return db.state.now() }

// Reachable reports whether Postgres answers, and since when and why it does not.
// Like Condition it asks nothing.
func (db *DB) Reachable() (ok bool, since time.Time, cause error) {
	c := db.state.now()
	if c.Reachable {
		return true, time.Time{}, nil
	}
	return false, c.Since, c.Cause
}
