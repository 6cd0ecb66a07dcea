package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"coder.internal/scripts/bench/proc"
)

// Postgres is the built-in one in a process of its own. A postmaster that ends is
// started again by that process.
type Postgres struct {
	binary, dir string
	url         string
	process     *proc.Process
}

// URL is the database's; it is known once the cluster has started.
func (p *Postgres) URL() string { return p.url }

func (p *Postgres) spec(args ...string) proc.Spec {
	return proc.Spec{Path: p.binary, Args: append([]string{"server"}, args...), Dir: p.dir, Env: []string{"PATH=" + os.Getenv("PATH"),
		"HOME=" + p.dir, "LANG=C.UTF-8", "CODER_CONFIG_DIR=" + filepath.Join(p.dir, "config"), "CODER_CACHE_DIRECTORY=" + filepath.Join(p.dir, "cache")}}
}

func (p *Postgres) start(ctx context.Context) error {
	if err := os.MkdirAll(p.dir, 0o711); err != nil { //nolint:gosec // the user of Postgres passes
		return err
	}
	r, err := proc.Run(ctx, p.spec("postgres-builtin-url", "--raw-url"))
	if err != nil {
		return err
	}
	p.url = strings.TrimSpace(r.Stdout)
	if p.process, err = proc.Start("postgres", filepath.Join(p.dir, "postgres.log"), p.spec("postgres-builtin-serve")); err != nil {
		return err
	}
	return p.Ready(ctx)
}

// Ready waits until it takes connections.
func (p *Postgres) Ready(ctx context.Context) error {
	return proc.Until(ctx, "postgres", 20*time.Millisecond, startWithin, func() (bool, error) {
		select {
		case <-p.process.Done():
			return false, p.process.Ended()
		default:
		}
		conn, err := pgx.Connect(ctx, p.url)
		if err != nil {
			return false, ctx.Err() // not there yet
		}
		return true, conn.Close(ctx)
	})
}

func (p *Postgres) stop() error {
	if p.process == nil {
		return nil
	}
	return p.process.Stop(syscall.SIGTERM, stopWithin)
}

// Crash ends the postmaster and all its backends at once, without a checkpoint. It
// comes back by itself and recovers.
func (p *Postgres) Crash() error {
	tree, err := proc.Tree(p.process.Pid())
	if err != nil {
		return err
	}
	if len(tree) < 2 {
		return errors.New("there is no postmaster at the moment")
	}
	return syscall.Kill(tree[1], syscall.SIGQUIT) // "immediate shutdown"
}

// Terminate ends up to n connections of replicas, the oldest first, and says how
// many it were.
func (p *Postgres) Terminate(ctx context.Context, n int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return 0, fmt.Errorf("connect to end connections: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // it has done its work
	const query = `select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() order by backend_start limit $1) as oldest`
	var ended int
	if err := conn.QueryRow(ctx, query, n).Scan(&ended); err != nil {
		return 0, fmt.Errorf("end connections: %w", err)
	}
	return ended, nil
}
