package dbtest_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			db := dbtest.New(t)
			t.Logf("fresh database: %v", time.Since(began))
			require.NoError(t, db.Migrate(t.Context()))
			_, err := db.Pool().Exec(t.Context(), "insert into site_configs (key, value) values ('k', 'v')")
			require.NoError(t, err)
			var n int
			require.NoError(t, db.Pool().QueryRow(t.Context(), "select count(*) from site_configs").Scan(&n))
			require.Equal(t, 1, n)
		})
	}
}

// When the test process is killed its Postgres ends by itself.
func TestKilledTestProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv("CODER_TEST_POSTGRES_URL") != "" {
		return // a server that is not ours has to stay
	}
	if os.Getenv("DBTEST_HANG") != "" {
		db := dbtest.New(t)
		var pid, data string
		require.NoError(t, db.Pool().QueryRow(t.Context(),
			"select split_part(pg_read_file('postmaster.pid'), E'\\n', 1), current_setting('data_directory')").Scan(&pid, &data))
		fmt.Println("postmaster", pid, data)
		<-t.Context().Done()
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestKilledTestProcess$", "-test.v")
	cmd.Env = append(os.Environ(), "DBTEST_HANG=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	pid, data := 0, ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, _ := fmt.Sscanf(strings.TrimSpace(lines.Text()), "postmaster %d %s", &pid, &data); n == 2 {
			break
		}
	}
	require.NotZero(t, pid)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH }, 20*time.Second, 5*time.Millisecond)
	require.NoError(t, os.RemoveAll(filepath.Dir(filepath.Dir(data)))) // .../postgres/data
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		url := dbtest.URL(b)
		require.NotEmpty(b, url)
	}
}
