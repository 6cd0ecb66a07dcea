package keys_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/coderd/keys"
	"coder.internal/database"
	"coder.internal/database/dbtest"
)

func signer(t *testing.T, db *database.DB, c quartz.Clock, purpose string) *keys.Signer {
	t.Helper()
	ring, err := keys.NewRing(key(7))
	require.NoError(t, err)
	s, err := keys.NewSigner(db, ring, slog.New(slog.NewTextHandler(t.Output(), nil)), c, purpose)
	require.NoError(t, err)
	return s
}

// TestSigner: replicas read each other's signatures; another purpose, a changed byte
// or an unknown key is refused.
func TestSigner(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	c := quartz.NewReal()
	a, b := signer(t, db, c, "tickets"), signer(t, db, c, "tickets")
	signed, err := a.Sign(t.Context(), []byte("hello"))
	require.NoError(t, err)
	text, err := b.Open(t.Context(), signed)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(text))

	_, err = signer(t, db, c, "sessions").Open(t.Context(), signed)
	require.ErrorIs(t, err, keys.ErrBadSignature)
	number, rest, _ := strings.Cut(signed, ".")
	for _, bad := range []string{"", ".", "..", "x", "1.", number + "9." + rest, "+" + signed, number + ".aGVsbG8." + rest, signed + "A",
		signed[:len(signed)-2] + "AA", "0" + signed, strings.Repeat("a", 5000)} {
		_, err := b.Open(t.Context(), bad)
		require.ErrorIs(t, err, keys.ErrBadSignature, bad)
	}
}

// TestSignerRotates: a day later another key signs, and the old one is still read.
func TestSignerRotates(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	s := signer(t, db, quartz.NewReal(), "tickets")
	first, err := s.Sign(t.Context(), []byte("x"))
	require.NoError(t, err)
	_, err = db.Pool().Exec(t.Context(), `update signing_keys set created_at = created_at - interval '25 hours'`)
	require.NoError(t, err)
	later := signer(t, db, quartz.NewReal(), "tickets")
	second, err := later.Sign(t.Context(), []byte("x"))
	require.NoError(t, err)
	assert.NotEqual(t, first, second)
	for _, signed := range []string{first, second} {
		_, err := later.Open(t.Context(), signed)
		require.NoError(t, err)
	}
	_, err = db.Pool().Exec(t.Context(), `update signing_keys set created_at = created_at - interval '25 hours'`)
	require.NoError(t, err)
	last := signer(t, db, quartz.NewReal(), "tickets")
	_, err = last.Open(t.Context(), first)
	require.ErrorIs(t, err, keys.ErrBadSignature)
	_, err = last.Open(t.Context(), second)
	require.NoError(t, err)
}

// TestSignerWithAnotherRing: keys that another ring sealed are left out.
func TestSignerWithAnotherRing(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	first, err := signer(t, db, quartz.NewReal(), "tickets").Sign(t.Context(), []byte("x"))
	require.NoError(t, err)
	ring, err := keys.NewRing(key(9))
	require.NoError(t, err)
	other, err := keys.NewSigner(db, ring, slog.New(slog.DiscardHandler), quartz.NewReal(), "tickets")
	require.NoError(t, err)
	_, err = other.Open(t.Context(), first)
	require.ErrorIs(t, err, keys.ErrBadSignature)
	second, err := other.Sign(t.Context(), []byte("x"))
	require.NoError(t, err)
	_, err = other.Open(t.Context(), second)
	require.NoError(t, err)
	require.NoError(t, keys.Rotate(t.Context(), db, ring, func(int) {}))
	ctx := t.Context()
	var n int
	require.NoError(t, db.Pool().QueryRow(ctx, `select count(*) from signing_keys`).Scan(&n))
	assert.Equal(t, 1, n)
}
