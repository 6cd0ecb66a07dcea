// Package password hashes passwords with argon2id (RFC 9106) and says which ones
// are too weak. It knows no users. At most a few hashes are made at a time, each
// taking 19 MiB, so that logins cannot starve the process.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost of a new hash.
const (
	memoryKiB = 19 * 1024
	passes    = 2
	lanes     = 1
	saltLen   = 16
	keyLen    = 32
)

// A stored hash may cost this much at most; a larger claim is refused.
const (
	maxMemoryKiB = 256 * 1024
	maxPasses    = 16
	maxLanes     = 16
)

// maxWaiting is how many callers may wait for their turn to hash.
const maxWaiting = 64

// ErrBusy means that too many passwords are being hashed; try again later.
var ErrBusy = errors.New("too many passwords are being checked")

// Hasher makes and checks hashes. It is safe for concurrent use.
type Hasher struct {
	running chan struct{}
	queued  chan struct{}
}

// New returns a Hasher that makes at most parallel hashes at a time, at least one.
func New(parallel int) *Hasher {
	parallel = max(parallel, 1)
	return &Hasher{running: make(chan struct{}, parallel), queued: make(chan struct{}, parallel+maxWaiting)}
}

// turn blocks until the caller may hash, and returns ErrBusy or ctx's error.
func (h *Hasher) turn(ctx context.Context) (done func(), err error) {
	select {
	case h.queued <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running; <-h.queued }, nil
	case <-ctx.Done():
		<-h.queued
		return nil, ctx.Err()
	}
}

// Hash returns the PHC string of a fresh hash of plain.
func (h *Hasher) Hash(ctx context.Context, plain string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	defer done()
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails: it ends the process instead
	key := argon2.IDKey([]byte(plain), salt, passes, memoryKiB, lanes, keyLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// Nobody is a well-formed hash with the cost of a new one. Comparing with it
// takes as long as with a real one, for logins of users who do not exist.
const Nobody = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmUhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// Matches reports whether plain is the password of the PHC string. A string that
// is not a hash is an error, and matches nothing.
func (h *Hasher) Matches(ctx context.Context, phc, plain string) (bool, error) {
	p, err := parse(phc)
	if err != nil {
		return false, err
	}
	done, err := h.turn(ctx)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	defer done()
	key := argon2.IDKey([]byte(plain), p.salt, p.passes, p.memory, p.lanes, uint32(len(p.key))) //nolint:gosec // at most 64
	return subtle.ConstantTimeCompare(key, p.key) == 1, nil
}

type params struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

var errForm = errors.New("stored password hash is not an argon2id PHC string")

func parse(phc string) (params, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return params{}, errForm
	}
	costs := strings.Split(parts[3], ",")
	if len(costs) != 3 {
		return params{}, errForm
	}
	m, errM := cost(costs[0], "m=", maxMemoryKiB)
	t, errT := cost(costs[1], "t=", maxPasses)
	l, errL := cost(costs[2], "p=", maxLanes)
	salt, errS := base64.RawStdEncoding.DecodeString(parts[4])
	key, errK := base64.RawStdEncoding.DecodeString(parts[5])
	if errors.Join(errM, errT, errL, errS, errK) != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return params{}, errForm
	}
	return params{memory: m, passes: t, lanes: uint8(l), salt: salt, key: key}, nil //nolint:gosec // at most maxLanes
}

func cost(s, prefix string, limit uint64) (uint32, error) {
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return 0, errForm
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n < 1 || n > limit {
		return 0, errForm
	}
	return uint32(n), nil
}

// Limits of a new password.
const (
	MinLength   = 8
	MaxLength   = 1024 // bytes
	minDistinct = 5
)

// Weakness says what is wrong with a new password, "" when nothing is.
func Weakness(plain string) string {
	distinct := map[rune]bool{}
	n := 0
	for _, r := range plain {
		distinct[r] = true
		n++
	}
	switch {
	case n < MinLength:
		return fmt.Sprintf("use at least %d characters.", MinLength)
	case len(plain) > MaxLength:
		return fmt.Sprintf("use at most %d bytes.", MaxLength)
	case len(distinct) < minDistinct:
		return fmt.Sprintf("use at least %d different characters.", minDistinct)
	case isCommon(plain):
		return "this is one of the passwords that are guessed first; choose another."
	}
	return ""
}

// isCommon knows the first guesses that pass the other rules.
func isCommon(plain string) bool {
	switch strings.ToLower(plain) {
	case "password", "password1", "password12", "password123", "password1234", "passw0rd", "p@ssword", "p@ssw0rd",
		"12345678", "123456789", "1234567890", "0123456789", "87654321", "987654321", "0987654321",
		"qwertyui", "qwertyuiop", "qwerty123", "qwerty1234", "asdfghjk", "asdfghjkl", "1q2w3e4r", "1qaz2wsx",
		"iloveyou", "sunshine", "princess", "football", "baseball", "superman", "trustno1", "starwars",
		"letmein1", "letmein123", "welcome1", "welcome123", "admin123", "admin1234", "administrator",
		"changeme", "changeme1", "changeme123", "abcd1234", "abc12345", "computer", "whatever", "michelle":
		return true
	}
	return false
}
