package containers

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// Limits of the search for configurations.
const (
	findDepth   = 4
	findEntries = 20_000
	findTime    = 3 * time.Second
)

// find looks for configurations of dev containers in the Git repositories below
// root, in the places where the specification has them.
func find(ctx context.Context, root string) (out []agentrpc.Devcontainer) {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	seen := 0
	_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error { // what cannot be read has none
		seen++
		if ctx.Err() != nil || seen > findEntries || len(out) >= maxDevcontainers {
			return fs.SkipAll
		}
		if err != nil || !e.IsDir() {
			return nil
		}
		if path != root {
			rel, err := filepath.Rel(root, path)
			name := e.Name()
			if err != nil || strings.Count(rel, string(filepath.Separator)) >= findDepth ||
				strings.HasPrefix(name, ".") || name == "node_modules" || name == "vendor" {
				return fs.SkipDir
			}
		}
		if _, err := os.Lstat(filepath.Join(path, ".git")); err == nil {
			for _, config := range configs(path) {
				out = append(out, made(path, config))
			}
		}
		return nil
	})
	return out
}

// configs are the configurations of one folder.
func configs(folder string) (out []string) {
	regular := func(path string) bool {
		st, err := os.Stat(path)
		return err == nil && st.Mode().IsRegular()
	}
	for _, path := range []string{".devcontainer/devcontainer.json", ".devcontainer.json"} {
		if path = filepath.Join(folder, filepath.FromSlash(path)); regular(path) {
			out = append(out, path)
		}
	}
	entries, _ := os.ReadDir(filepath.Join(folder, ".devcontainer"))
	for _, e := range entries[:min(len(entries), maxDevcontainers)] {
		if path := filepath.Join(folder, ".devcontainer", e.Name(), "devcontainer.json"); e.IsDir() && regular(path) {
			out = append(out, path)
		}
	}
	return out
}

// stableID makes the same id of the same folder and configuration every time.
func stableID(folder, config string) (id api.ID) {
	sum := sha256.Sum256([]byte("coder devcontainer\x00" + folder + "\x00" + config))
	copy(id[:], sum[:])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // a UUID of version 8
	return id
}

// changedSince says whether a configuration was written after its container was
// made.
func changedSince(config string, made time.Time) bool {
	st, err := os.Stat(config)
	return err == nil && st.ModTime().After(made)
}
