package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of the log only the last written segment is kept: older ones are not needed,
// and later ones are old ones under a new name.
func TestReadCluster(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "pg_wal"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "pg_twophase"), 0o700))
	for name, address := range map[string]uint64{"000000010000000100000001": 1<<32 + 1*segmentSize, "000000010000000100000002": 1<<32 + 2*segmentSize,
		"000000010000000100000003": 1<<32 + 0*segmentSize} {
		data := make([]byte, segmentSize)
		data[0] = 0x18
		binary.LittleEndian.PutUint64(data[8:], address)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pg_wal", name), data, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "PG_VERSION"), []byte("18\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postmaster.opts"), nil, 0o600))
	files, err := readCluster(dir)
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		names = append(names, f.name)
		if segment.MatchString(f.name) {
			require.Len(t, f.data, 13, "without the zeros at the end")
		}
	}
	require.Equal(t, []string{"PG_VERSION", "pg_twophase", "pg_wal", "pg_wal/000000010000000100000002"}, names)

	require.NoError(t, os.Remove(filepath.Join(dir, "pg_wal/000000010000000100000001")))
	require.NoError(t, os.Remove(filepath.Join(dir, "pg_wal/000000010000000100000002")))
	_, err = readCluster(dir)
	require.ErrorContains(t, err, "has no log")
}
