package runas

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]User{
		"64201":              {{Name: "64201", UID: 64201, GID: 64201}},
		"64201:64300":        {{Name: "64201", UID: 64201, GID: 64300}},
		"64201-64202, 64210": {{Name: "64201", UID: 64201, GID: 64201}, {Name: "64202", UID: 64202, GID: 64202}, {Name: "64210", UID: 64210, GID: 64210}},
	} {
		got, err := Parse(list)
		require.NoError(t, err, list)
		require.Len(t, got, len(want), list)
		for i := range want {
			require.Equal(t, want[i], *got[i], list)
		}
	}
	for list, why := range map[string]string{
		"":                "a user is missing",
		"64201,":          "a user is missing",
		"root":            "is root",
		"0":               "is root",
		"64201:0":         "in the group of root",
		"0-3":             "is root",
		"64203-64201":     "is not a range",
		"64201-99999":     "is not a range",
		"64201,64200-202": "is not a range",
		"64201,64201:5":   "is named twice",
		"4294967295":      "is not a number of a user",
		"64201:x":         "is not a number of a user or group",
		"nobody:64201":    "write a name, or numbers",
		"no-such-user-x":  "there is no user",
	} {
		_, err := Parse(list)
		require.ErrorContains(t, err, why, list)
	}
}

// TestDo checks that files are made and refused as for the user, and that the
// thread has its own rights again afterwards.
func TestDo(t *testing.T) {
	t.Parallel()
	u := &User{Name: "64203", UID: 64203, GID: 64204, Groups: []int{64205}}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		require.Error(t, u.Check())
		return
	}
	require.NoError(t, u.Check())
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711)) //nolint:gosec // it is to be passed
	own, secret := filepath.Join(dir, "own"), filepath.Join(dir, "secret")
	require.NoError(t, os.Mkdir(own, 0o700))
	require.NoError(t, u.Give(own))
	require.NoError(t, os.WriteFile(secret, []byte("x"), 0o600))
	require.NoError(t, os.Symlink(secret, filepath.Join(own, "link")))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	require.NoError(t, u.Do(func() error {
		_, err := os.ReadFile(filepath.Join(own, "link"))
		require.ErrorIs(t, err, os.ErrPermission)
		require.ErrorIs(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o600), os.ErrPermission)
		return os.WriteFile(filepath.Join(own, "new"), nil, 0o600)
	}))
	info, err := os.Stat(filepath.Join(own, "new"))
	require.NoError(t, err)
	require.True(t, u.Owns(info))
	_, err = os.ReadFile(filepath.Join(own, "link"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(own, "roots"), nil, 0o600))
	info, err = os.Stat(filepath.Join(own, "roots"))
	require.NoError(t, err)
	require.False(t, u.Owns(info))
	closed, err := u.Closed(secret)
	require.NoError(t, err)
	require.Equal(t, secret, closed)
}
