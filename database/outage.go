package database

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// What an OutageError is about.
const (
	Away     = "away"      // nothing answers, or what does is starting or stopping
	Busy     = "busy"      // no connection was free, or a lock was not, in the time there was
	Full     = "full"      // the disk of Postgres is full: it reads and does not write
	ReadOnly = "read-only" // a standby, or a primary that was told not to write
)

// OutageError says that a call failed because of the state that Postgres is in, not
// because of what was asked: the same call may do well later. Its text is that of
// the cause.
type OutageError struct {
	Reason string
	// Uncertain says that the change may have been made all the same: the answer was
	// lost.
	Uncertain bool
	err       error
}

// Error implements error.
func (e *OutageError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *OutageError) Unwrap() error { return e.err }

// Outage tells those who do not import this package what happened.
func (e *OutageError) Outage() (reason string, uncertain bool) { return e.Reason, e.Uncertain }

// IsOutage reports whether err is about the state of Postgres.
func IsOutage(err error) bool {
	var o *OutageError
	return errors.As(err, &o)
}

func asOutage(err error, o **OutageError) bool { return errors.As(err, o) }

// errCrowded is the cause where too many callers wait for a connection already.
var errCrowded = errors.New("too many callers wait for a connection to postgres")

// outage wraps err where it is about the state of Postgres. start is when the call
// began.
func (db *DB) outage(err error, start time.Duration) error {
	if err == nil || IsOutage(err) {
		return err
	}
	if reason := db.reasonOf(err, start); reason != "" {
		return &OutageError{Reason: reason, err: err}
	}
	return err
}

// reasonOf returns "" for what has another cause, such as a caller who went away.
func (db *DB) reasonOf(err error, start time.Duration) string {
	switch state := sqlState(err); {
	case state == "53100":
		return Full
	case state == "25006":
		return ReadOnly
	case state == "53200", state == "53300", state == "53400", state == "55P03", state == "57014":
		return Busy // memory, connections, limits; a lock, a statement that took too long
	case isLost(err):
		return Away
	case state != "":
		return ""
	}
	if errors.Is(err, errCrowded) {
		return Busy
	}
	if !isTimeout(err) {
		return ""
	}
	if time.Duration(db.state.answered.Load()) > start {
		return Busy // others were answered meanwhile
	}
	return Away
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// isLost reports that there was no connection, or that it ended: nothing of what a
// transaction did on it lasts, unless it was committing.
func isLost(err error) bool {
	if errors.Is(err, context.Canceled) || err == nil {
		return false
	}
	state := sqlState(err)
	if strings.HasPrefix(state, "57P0") || strings.HasPrefix(state, "08") {
		return true // shut down, crashed, starting, dropped; broken
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	if state != "" || isTimeout(err) {
		return false
	}
	// The driver's word for a closed connection is that a retry is safe, even after
	// something was sent.
	return pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNABORTED)
}

// isUnconnected reports that no connection could be made, as opposed to one that broke.
func isUnconnected(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}

// isRefusedForGood reports connections that are refused for what we are, not for the
// state of Postgres: asking again at once would be noise.
func isRefusedForGood(err error) bool {
	switch state := sqlState(err); {
	case state == "", strings.HasPrefix(state, "57P"), strings.HasPrefix(state, "53"), strings.HasPrefix(state, "08"):
		return false
	}
	return true
}

// anyRead stands for statements that isRead.
const anyRead = "select *"

// isRead reports whether a statement may run twice without harm.
func isRead(sql string) bool {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n")
		if !strings.HasPrefix(sql, "--") {
			return len(sql) > 7 && strings.EqualFold(sql[:6], "select") && strings.ContainsRune(" \t\r\n", rune(sql[6]))
		}
		_, rest, _ := strings.Cut(sql, "\n")
		sql = rest
	}
}
