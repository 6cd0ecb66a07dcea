package database_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"coder.internal/database"
	"coder.internal/database/dbtest"
)

// TestAside: a read beside others takes place where connections are idle, and not where
// others wait for them.
func TestAside(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dbtest.URL(t))
	ctx := t.Context()
	count := func(ctx context.Context, q *database.Queries) error {
		_, err := q.CountWorkspaces(ctx)
		return err
	}
	var held []*pgxpool.Conn
	release := func() {
		for _, c := range held {
			c.Release()
		}
		held = nil
	}
	defer func() { release() }()
	hold := func(n int32) {
		for range n {
			c, err := db.Pool().Acquire(ctx)
			require.NoError(t, err)
			held = append(held, c)
		}
	}
	most := db.Pool().Config().MaxConns/2 + 1
	hold(most)
	require.Nil(t, db.Aside(ctx, count), "most are in use")
	release()
	wait := db.Aside(ctx, count)
	require.NotNil(t, wait)
	require.NoError(t, wait())

	failed := errors.New("failed")
	wait = db.Aside(ctx, func(context.Context, *database.Queries) error { return failed })
	require.NotNil(t, wait)
	require.ErrorIs(t, wait(), failed)
}

// TestRawJSON: a value is kept as it is, beyond the row that it came with.
func TestRawJSON(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	rows, err := db.Pool().Query(t.Context(), `select v from unnest(array['{"a": [1, "ü"]}', null, 'null', '""', '3']::jsonb[]) as v`)
	require.NoError(t, err)
	defer rows.Close()
	var got []json.RawMessage
	for rows.Next() {
		raw := json.RawMessage("before")
		require.NoError(t, rows.Scan(&raw))
		got = append(got, raw)
	}
	require.NoError(t, rows.Err())
	require.Equal(t, []json.RawMessage{json.RawMessage(`{"a": [1, "ü"]}`), nil, json.RawMessage("null"), json.RawMessage(`""`), json.RawMessage("3")}, got)
	var kept *json.RawMessage
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select $1::jsonb", json.RawMessage(`{"b": 1}`)).Scan(&kept))
	require.JSONEq(t, `{"b": 1}`, string(*kept))
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select null::jsonb").Scan(&kept))
	require.Nil(t, kept)
}
