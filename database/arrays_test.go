package database_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/database"
	"coder.internal/database/dbtest"
)

func TestReadArrays(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	for sql, want := range map[string][]string{
		"select '{}'::text[]":                                       {},
		"select null::text[]":                                       nil,
		"select array['']":                                          {""},
		"select array['a', 'b c', 'ü\"{},']":                        {"a", "b c", "ü\"{},"},
		"select array[['a', 'b'], ['c', 'd']]":                      {"a", "b", "c", "d"},
		"select ('[5:6]={x,y}'::text[])":                            {"x", "y"},
		"select array(select n::text from generate_series(1, 3) n)": {"1", "2", "3"},
	} {
		got := []string{"left over"}
		require.NoError(t, db.Pool().QueryRow(t.Context(), sql).Scan(&got), sql)
		require.Equal(t, want, got, sql)
		// In text form the driver reads it, to the same end.
		err := db.Pool().QueryRow(t.Context(), sql, pgx.QueryResultFormats{pgx.TextFormatCode}).Scan(&got)
		require.NoError(t, err, sql)
		require.Equal(t, want, got, sql)
	}
	var texts []string
	require.ErrorContains(t, db.Pool().QueryRow(t.Context(), "select array['a', null]").Scan(&texts), "element 1: cannot scan NULL")

	for _, ids := range [][]api.ID{{}, nil, {api.NewID()}, {api.NewID(), api.NewID()}} {
		var got []api.ID
		require.NoError(t, db.Pool().QueryRow(t.Context(), "select $1::uuid[]", ids).Scan(&got))
		require.Equal(t, ids, got)
	}
	var ids []api.ID
	require.ErrorContains(t, db.Pool().QueryRow(t.Context(), "select array[null::uuid]").Scan(&ids), "element 0: cannot scan NULL")
}

// TestBrokenArrays cuts arrays off everywhere and lies about how many elements there are.
func TestBrokenArrays(t *testing.T) {
	t.Parallel()
	texts := []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 'c'}
	got, err := database.ScanTexts(texts)
	require.NoError(t, err)
	require.Equal(t, []string{"ab", "c"}, got)
	for n := range texts {
		_, err := database.ScanTexts(texts[:n:n])
		require.Error(t, err, n)
	}
	_, err = database.ScanTexts(append(texts, 0))
	require.ErrorContains(t, err, "behind an array")
	for at, what := range map[int]string{0: "dimensions", 12: "more elements than", 20: "cut off"} {
		lie := append([]byte{}, texts...)
		lie[at], lie[at+1] = 0x7f, 0xff
		_, err := database.ScanTexts(lie)
		require.ErrorContains(t, err, what)
	}
	_, err = database.ScanIDs(texts)
	require.ErrorContains(t, err, "2 bytes for an id")
}
