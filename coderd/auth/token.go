package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"coder.internal/api"
)

// A token is "<id>-<secret>": the id finds the row, the secret proves the claim.
const (
	tokenIDLen     = 10
	tokenSecretLen = 22
	alphabet       = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// token is a credential taken apart.
type token struct {
	id     string
	secret string
}

// parseToken takes a credential apart; ok is false for everything that newToken
// cannot have made.
func parseToken(s api.Secret) (t token, ok bool) {
	text := s.Reveal()
	if len(text) != tokenIDLen+1+tokenSecretLen || text[tokenIDLen] != '-' {
		return token{}, false
	}
	t = token{id: text[:tokenIDLen], secret: text[tokenIDLen+1:]}
	return t, isAlphanumeric(t.id) && isAlphanumeric(t.secret)
}

func isAlphanumeric(s string) bool {
	for i := range len(s) {
		if !strings.Contains(alphabet, s[i:i+1]) {
			return false
		}
	}
	return true
}

// newToken makes a random token: 59 bits of id and 130 bits of secret. It panics
// only if the system has no randomness.
func newToken() token {
	return token{id: randomText(tokenIDLen), secret: randomText(tokenSecretLen)}
}

// randomText draws n characters without bias: bytes past the last whole run of
// the alphabet are thrown away.
func randomText(n int) string {
	const limit = 256 - 256%len(alphabet)
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // never fails: it ends the process instead
		for _, b := range buf {
			if int(b) < limit && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// text returns the whole credential.
func (t token) text() api.Secret { return api.Secret(t.id + "-" + t.secret) }

// hash is what the database keeps. The secret is random, so one round is enough.
func (t token) hash() []byte {
	sum := sha256.Sum256([]byte(t.secret))
	return sum[:]
}

// matches compares in constant time.
func (t token) matches(hash []byte) bool {
	return subtle.ConstantTimeCompare(t.hash(), hash) == 1
}
