package password_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/internal/password"
)

func TestHashAndMatch(t *testing.T) {
	t.Parallel()
	h := password.New(2)
	phc, err := h.Hash(t.Context(), "open sesame")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$"), phc)
	ok, err := h.Matches(t.Context(), phc, "open sesame")
	require.NoError(t, err)
	assert.True(t, ok)
	ok, err = h.Matches(t.Context(), phc, "open sesamE")
	require.NoError(t, err)
	assert.False(t, ok)
	again, err := h.Hash(t.Context(), "open sesame")
	require.NoError(t, err)
	assert.NotEqual(t, phc, again, "salted")
	_, err = h.Matches(t.Context(), password.Nobody, "x")
	require.NoError(t, err)
}

// TestVector checks against the reference implementation's output
// (argon2 1.0, `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1`).
func TestVector(t *testing.T) {
	t.Parallel()
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	ok, err := password.New(1).Matches(t.Context(), phc, "password")
	require.NoError(t, err)
	assert.True(t, ok)
}

func TestRefusesMalformed(t *testing.T) {
	t.Parallel()
	h := password.New(1)
	const salt, key = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, phc := range []string{
		"", "x", "$argon2i$v=19$m=65536,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=16$m=65536,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=99999999,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$", "$argon2id$v=19$m=65536,t=2,p=1$$" + key,
	} {
		ok, err := h.Matches(t.Context(), phc, "password")
		assert.Error(t, err, phc)
		assert.False(t, ok, phc)
	}
}

func TestCancelledWaitsForNobody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := password.New(1)
	for range 100 { // more than may wait: none of them keeps its place
		if _, err := h.Hash(ctx, "x"); err != nil {
			assert.ErrorIs(t, err, context.Canceled)
		}
	}
	_, err := h.Hash(t.Context(), "x")
	assert.NoError(t, err)
}

func TestWeakness(t *testing.T) {
	t.Parallel()
	for _, weak := range []string{"", "short1!", "aaaaaaaaaaaa", "Password123", strings.Repeat("abcdef", 200)} {
		assert.NotEmpty(t, password.Weakness(weak), weak)
	}
	for _, fine := range []string{"correct-horse-battery", "ünïcödé ß", "SomeSecurePassword!"} {
		assert.Empty(t, password.Weakness(fine), fine)
	}
}
