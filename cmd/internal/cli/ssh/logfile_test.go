package ssh

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A connection that is up for weeks fills no disk.
func TestLogFileIsBounded(t *testing.T) {
	t.Parallel()
	log, file, err := openLog(t.TempDir(), time.Unix(0, 0))
	require.NoError(t, err)
	require.Contains(t, file.f.Name(), "coder-ssh-19700101-000000-")
	long := strings.Repeat("x", 1<<20)
	for range maxLogFile>>20 + 10 {
		log.Debug(long)
	}
	require.NoError(t, file.Close())
	b, err := os.ReadFile(file.f.Name())
	require.NoError(t, err)
	require.Less(t, len(b), maxLogFile+2<<20)
	require.Equal(t, 1, strings.Count(string(b), "the log is full"))
}
