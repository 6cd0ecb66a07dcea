package auth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"coder.internal/api"
)

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		made := newToken()
		got, ok := parseToken(made.text())
		assert.True(t, ok)
		assert.Equal(t, made, got)
		assert.True(t, got.matches(made.hash()))
		other := newToken()
		assert.False(t, other.matches(made.hash()))
		assert.False(t, got.matches(nil))
		seen[made.id] = true
	}
	assert.Len(t, seen, 200)
}

func FuzzParseToken(f *testing.F) {
	made := newToken().text().Reveal()
	f.Add(made)
	f.Add("")
	f.Add("-")
	f.Add(strings.ToUpper(made) + "-")
	f.Add("aaaaaaaaaa-aaaaaaaaaaaaaaaaaaaaa\x00")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseToken(api.Secret(s))
		if !ok {
			return
		}
		if got.text().Reveal() != s {
			t.Fatalf("%q was taken as %q", s, got.text().Reveal())
		}
		if len(got.id) != tokenIDLen || len(got.secret) != tokenSecretLen || !isAlphanumeric(got.id+got.secret) {
			t.Fatalf("%q is not a token", s)
		}
	})
}
