package replicas

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/keys"
	"coder.internal/database"
)

// meshKeySize is the length of the key in bytes.
const meshKeySize = 32

// MeshKey returns the key by which the relays of a deployment know each other, 64
// hexadecimal digits. The first caller makes it; it is stored sealed with ring.
func MeshKey(ctx context.Context, db *database.DB, ring *keys.Ring) (api.Secret, error) {
	fresh := make([]byte, meshKeySize)
	_, _ = rand.Read(fresh) // never fails: it ends the process instead
	sealed, err := ring.Seal(fresh)
	if err != nil {
		return "", fmt.Errorf("seal mesh key: %w", err)
	}
	stored, err := db.PutSiteConfigOnce(ctx, database.PutSiteConfigOnceParams{Key: keys.MeshConfig, Value: base64.StdEncoding.EncodeToString(sealed)})
	if database.IsNotFound(err) { // another replica put its own between the two halves of the statement
		stored, err = db.GetSiteConfig(ctx, keys.MeshConfig)
	}
	if err != nil {
		return "", fmt.Errorf("load mesh key: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(stored)
	if err != nil {
		return "", fmt.Errorf("load mesh key: %w", err)
	}
	key, err := ring.Open(raw)
	if err != nil {
		return "", fmt.Errorf("load mesh key: %w", err)
	}
	if len(key) != meshKeySize {
		return "", fmt.Errorf("load mesh key: it has %d bytes, want %d", len(key), meshKeySize)
	}
	return api.Secret(hex.EncodeToString(key)), nil
}
