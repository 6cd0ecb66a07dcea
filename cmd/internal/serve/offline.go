package serve

import (
	"context"
	"errors"
	"log/slog"
	"runtime"

	"coder.internal/api"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/users"
	"coder.internal/database"
	"coder.internal/database/local"
	"coder.internal/internal/lifecycle"
	"coder.internal/internal/password"
)

// BuiltinPostgres describes the built-in Postgres of a configuration directory
// without starting it.
func BuiltinPostgres(configDir, cacheDir, user string, log *slog.Logger) (*local.Server, error) {
	return local.New(local.Config{Dir: configDir, CacheDir: cacheDir, User: user, Log: log})
}

// Offline runs work on the deployment's database from the server's console: on
// url, else on the built-in Postgres, which is started for the while when the
// server is not running. Migrations are applied first.
func Offline(ctx context.Context, cfg Config, log *slog.Logger, work func(*database.DB) error) (err error) {
	dsn := cfg.PostgresURL.Reveal()
	opts := database.Options{MaxOpen: 2, Log: log}
	if dsn != "" {
		return withDatabase(ctx, dsn, opts, work)
	}
	pg, err := BuiltinPostgres(cfg.ConfigDir, cfg.CacheDir, cfg.PostgresUser, log)
	if err != nil {
		return err
	}
	err = withDatabase(ctx, pg.URL(), opts, work)
	var away *database.UnreachableError
	if !errors.As(err, &away) {
		return err
	}
	if dsn, err = pg.Start(ctx); err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), lifecycle.StopTimeout)
		defer cancel()
		err = errors.Join(err, pg.Stop(stop))
	}()
	return withDatabase(ctx, dsn, opts, work)
}

func withDatabase(ctx context.Context, dsn string, opts database.Options, work func(*database.DB) error) error {
	db, err := database.Open(ctx, dsn, opts)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	return work(db)
}

// passwordWorkers bounds the password hashes computed at once: each takes 19 MiB and
// a processor for some 25 ms. At most half of the processors hash, so that requests
// of others do not wait behind sign-ins.
func passwordWorkers() int { return min(max(runtime.GOMAXPROCS(0)/2, 1), 4) }

// ResetPassword sets a user's password and ends all their keys.
func ResetPassword(ctx context.Context, cfg Config, log *slog.Logger, username string, plain api.Secret) error {
	return Offline(ctx, cfg, log, func(db *database.DB) error {
		return auth.ResetPassword(ctx, db, password.New(passwordWorkers()), username, plain)
	})
}

// CreateOwner makes one more owner.
func CreateOwner(ctx context.Context, cfg Config, log *slog.Logger, req api.CreateFirstUserRequest) (u api.User, err error) {
	err = Offline(ctx, cfg, log, func(db *database.DB) error {
		u, err = users.CreateOwner(ctx, db, password.New(passwordWorkers()), req)
		return err
	})
	return u, err
}
