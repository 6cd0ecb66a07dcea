package serve

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/keys"
	"coder.internal/database"
)

// Decrypt takes the encryption off a database, with the keys given, else
// Config.EncryptionKeys, else the key file. It may be interrupted and run again;
// see keys.Rotate.
func Decrypt(ctx context.Context, cfg Config, log *slog.Logger, given []api.Secret, report func(rows int)) error {
	ring, err := decryptRing(cfg, given)
	if err != nil {
		return err
	}
	plain, err := ring.Clear()
	if err != nil {
		return err
	}
	return Offline(ctx, cfg, log, func(db *database.DB) error { return keys.Rotate(ctx, db, plain, report) })
}

func decryptRing(cfg Config, given []api.Secret) (*keys.Ring, error) {
	if len(given) == 0 {
		given = cfg.EncryptionKeys
	}
	if len(given) == 0 {
		path := keyFile(cfg.ConfigDir)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, api.Invalid("keys", "there is no key file "+path+"; give the keys with --keys")
		}
		return keys.LoadRing(path)
	}
	var encoded []string
	for _, k := range given {
		encoded = append(encoded, k.Reveal())
	}
	raw, err := keys.ParseKeys(encoded)
	if err != nil {
		return nil, api.Invalid("keys", err.Error())
	}
	return keys.NewRing(raw...)
}

// DeleteEncrypted removes all that is encrypted from a database, once agree has
// agreed to lose it. It needs no key. Nothing to lose is not asked about.
func DeleteEncrypted(ctx context.Context, cfg Config, log *slog.Logger, agree func(keys.Sealed) error) error {
	return Offline(ctx, cfg, log, func(db *database.DB) error {
		lost, err := keys.Count(ctx, db.Queries)
		if err != nil {
			return err
		}
		if lost != (keys.Sealed{}) {
			if err := agree(lost); err != nil {
				return err
			}
		}
		return db.InTx(ctx, func(q *database.Queries) error {
			if err := keys.Discard(ctx, q); err != nil {
				return err
			}
			return audit.Record(ctx, q, audit.Entry{Action: audit.Delete, ResourceType: "encrypted_data", Target: "dbcrypt delete",
				StatusCode: http.StatusOK, Username: "console", Before: map[string]any{"states": lost.States, "strays": lost.Strays,
					"variables": lost.Variables, "ssh_keys": lost.SSHKeys, "external_auths": lost.ExternalAuths}})
		})
	})
}
