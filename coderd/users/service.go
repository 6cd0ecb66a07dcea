// Package users owns people, organizations and membership: who exists, what they
// are called, which roles they hold, how custom roles are defined, who is in which
// group, and the SSH key by which their workspaces sign in to Git servers. It also
// edits access lists for the packages whose objects have them.
//
// A user is active, dormant (made but never signed in, or not seen for 90 days), or
// suspended; signing in or using a token ends dormancy. Deletion keeps the row for
// history and frees the names. Suspending and deleting end all keys of the user in
// the same transaction.
//
// Three rules hold for every change: nobody changes a user who holds a role that
// the caller lacks, nobody gives, takes or defines a role that permits more than the
// caller may do, and the last active owner stays.
package users

import (
	"errors"
	"log/slog"

	"coder.internal/coderd/keys"
	"coder.internal/database"
	"coder.internal/internal/clock"
	"coder.internal/internal/password"
)

// Options configure New. All fields are required.
type Options struct {
	DB        *database.DB
	Passwords *password.Hasher
	// Ring seals the private halves of Git SSH keys.
	Ring  *keys.Ring
	Log   *slog.Logger
	Clock clock.Clock
	// QuietHours are those of users who set none.
	QuietHours QuietHours
}

// Service changes and lists people. Use New. It is safe for concurrent use and
// starts nothing.
type Service struct {
	opts Options
}

// New returns a Service.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Passwords == nil || o.Ring == nil || o.Log == nil || o.Clock == nil {
		return nil, errors.New("users: Options needs DB, Passwords, Ring, Log and Clock")
	}
	if o.QuietHours.Default == "" {
		o.QuietHours = DefaultQuietHours()
	}
	if err := o.QuietHours.Validate(); err != nil {
		return nil, err
	}
	o.Log = o.Log.With("component", "users")
	return &Service{opts: o}, nil
}
