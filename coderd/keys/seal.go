// Package keys owns the deployment's cryptographic keys: the ring that seals
// what must be stored and used again (Terraform state, sensitive variables), and
// later the rotating keys that sign tickets.
//
// It never stores a secret in clear, and it refuses what it cannot verify.
package keys

import (
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
)

// KeySize is the length of a sealing key in bytes (AES-256).
const KeySize = 32

// sealed text: version byte, 4 bytes of SHA-256 of the key, nonce, AES-256-GCM
// ciphertext with tag. The header is authenticated as additional data.
const (
	sealVersion = 1
	keyIDSize   = 4
	headerSize  = 1 + keyIDSize
)

// Ring seals with its first key and opens with any of them, so that keys can be
// rotated. The zero Ring is useless; use NewRing or LoadRing.
type Ring struct {
	aeads []cipher.AEAD
	ids   [][keyIDSize]byte
}

// NewRing returns a ring over keys of KeySize bytes, newest first.
func NewRing(keys ...[]byte) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("no encryption key")
	}
	r := &Ring{}
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
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = createKeyFile(path); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fmt.Errorf("read encryption keys: %w", err)
	}
	keys, err := ParseKeys(strings.Fields(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return NewRing(keys...)
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
	out := make([]byte, 0, headerSize+r.aeads[0].NonceSize()+len(plain)+r.aeads[0].Overhead())
	out = append(out, sealVersion)
	out = append(out, r.ids[0][:]...)
	nonce := make([]byte, r.aeads[0].NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	header := out[:headerSize:headerSize]
	out = append(out, nonce...)
	return r.aeads[0].Seal(out, nonce, plain, header), nil
}

// ErrUnknownKey means that the text was sealed with a key that is not in the ring.
var ErrUnknownKey = errors.New("sealed with a key that this server does not have")

// Open decrypts what Seal of this or an older ring made.
func (r *Ring) Open(sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != sealVersion {
		return nil, errors.New("open: not a sealed text")
	}
	id := [keyIDSize]byte(sealed[1:headerSize])
	for i, known := range r.ids {
		if id != known {
			continue
		}
		n := r.aeads[i].NonceSize()
		if len(sealed) < headerSize+n {
			return nil, errors.New("open: sealed text is cut short")
		}
		plain, err := r.aeads[i].Open(nil, sealed[headerSize:headerSize+n], sealed[headerSize+n:], sealed[:headerSize])
		if err != nil {
			return nil, fmt.Errorf("open: %w", err)
		}
		return plain, nil
	}
	return nil, ErrUnknownKey
}
