package serve

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"coder.internal/api"
	"coder.internal/coderd/keys"
	"coder.internal/database"
)

// keyFile is where a server keeps its keys when it is given none.
func keyFile(configDir string) string { return filepath.Join(configDir, "encryption.keys") }

// Rotation is which keys RotateKeys uses.
type Rotation struct {
	// New and Old are base64 keys. Without New, Config.EncryptionKeys are used,
	// newest first; without those the key file, to which a fresh key is added
	// unless Resume is set.
	New    api.Secret
	Old    []api.Secret
	Resume bool
}

// RotateKeys seals everything anew with the newest key; see keys.Rotate.
func RotateKeys(ctx context.Context, cfg Config, log *slog.Logger, r Rotation, report func(rows int)) error {
	ring, err := r.ring(cfg)
	if err != nil {
		return err
	}
	return Offline(ctx, cfg, log, func(db *database.DB) error { return keys.Rotate(ctx, db, ring, report) })
}

func (r Rotation) ring(cfg Config) (*keys.Ring, error) {
	given := cfg.EncryptionKeys
	if r.New != "" {
		given = append([]api.Secret{r.New}, r.Old...)
	} else if len(r.Old) > 0 {
		return nil, api.Invalid("old-keys", "old keys need the new one, too: --new-key")
	}
	if len(given) > 0 {
		var encoded []string
		for _, k := range given {
			encoded = append(encoded, k.Reveal())
		}
		raw, err := keys.ParseKeys(encoded)
		if err != nil {
			return nil, api.Invalid("new-key", err.Error())
		}
		if len(raw) < 2 && r.New == "" {
			return nil, api.Invalid("old-keys", "a rotation needs the new key and the old ones")
		}
		return keys.NewRing(raw...)
	}
	path := keyFile(cfg.ConfigDir)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, api.Invalid("new-key", "there is no key file "+path+"; give the keys with --new-key and --old-keys")
	}
	if !r.Resume {
		if err := keys.AddKey(path); err != nil {
			return nil, err
		}
	}
	return keys.LoadRing(path)
}
