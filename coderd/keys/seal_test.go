package keys_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/coderd/keys"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, keys.KeySize) }

func TestRingOpensWithOlderKeys(t *testing.T) {
	t.Parallel()
	old, err := keys.NewRing(key(1))
	require.NoError(t, err)
	sealed, err := old.Seal([]byte("state"))
	require.NoError(t, err)
	rotated, err := keys.NewRing(key(2), key(1))
	require.NoError(t, err)
	plain, err := rotated.Open(sealed)
	require.NoError(t, err)
	require.Equal(t, "state", string(plain))

	fresh, err := rotated.Seal([]byte("state"))
	require.NoError(t, err)
	_, err = old.Open(fresh)
	require.ErrorIs(t, err, keys.ErrUnknownKey)
}

func TestRingRefusesChangedText(t *testing.T) {
	t.Parallel()
	r, err := keys.NewRing(key(1))
	require.NoError(t, err)
	sealed, err := r.Seal([]byte("state"))
	require.NoError(t, err)
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		_, err := r.Open(bad)
		require.Error(t, err, "byte %d", i)
		_, err = r.Open(sealed[:i])
		require.Error(t, err, "length %d", i)
	}
}

// A ring of Clear hides nothing; what looks like it but is not is refused.
func TestClearRing(t *testing.T) {
	t.Parallel()
	r, err := keys.NewRing(key(1))
	require.NoError(t, err)
	sealed, err := r.Seal([]byte("state"))
	require.NoError(t, err)
	clear, err := r.Clear()
	require.NoError(t, err)
	plain, err := clear.Open(sealed)
	require.NoError(t, err)
	require.Equal(t, "state", string(plain))
	open, err := clear.Seal(plain)
	require.NoError(t, err)
	require.Equal(t, "\x02\x00\x00\x00\x00state", string(open))
	require.Equal(t, clear.KeyID(), open[1:5])
	for _, ring := range []*keys.Ring{r, clear} {
		plain, err = ring.Open(open)
		require.NoError(t, err)
		require.Equal(t, "state", string(plain))
		for i := range 5 {
			bad := bytes.Clone(open)
			bad[i] ^= 1
			_, err = ring.Open(bad)
			require.Error(t, err, "byte %d", i)
		}
	}
}

func TestLoadRingMakesOneKeyForAll(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "encryption.keys")
	rings := make([]*keys.Ring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			r, err := keys.LoadRing(path)
			if err != nil {
				t.Error(err)
			}
			rings[i] = r
		})
	}
	wg.Wait()
	sealed, err := rings[0].Seal([]byte("x"))
	require.NoError(t, err)
	for _, r := range rings {
		_, err := r.Open(sealed)
		require.NoError(t, err)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// A ring of a file uses a key that is added there, without a restart.
func TestRingFollowsItsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	running, err := keys.LoadRing(path)
	require.NoError(t, err)
	before := running.KeyID()
	old, err := running.Seal([]byte("state"))
	require.NoError(t, err)
	require.NoError(t, keys.AddKey(path))
	require.NotEqual(t, before, running.KeyID())
	elsewhere, err := keys.LoadRing(path)
	require.NoError(t, err)
	fresh, err := elsewhere.Seal([]byte("new"))
	require.NoError(t, err)
	for text, sealed := range map[string][]byte{"state": old, "new": fresh} {
		plain, err := running.Open(sealed)
		require.NoError(t, err)
		require.Equal(t, text, string(plain))
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	// A file that was damaged does not stop a server that has read it before.
	require.NoError(t, os.WriteFile(path, []byte("nonsense"), 0o600))
	_, err = running.Open(fresh)
	require.NoError(t, err)
	require.Error(t, keys.AddKey(path))
}
