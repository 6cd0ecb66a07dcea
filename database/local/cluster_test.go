package local

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// A crash of the machine during the first start leaves the mark, and whatever
// got to disk.
func TestUnsettledClusterIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Dir: newDir(t)})
	require.NoError(t, s.makeHome())
	require.NoError(t, s.markUnsettled())
	require.NoError(t, os.MkdirAll(filepath.Join(s.DataDir(), "base"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(s.DataDir(), "PG_VERSION"), nil, 0o600))

	url, err := s.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Settle(t.Context()))
	_, err = os.Lstat(s.unsettledPath())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, exec1(t.Context(), url, "create table t as select 42 as n"))
	require.NoError(t, s.Stop(t.Context()))

	// From now on the data stays.
	url, err = s.Start(t.Context())
	require.NoError(t, err)
	require.Equal(t, 42, query[int](t, url, "select n from t"))
}

func TestSettleFails(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Dir: newDir(t)})
	_, err := s.Start(t.Context())
	require.NoError(t, err)
	require.ErrorContains(t, s.settleCluster(), "bring the cluster to disk", "there is no mark to take back")
	never := &settling{cluster: make(chan struct{})}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, never.wait(ended), context.Canceled)
}

// packCluster makes an archive of a stopped cluster, as pgarchive does.
func packCluster(t *testing.T, dir string) string {
	t.Helper()
	var out bytes.Buffer
	zip, err := zstd.NewWriter(&out)
	require.NoError(t, err)
	w := tar.NewWriter(zip)
	require.NoError(t, w.AddFS(os.DirFS(dir)))
	require.NoError(t, w.Close())
	require.NoError(t, zip.Close())
	return out.String()
}

func TestPreparedCluster(t *testing.T) {
	t.Parallel()
	donor := newServer(t, Config{Dir: newDir(t)})
	_, err := donor.Start(t.Context())
	require.NoError(t, err)
	require.NoError(t, donor.Stop(t.Context()))
	version, err := donor.versionOf(t.Context(), systemDirs(systemPlaces())[0])
	require.NoError(t, err)
	archive := packCluster(t, donor.DataDir())

	s := newServer(t, Config{Dir: newDir(t)})
	require.NoError(t, s.makeHome())
	err = s.unpackClusterFrom(archive)
	if version != 18 {
		require.ErrorContains(t, err, "pg_control: version ", "another layout must be noticed")
		return
	}
	require.NoError(t, err)
	require.NoError(t, os.Rename(s.freshDir(), s.DataDir()))
	url, err := s.Start(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, query[int](t, url, "select 1"))
}

// aCluster has only what setIdentity looks at.
func aCluster(t *testing.T) (dir string, control []byte) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{"global", segmentDir + "/archive_status"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, d), 0o700))
	}
	control = make([]byte, 8192)
	order := binary.LittleEndian
	order.PutUint64(control, 77)
	order.PutUint32(control[8:], controlVersion)
	order.PutUint32(control[controlSumAt:], crc32.Checksum(control[:controlSumAt], crc32.MakeTable(crc32.Castagnoli)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, controlPath), control, 0o600))
	log := make([]byte, 8192)
	order.PutUint16(log[walFlagsAt:], walLongHeader)
	order.PutUint64(log[walSystemAt:], 77)
	require.NoError(t, os.WriteFile(filepath.Join(dir, segmentDir, "000000010000000000000002"), log, 0o600))
	return dir, control
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	dir, _ := aCluster(t)
	made := time.Unix(1_800_000_000, 0)
	require.NoError(t, setIdentity(dir, identity{1, 0, 0, 0, 9}, made))
	got, err := os.ReadFile(filepath.Join(dir, controlPath))
	require.NoError(t, err)
	order := binary.LittleEndian
	want := uint64(1_800_000_000)<<32 | 1
	require.Equal(t, want, order.Uint64(got))
	require.Equal(t, byte(9), got[controlNonceAt])
	require.Equal(t, crc32.Checksum(got[:controlSumAt], crc32.MakeTable(crc32.Castagnoli)), order.Uint32(got[controlSumAt:]))
	log, err := os.ReadFile(filepath.Join(dir, segmentDir, "000000010000000000000002"))
	require.NoError(t, err)
	require.Equal(t, want, order.Uint64(log[walSystemAt:]))

	for want, at := range map[string]int{"version ": 8, "checksum": 100} {
		dir, control := aCluster(t)
		control[at]++
		require.NoError(t, os.WriteFile(filepath.Join(dir, controlPath), control, 0o600))
		require.ErrorContains(t, setIdentity(dir, identity{}, made), want)
	}
	dir, _ = aCluster(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, segmentDir, "000000010000000000000003"), log, 0o600))
	require.ErrorContains(t, setIdentity(dir, identity{}, made), "of this cluster")
}
