package serve

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"coder.internal/coderd/keys"
	"coder.internal/database"
)

// ringText is what the site config keys.CheckConfig holds, sealed.
const ringText = "coder"

// checkRing refuses keys that cannot open what the database holds, before any
// state is written with them. dataDir is that of the built-in Postgres, or empty.
func checkRing(ctx context.Context, db *database.DB, ring *keys.Ring, dataDir string) error {
	sealed, err := ring.Seal([]byte(ringText))
	if err != nil {
		return err
	}
	stored, err := db.PutSiteConfigOnce(ctx, database.PutSiteConfigOnceParams{
		Key: keys.CheckConfig, Value: base64.StdEncoding.EncodeToString(sealed)})
	if err != nil {
		return fmt.Errorf("check encryption keys: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(stored)
	if err != nil {
		return fmt.Errorf("check encryption keys: %w", err)
	}
	if text, err := ring.Open(raw); err != nil || string(text) != ringText {
		msg := "the encryption keys do not fit this database: bring back the file encryption.keys of its configuration directory, " +
			"or set CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS to the keys it was made with"
		if dataDir != "" {
			msg += "; to give up its data and start anew, remove " + dataDir
		}
		return errors.New(msg)
	}
	return nil
}
