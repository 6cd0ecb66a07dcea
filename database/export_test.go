package database

import (
	"context"
	"io/fs"
)

// MigrateFiles is DB.Migrate with other migrations, for tests of failures.
func MigrateFiles(ctx context.Context, db *DB, files fs.FS) error {
	all, err := readMigrations(files)
	if err != nil {
		return err
	}
	return db.migrate(ctx, all)
}
