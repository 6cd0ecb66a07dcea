package httpapi

import (
	"errors"
	"time"

	"coder.internal/api"
)

// outage is an error about the state of the database; *database.OutageError is one.
// Proxies share this package and have no database.
type outage interface {
	Outage() (reason string, uncertain bool)
}

// trouble returns what a caller is told of an error about the state of the database,
// nil for other errors. The cause stays in the log: it may name hosts and users.
func trouble(err error) *api.Error {
	var o outage
	if !errors.As(err, &o) {
		return nil
	}
	reason, uncertain := o.Outage()
	e := &api.Error{Code: api.CodeUnavailable, RetryAfter: 5 * time.Second}
	switch {
	case uncertain:
		e.Message = "The database went away while the change was being stored, so it may or may not have happened. Look before you try again."
	case reason == "busy":
		e.Message, e.RetryAfter = "The database has too much to do at the moment. Try again in a few seconds.", 2*time.Second
	case reason == "full":
		e.Message, e.RetryAfter = "The database cannot store anything, because its disk is full. Ask an administrator to make room.", 30*time.Second
	case reason == "read-only":
		e.Message = "The database takes no changes at the moment, because it is read-only. Try again in a few seconds."
	default:
		e.Message = "The database does not answer at the moment. Try again in a few seconds."
	}
	return e
}
