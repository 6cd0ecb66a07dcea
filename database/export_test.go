package database

import (
	"context"
	"io/fs"

	"coder.internal/api"
)

// MigrateFiles is DB.Migrate with other migrations, for tests of failures.
func MigrateFiles(ctx context.Context, db *DB, files fs.FS) error {
	all, err := readMigrations(files)
	if err != nil {
		return err
	}
	return db.migrate(ctx, all)
}

// ReadSettings is a query that tells three settings.
func ReadSettings(ctx context.Context, q *Queries, a, b, c string) (out string, err error) {
	err = q.db.QueryRow(ctx, "select concat_ws(' ', current_setting($1, true), current_setting($2, true), current_setting($3, true))",
		a, b, c).Scan(&out)
	return out, err
}

// Fail is a query that the server refuses when it runs it.
func Fail(ctx context.Context, q *Queries) error {
	_, err := q.db.Exec(ctx, "select 1 / $1::integer", 0)
	return err
}

// WaitersMin is waitersMin.
const WaitersMin = waitersMin

// ScanTexts reads a binary array of texts.
func ScanTexts(src []byte) (out []string, err error) {
	err = textsScanPlan{}.Scan(src, &out)
	return out, err
}

// ScanIDs is ScanTexts for ids.
func ScanIDs(src []byte) (out []api.ID, err error) {
	err = idsScanPlan{}.Scan(src, &out)
	return out, err
}
