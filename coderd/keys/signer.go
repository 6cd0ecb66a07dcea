package keys

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"coder.internal/database"
	"coder.internal/internal/clock"
)

const (
	// signFor is how long a key signs, and readFor how long it is read: what is
	// signed lives for at most MaxSigned.
	signFor   = 24 * time.Hour
	readFor   = signFor + MaxSigned + time.Hour
	reloadAge = time.Minute
	// unknownPause is the least time between two looks for a key that is not known.
	unknownPause  = time.Second
	signerTimeout = 5 * time.Second
	maxSignedText = 4096
)

// MaxSigned is the longest time for which something signed may be good.
const MaxSigned = 24 * time.Hour

// ErrBadSignature is the answer to everything that no key of the deployment signed.
var ErrBadSignature = errors.New("the signature is not ours")

// Signer signs short-lived text with keys that all replicas share and that rotate
// every day. It keeps keys in memory for a minute. It is safe for concurrent use.
type Signer struct {
	db      *database.DB
	ring    *Ring
	log     *slog.Logger
	clock   clock.Clock
	purpose string

	turn chan struct{} // held by who loads

	mu     sync.Mutex // guards what follows
	keys   []signingKey
	loaded time.Time
}

type signingKey struct {
	id     int32
	secret []byte
	made   time.Time // by the clock of this process
}

// NewSigner returns the signer of one purpose: what it signs is good for no other.
func NewSigner(db *database.DB, ring *Ring, log *slog.Logger, c clock.Clock, purpose string) (*Signer, error) {
	if db == nil || ring == nil || log == nil || c == nil || purpose == "" {
		return nil, errors.New("keys: a signer needs a database, a ring, a log, a clock and a purpose")
	}
	return &Signer{db: db, ring: ring, log: log.With("component", "keys"), clock: c, purpose: purpose, turn: make(chan struct{}, 1)}, nil
}

// Sign returns text with a signature: letters, digits, dots, hyphens, underscores.
func (s *Signer) Sign(ctx context.Context, text []byte) (string, error) {
	key, ok := s.newest()
	if !ok {
		if err := s.load(ctx, true); err != nil {
			return "", err
		}
		if key, ok = s.newest(); !ok {
			return "", errors.New("there is no key to sign with")
		}
	}
	body := strconv.Itoa(int(key.id)) + "." + base64.RawURLEncoding.EncodeToString(text)
	return body + "." + base64.RawURLEncoding.EncodeToString(key.mac(s.purpose, body)), nil
}

// Open returns the text of what Sign made, or ErrBadSignature.
func (s *Signer) Open(ctx context.Context, signed string) ([]byte, error) {
	i := strings.LastIndexByte(signed, '.')
	number, encoded, ok := strings.Cut(signed[:max(i, 0)], ".")
	id, err := strconv.ParseInt(number, 10, 32)
	if !ok || err != nil || len(signed) > maxSignedText {
		return nil, ErrBadSignature
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(signed[i+1:])
	if err != nil {
		return nil, ErrBadSignature
	}
	key, ok, err := s.find(ctx, int32(id)) //nolint:gosec // parsed as 32 bits
	if err != nil {
		return nil, err
	}
	if !ok || !hmac.Equal(mac, key.mac(s.purpose, signed[:i])) {
		return nil, ErrBadSignature
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, ErrBadSignature
	}
	return text, nil
}

func (k signingKey) mac(purpose, body string) []byte {
	h := hmac.New(sha256.New, k.secret)
	_, _ = h.Write([]byte(purpose + "\x00" + body)) // never fails
	return h.Sum(nil)
}

// newest is the key to sign with, while it is young enough and freshly looked at.
func (s *Signer) newest() (signingKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	if len(s.keys) == 0 || now.Sub(s.loaded) > reloadAge || now.Sub(s.keys[0].made) >= signFor {
		return signingKey{}, false
	}
	return s.keys[0], true
}

// find looks for a key, in the database where this process does not know it.
func (s *Signer) find(ctx context.Context, id int32) (signingKey, bool, error) {
	for try := 0; ; try++ {
		s.mu.Lock()
		age := s.clock.Now().Sub(s.loaded)
		fresh := !s.loaded.IsZero() && age <= reloadAge
		var found signingKey
		for _, k := range s.keys {
			if k.id == id {
				found = k
			}
		}
		s.mu.Unlock()
		switch {
		case found.secret != nil && fresh:
			return found, true, nil
		case try > 0 || fresh && age < unknownPause:
			return found, found.secret != nil, nil
		}
		if err := s.load(ctx, false); err != nil {
			return signingKey{}, false, err
		}
	}
}

// load reads the keys, and makes one where none can sign and one is needed.
func (s *Signer) load(ctx context.Context, needed bool) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signerTimeout)
	defer cancel()
	found, err := s.read(ctx, s.db.Queries)
	if err != nil {
		return err
	}
	if needed && !s.canSign(found) {
		err := s.db.InTx(ctx, func(q *database.Queries) (err error) {
			if err := q.LockSigningKeys(ctx, s.purpose); err != nil {
				return fmt.Errorf("lock signing keys: %w", err)
			}
			if found, err = s.read(ctx, q); err != nil || s.canSign(found) {
				return err
			}
			if err := s.add(ctx, q); err != nil {
				return err
			}
			found, err = s.read(ctx, q)
			return err
		})
		if err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.loaded = found, s.clock.Now()
	return nil
}

func (s *Signer) canSign(found []signingKey) bool {
	return len(found) > 0 && s.clock.Now().Sub(found[0].made) < signFor
}

func (s *Signer) read(ctx context.Context, q *database.Queries) ([]signingKey, error) {
	rows, err := q.ListSigningKeys(ctx, database.ListSigningKeysParams{Purpose: s.purpose, MaxAge: readFor.Seconds()})
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	var out []signingKey
	now := s.clock.Now()
	for _, r := range rows {
		secret, err := s.ring.Open(r.Secret)
		if err != nil {
			// Another key takes its place: people sign in to applications again.
			s.log.Warn("a signing key cannot be opened and is left out", "error", err)
			continue
		}
		out = append(out, signingKey{id: r.ID, secret: secret, made: now.Add(-time.Duration(r.AgeSeconds * float64(time.Second)))})
	}
	return out, nil
}

func (s *Signer) add(ctx context.Context, q *database.Queries) error {
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // never fails: it ends the process instead
	sealed, err := s.ring.Seal(secret)
	if err != nil {
		return fmt.Errorf("seal signing key: %w", err)
	}
	if err := q.InsertSigningKey(ctx, database.InsertSigningKeyParams{Purpose: s.purpose, Secret: sealed}); err != nil {
		return fmt.Errorf("store signing key: %w", err)
	}
	if err := q.DeleteOldSigningKeys(ctx, database.DeleteOldSigningKeysParams{Purpose: s.purpose, MaxAge: readFor.Seconds()}); err != nil {
		return fmt.Errorf("delete old signing keys: %w", err)
	}
	return nil
}
