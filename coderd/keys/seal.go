// Package keys owns the deployment's cryptographic keys: the ring that seals
// what must be stored and used again (Terraform state, sensitive variables), and
// later the rotating keys that sign tickets.
//
// It refuses what it cannot verify, and stores nothing in clear, except for an
// operator who asks for that at the console (Ring.Clear).
package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// KeySize is the length of a sealing key in bytes (AES-256).
const KeySize = 32

// sealed text: version byte, 4 bytes of SHA-256 of the key, nonce, AES-256-GCM
// ciphertext with tag. The header is authenticated as additional data.
const (
	sealVersion = 1
	// clearVersion marks text that was not encrypted at all; zeros stand where the
	// id of the key would be, nonce and tag are left out.
	clearVersion = 2
	keyIDSize    = 4
	headerSize   = 1 + keyIDSize
)

// Ring seals with its first key and opens with any of them, so that keys can be
// rotated. The zero Ring is useless; use NewRing or LoadRing. A ring of a file
// follows the file: a key that is added there is used at once.
type Ring struct {
	path  string // empty: the keys never change
	clear bool   // seals nothing

	mu   sync.Mutex
	set  *keySet
	seen time.Time // modification time of the file that set is from
}

// keySet is the keys of a ring, newest first.
type keySet struct {
	aeads []cipher.AEAD
	ids   [][keyIDSize]byte
}

// NewRing returns a ring over keys of KeySize bytes, newest first.
func NewRing(keys ...[]byte) (*Ring, error) {
	set, err := newKeySet(keys)
	if err != nil {
		return nil, err
	}
	return &Ring{set: set}, nil
}

func newKeySet(keys [][]byte) (*keySet, error) {
	if len(keys) == 0 {
		return nil, errors.New("no encryption key")
	}
	r := &keySet{}
	for i, k := range keys {
		if len(k) != KeySize {
			return nil, fmt.Errorf("encryption key %d has %d bytes, want %d", i+1, len(k), KeySize)
		}
		block, err := aes.NewCipher(k)
		if err != nil {
			return nil, fmt.Errorf("encryption key %d: %w", i+1, err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("encryption key %d: %w", i+1, err)
		}
		sum := sha256.Sum256(k)
		r.aeads = append(r.aeads, aead)
		r.ids = append(r.ids, [keyIDSize]byte(sum[:keyIDSize]))
	}
	return r, nil
}

// ParseKeys reads base64 keys as CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS holds them.
func ParseKeys(encoded []string) ([][]byte, error) {
	var out [][]byte
	for i, e := range encoded {
		k, err := base64.StdEncoding.DecodeString(strings.TrimSpace(e))
		if err != nil || len(k) != KeySize {
			return nil, fmt.Errorf("encryption key %d is not base64 of %d bytes", i+1, KeySize)
		}
		out = append(out, k)
	}
	return out, nil
}

// LoadRing reads the keys of the file, one base64 key a line with the newest
// first, and makes a file with one fresh key, readable by its owner alone, when
// there is none.
func LoadRing(path string) (*Ring, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := createKeyFile(path); err != nil {
			return nil, err
		}
	}
	r := &Ring{path: path}
	if _, err := r.load(); err != nil {
		return nil, err
	}
	return r, nil
}

// load reads the file if it has changed and returns the keys.
func (r *Ring) load() (*keySet, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.path == "" {
		return r.set, nil
	}
	info, err := os.Stat(r.path)
	if err == nil && r.set != nil && info.ModTime().Equal(r.seen) {
		return r.set, nil
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(r.path)
	}
	var keys [][]byte
	if err == nil {
		keys, err = ParseKeys(strings.Fields(string(text)))
	}
	var set *keySet
	if err == nil {
		set, err = newKeySet(keys)
	}
	if err != nil {
		if r.set != nil {
			return r.set, nil //nolint:nilerr // keys that worked go on to work
		}
		return nil, fmt.Errorf("read encryption keys %s: %w", r.path, err)
	}
	r.set, r.seen = set, info.ModTime()
	return set, nil
}

// Clear returns a ring that opens what r opens, and stores in clear what it is
// given to seal. Every ring opens that. It is for Rotate, by which an operator
// takes the encryption off a database; a server never has one.
func (r *Ring) Clear() (*Ring, error) {
	set, err := r.load()
	if err != nil {
		return nil, err
	}
	return &Ring{set: set, clear: true}, nil
}

// KeyID returns the id of the first key, as it stands in what it seals.
func (r *Ring) KeyID() []byte {
	if r.clear {
		return make([]byte, keyIDSize)
	}
	set, err := r.load()
	if err != nil {
		return nil
	}
	return set.ids[0][:]
}

// AddKey puts a fresh key in front of those in a key file, at once for whoever
// reads it meanwhile. The file must exist.
func AddKey(path string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read encryption keys: %w", err)
	}
	if _, err := ParseKeys(strings.Fields(string(old))); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("make encryption key: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("add encryption key: %w", err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	_, werr := tmp.WriteString(base64.StdEncoding.EncodeToString(key) + "\n" + string(old))
	if err := errors.Join(werr, sameOwner(path, tmp.Name()), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("add encryption key: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("add encryption key: %w", err)
	}
	return nil
}

// createKeyFile writes a new key so that a crash leaves either no file or a
// whole one, and two processes end up with the same one.
func createKeyFile(path string) ([]byte, error) {
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make encryption key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make encryption key: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("make encryption key: %w", err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the link
	_, werr := tmp.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err := errors.Join(werr, tmp.Sync(), tmp.Close()); err != nil {
		return nil, fmt.Errorf("write encryption key: %w", err)
	}
	// Link, unlike rename, does not replace the key that another process made.
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("store encryption key: %w", err)
	}
	return os.ReadFile(path)
}

// Seal encrypts plain. Equal texts give different results.
func (r *Ring) Seal(plain []byte) ([]byte, error) {
	if r.clear {
		return append(clearHeader(), plain...), nil
	}
	set, err := r.load()
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, headerSize+set.aeads[0].NonceSize()+len(plain)+set.aeads[0].Overhead())
	out = append(out, sealVersion)
	out = append(out, set.ids[0][:]...)
	nonce := make([]byte, set.aeads[0].NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	header := out[:headerSize:headerSize]
	out = append(out, nonce...)
	return set.aeads[0].Seal(out, nonce, plain, header), nil
}

func clearHeader() []byte { return []byte{clearVersion, headerSize - 1: 0} }

// ErrUnknownKey means that the text was sealed with a key that is not in the ring.
var ErrUnknownKey = errors.New("sealed with a key that this server does not have")

// Open decrypts what Seal of this or an older ring made.
func (r *Ring) Open(sealed []byte) ([]byte, error) {
	set, err := r.load()
	if err != nil {
		return nil, err
	}
	if plain, ok := bytes.CutPrefix(sealed, clearHeader()); ok {
		return plain, nil
	}
	if len(sealed) < headerSize || sealed[0] != sealVersion {
		return nil, errors.New("open: not a sealed text")
	}
	id := [keyIDSize]byte(sealed[1:headerSize])
	for i, known := range set.ids {
		if id != known {
			continue
		}
		n := set.aeads[i].NonceSize()
		if len(sealed) < headerSize+n {
			return nil, errors.New("open: sealed text is cut short")
		}
		plain, err := set.aeads[i].Open(nil, sealed[headerSize:headerSize+n], sealed[headerSize+n:], sealed[:headerSize])
		if err != nil {
			return nil, fmt.Errorf("open: %w", err)
		}
		return plain, nil
	}
	return nil, ErrUnknownKey
}
