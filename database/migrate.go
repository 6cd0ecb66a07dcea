package database

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Migrations only expand: the previous release keeps working on the new schema.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

const (
	// migrateLock is the advisory lock of all migrating processes ("coder").
	migrateLock    = int64(0x636f646572)
	migrateTimeout = 10 * time.Minute
	createVersions = `create table if not exists schema_migrations (
	version bigint primary key,
	name text not null,
	applied_at timestamptz not null default now())`
)

type migration struct {
	version int64
	name    string
	sql     string
}

// Migrate brings the schema to this release, one transaction a migration, each under
// an advisory lock: several replicas may call it at once. Nothing to do costs
// one round trip. A schema that is newer than this release is accepted with a
// warning, because migrations only expand. It blocks for at most 10 minutes.
func (db *DB) Migrate(ctx context.Context) error {
	known, err := readMigrations(migrationFiles)
	if err != nil {
		return err
	}
	return db.migrate(ctx, known)
}

func (db *DB) migrate(ctx context.Context, known []migration) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	applied, err := appliedVersions(ctx, db.pool)
	if err != nil {
		return err
	}
	if len(pending(known, applied)) == 0 {
		return db.checkApplied(known, applied)
	}
	// A connection of its own: the session's timeouts do not apply to waiting for
	// another replica.
	conn, err := db.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	err = locked(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, createVersions)
		return err
	})
	if err != nil {
		return fmt.Errorf("create schema_migrations: %w", err)
	}
	if applied, err = appliedVersions(ctx, conn); err != nil {
		return err
	}
	if err := db.checkApplied(known, applied); err != nil {
		return err
	}
	for _, m := range pending(known, applied) {
		start := time.Now()
		done, err := apply(ctx, conn, m)
		if err != nil {
			return fmt.Errorf("migration %06d_%s: %w", m.version, m.name, err)
		}
		if done {
			db.log.Info("migration applied", "version", m.version, "name", m.name, "took", time.Since(start))
		}
	}
	return nil
}

// locked runs one transaction that no other migrating process has beside it. The lock
// ends with the transaction and not with the connection, which may be lent by a
// pooler, and so may have settings of others.
func locked(ctx context.Context, conn *pgx.Conn, run func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local statement_timeout = 0; set local lock_timeout = 0; "+
			"set local idle_in_transaction_session_timeout = 0", pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf("select pg_advisory_xact_lock(%d)", migrateLock), pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("wait for the migration lock: %w", err)
		}
		return run(tx)
	})
}

// apply runs one migration in one transaction, unless another process has done it
// meanwhile. A lock that is not free within 10 s is given up and asked for again, so
// that readers queued behind us pass.
func apply(ctx context.Context, conn *pgx.Conn, m migration) (done bool, err error) {
	for range 3 {
		err = locked(ctx, conn, func(tx pgx.Tx) error {
			applied, err := appliedVersions(ctx, tx)
			if _, there := applied[m.version]; err != nil || there {
				return err
			}
			if _, err := tx.Exec(ctx, "set local lock_timeout = '10s'", pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, m.sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			done = true
			_, err = tx.Exec(ctx, "insert into schema_migrations (version, name) values ($1, $2)",
				pgx.QueryExecModeSimpleProtocol, m.version, m.name)
			return err
		})
		if err == nil || (sqlState(err) != "55P03" && !isRetryable(err)) {
			return done, err
		}
	}
	return done, err
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// appliedVersions reads what the database has: version → name, nothing when
// the table is not there yet.
func appliedVersions(ctx context.Context, q querier) (map[int64]string, error) {
	// ForEachRow reports the error of the query too.
	rows, _ := q.Query(ctx, "select version, name from schema_migrations", pgx.QueryExecModeSimpleProtocol)
	applied := map[int64]string{}
	var version int64
	var name string
	_, err := pgx.ForEachRow(rows, []any{&version, &name}, func() error {
		applied[version] = name
		return nil
	})
	if sqlState(err) == "42P01" { // undefined_table
		return applied, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read schema_migrations: %w", err)
	}
	return applied, nil
}

// checkApplied refuses a database that belongs to something else, and warns of
// one that a newer release has migrated.
func (db *DB) checkApplied(known []migration, applied map[int64]string) error {
	newest := int64(0)
	for _, m := range known {
		newest = max(newest, m.version)
		if name, ok := applied[m.version]; ok && name != m.name {
			return fmt.Errorf("migration %d of the database is %q, of this release %q: "+
				"the database belongs to another program or a foreign build", m.version, name, m.name)
		}
	}
	ahead := int64(0)
	for v := range applied {
		ahead = max(ahead, v)
	}
	if ahead > newest {
		db.log.Warn("the database is of a newer release", "database_version", ahead, "release_version", newest)
	}
	return nil
}

func pending(known []migration, applied map[int64]string) []migration {
	return slices.DeleteFunc(slices.Clone(known), func(m migration) bool {
		_, ok := applied[m.version]
		return ok
	})
}

// readMigrations reads NNNNNN_name.up.sql files in order of their number.
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var all []migration
	for _, file := range names {
		base := strings.TrimPrefix(file, "migrations/")
		number, name, ok := strings.Cut(base, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || len(number) != 6 || version < 1 || !strings.HasSuffix(name, ".up.sql") {
			return nil, fmt.Errorf("migration file %q: want NNNNNN_name.up.sql", base)
		}
		sql, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, fmt.Errorf("read migration %q: %w", base, err)
		}
		all = append(all, migration{version, strings.TrimSuffix(name, ".up.sql"), string(sql)})
	}
	slices.SortFunc(all, func(a, b migration) int { return int(a.version - b.version) })
	for i := 1; i < len(all); i++ {
		if all[i].version == all[i-1].version {
			return nil, fmt.Errorf("two migrations have the number %06d", all[i].version)
		}
	}
	return all, nil
}
