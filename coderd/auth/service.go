// Package auth finds out who somebody is: passwords, sessions, API tokens, and
// the limits on guessing them.
//
// A key (row of api_keys) is a session, whose expiry slides while it is used, or
// a named token, whose expiry is fixed. It ends when it expires, is expired or
// deleted by its owner, or its user is suspended or deleted. The check reads the
// database for each request; nothing is cached.
//
// It never decides what a caller may do with other things (rbac) and never keeps
// a secret: keys are stored as SHA-256, passwords as argon2id.
package auth

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/internal/password"
)

// Config is what an operator sets.
type Config struct {
	// SessionDuration is how long a session lives after its last use.
	SessionDuration time.Duration
	// DisableSessionRefresh ends sessions SessionDuration after login instead.
	DisableSessionRefresh bool
	// DisablePasswordAuth admits owners only by password.
	DisablePasswordAuth bool
	// Token lifetimes. MaxAdminTokenLifetime holds for owners.
	DefaultTokenLifetime  time.Duration
	MaxTokenLifetime      time.Duration
	MaxAdminTokenLifetime time.Duration
	// Deployment narrows what people may do.
	Deployment rbac.Deployment
	// SecureCookies marks cookies for https only.
	SecureCookies bool
	// CrossSiteCookies has browsers send the cookie of the session from pages of
	// others, too. It needs SecureCookies.
	CrossSiteCookies bool
	// HostPrefixCookie names the cookie so that no other host can set it. It needs
	// SecureCookies.
	HostPrefixCookie bool
}

// DefaultConfig returns the defaults of the reference.
func DefaultConfig() Config {
	return Config{
		SessionDuration:       24 * time.Hour,
		DefaultTokenLifetime:  168 * time.Hour,
		MaxTokenLifetime:      876600 * time.Hour,
		MaxAdminTokenLifetime: 168 * time.Hour,
	}
}

// Validate names the first option that is out of range.
func (c Config) Validate() error {
	for _, d := range []struct {
		option string
		value  time.Duration
	}{
		{"session-duration", c.SessionDuration},
		{"default-token-lifetime", c.DefaultTokenLifetime},
		{"max-token-lifetime", c.MaxTokenLifetime},
		{"max-admin-token-lifetime", c.MaxAdminTokenLifetime},
	} {
		if d.value < time.Second || d.value > 876600*time.Hour {
			return fmt.Errorf("%s is %s, allowed are 1s to 876600h", d.option, d.value)
		}
	}
	return nil
}

// Options configure New. All fields are required.
type Options struct {
	DB        *database.DB
	Passwords *password.Hasher
	Log       *slog.Logger
	Config    Config
}

// Service signs people in. Use New. It is safe for concurrent use and starts
// nothing.
type Service struct {
	opts Options
}

// New returns a Service.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Passwords == nil || o.Log == nil {
		return nil, errors.New("auth: Options needs DB, Passwords and Log")
	}
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	o.Log = o.Log.With("component", "auth")
	return &Service{opts: o}, nil
}
