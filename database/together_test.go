package database_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/database"
	"coder.internal/database/dbtest"
)

// TestTogether: what one read keeps is there for the next one, and gone afterwards.
func TestTogether(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx := t.Context()
	user := api.NewID()
	exec(t, db, `insert into users (id, username, email) values ($1, 'ann', 'ann@localhost.example')`, user)
	calls := 0
	var kept int32
	var found database.User
	var settings string
	require.NoError(t, db.Together(ctx,
		func(q *database.Queries) (err error) {
			calls++
			kept, err = q.KeepPage(ctx, []api.ID{user})
			return err
		},
		func(q *database.Queries) (err error) {
			found, err = q.GetUser(ctx, user)
			return err
		},
		func(q *database.Queries) (err error) {
			settings, err = database.ReadSettings(ctx, q, "transaction_isolation", "transaction_read_only", "coder.page")
			return err
		}))
	require.Equal(t, 2, calls, "once to ask and once to answer")
	require.EqualValues(t, len("{}")+len(user.String()), kept)
	require.Equal(t, "ann", found.Username)
	require.Equal(t, "repeatable read on {"+user.String()+"}", settings)

	require.NoError(t, db.Together(ctx, func(q *database.Queries) (err error) {
		settings, err = database.ReadSettings(ctx, q, "coder.page", "transaction_read_only", "coder.page")
		return err
	}))
	require.Equal(t, " on ", settings)
}

// TestTogetherFails: the error of a read comes out, and the connection goes on.
func TestTogetherFails(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dbtest.URL(t))
	ctx := t.Context()
	fine := func(q *database.Queries) error {
		_, err := q.KeepPage(ctx, nil)
		return err
	}
	require.NoError(t, db.Together(ctx, fine))
	before := db.Pool().Stat().NewConnsCount()
	for range 3 {
		err := db.Together(ctx, fine, func(q *database.Queries) error {
			_, err := q.GetUser(ctx, api.NewID())
			return err
		}, fine)
		require.True(t, database.IsNotFound(err), "%v", err)
		err = db.Together(ctx, fine, func(q *database.Queries) error {
			return database.Fail(ctx, q)
		}, fine)
		require.ErrorContains(t, err, "division by zero")
		require.NoError(t, db.Together(ctx, fine))
	}
	require.Equal(t, before, db.Pool().Stat().NewConnsCount(), "connections made anew")

	own := errors.New("of the read itself")
	require.ErrorIs(t, db.Together(ctx, func(*database.Queries) error { return own }), own)
	require.ErrorContains(t, db.Together(ctx, func(*database.Queries) error { return nil }), "one query")
	require.ErrorContains(t, db.Together(ctx, func(q *database.Queries) error {
		_ = fine(q)
		return fine(q)
	}), "one query")
}

// TestIDsTravelAsBytes: an id of the wrong kind or none at all is an error, and lists,
// absent ids and those of outer joins are read.
func TestIDsTravelAsBytes(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	id := api.NewID()
	var one, empty api.ID
	var maybe, none *api.ID
	var many []api.ID
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select $1::uuid, $1::uuid, null::uuid, array[$1::uuid, $2::uuid]", id, api.ID{}).
		Scan(&one, &maybe, &none, &many))
	require.Equal(t, id, one)
	require.Equal(t, &id, maybe)
	require.Nil(t, none)
	require.Equal(t, []api.ID{id, {}}, many)
	require.ErrorContains(t, db.Pool().QueryRow(t.Context(), "select null::uuid").Scan(&empty), "NULL")
	require.Error(t, db.Pool().QueryRow(t.Context(), "select 'x'::text").Scan(&empty))
	text := ""
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select $1::uuid", id).Scan(&text))
	require.Equal(t, id.String(), text)
}
