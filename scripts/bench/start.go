package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/plain"
)

// start measures a server from nothing to healthy, and one that finds its
// database, beside Postgres alone.
func (b *bench) start(ctx context.Context) error {
	dir, err := b.sub("start")
	if err != nil {
		return err
	}
	// This first one also unpacks the binaries that the reference uses.
	kept := filepath.Join(dir, "kept")
	if _, err := startOnce(ctx, b.binary, kept); err != nil {
		return err
	}
	pg, err := b.postgres(kept, dir)
	if err != nil {
		return err
	}
	if err := b.coldStart(ctx, dir, pg); err != nil {
		return err
	}
	return b.warmStart(ctx, kept, pg)
}

func (b *bench) postgres(server, dir string) (*plain.Postgres, error) {
	bin, err := plain.FindPostgres(filepath.Join(server, "cache"))
	if err != nil {
		return nil, err
	}
	b.say("reference: %s", bin)
	pg := &plain.Postgres{Bin: bin, Dir: filepath.Join(dir, "plain")}
	pg.UID, pg.GID, err = plain.Account()
	return pg, errors.Join(err, os.MkdirAll(pg.Dir, 0o711))
}

// startOnce starts a server in dir and stops it.
func startOnce(ctx context.Context, binary, dir string) (time.Duration, error) {
	s, err := deploy.Start(ctx, binary, dir)
	if err != nil {
		return 0, err
	}
	return s.Healthy, s.Stop()
}

func (b *bench) coldStart(ctx context.Context, dir string, pg *plain.Postgres) error {
	values, err := rounds(ctx, b.n, 0,
		single("cold start", func(ctx context.Context) (time.Duration, error) {
			fresh := filepath.Join(dir, b.unique("cold"))
			took, err := startOnce(ctx, b.binary, fresh)
			return took, errors.Join(err, os.RemoveAll(fresh))
		}),
		single("initdb and postgres", func(ctx context.Context) (time.Duration, error) {
			name := b.unique("cluster")
			took, err := pg.Cold(ctx, name)
			return took, errors.Join(err, os.RemoveAll(filepath.Join(pg.Dir, name)))
		}))
	if err != nil {
		return err
	}
	ref := values[1][0].side("initdb + postgres until it accepts")
	return b.emit(newFigure("cold start: empty directories to healthy", "s", values[0][0], &ref, atMostTimes(1.5)))
}

func (b *bench) warmStart(ctx context.Context, kept string, pg *plain.Postgres) error {
	if _, err := pg.Cold(ctx, "warm"); err != nil {
		return err
	}
	values, err := rounds(ctx, b.n, 0,
		single("warm start", func(ctx context.Context) (time.Duration, error) { return startOnce(ctx, b.binary, kept) }),
		single("postgres", func(ctx context.Context) (time.Duration, error) { return pg.Warm(ctx, "warm") }))
	if err != nil {
		return err
	}
	ref := values[1][0].side("postgres until it accepts")
	return b.emit(newFigure("warm start: existing database to healthy", "s", values[0][0], &ref, atMostPlus(0.15)))
}
