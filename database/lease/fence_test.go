package lease

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/database"
	"coder.internal/database/dbtest"
)

// pausedVariable makes the test binary a holder that can be paused; it names the
// database.
const pausedVariable = "CODER_TEST_LEASE_URL"

// holdAndWrite takes the lease, says so, and writes when it is told to, whatever has
// become of the lease: what a process does that was paused in the middle of its work.
func holdAndWrite(at string) error {
	ctx := context.Background()
	db, err := database.Open(ctx, at, database.Options{MaxOpen: 2, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer db.Close()
	l := candidate(db)
	return l.Run(ctx, "job", func(_ context.Context, term int64) error {
		fmt.Println("term", term)
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			return nil //nolint:nilerr // nobody tells it to write
		}
		fmt.Println(write(ctx, l, term))
		return nil
	})
}

// write stores that a term has done its work.
func write(ctx context.Context, l *Leases, term int64) error {
	return l.db.InTx(ctx, func(q *database.Queries) error {
		if err := l.Fence(ctx, q, "job", term); err != nil {
			return err
		}
		_, err := q.AcquireLease(ctx, database.AcquireLeaseParams{Name: fmt.Sprint("done ", term), Holder: api.NewID(), Seconds: 60})
		return err
	})
}

// A holder that is paused for longer than its lease stores nothing when it goes on.
func TestPausedHolder(t *testing.T) {
	t.Parallel()
	at := dbtest.URL(t)
	db := dbtest.Open(t, at)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), pausedVariable+"="+at)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "term 1\n", line)

	require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
	terms, ctx := make(chan int64, 10), t.Context()
	next := candidate(db)
	done := run(ctx, next, func(_ context.Context, term int64) error {
		terms <- term
		return write(ctx, next, term)
	})
	require.Equal(t, int64(2), await(t, terms))
	require.NoError(t, await(t, done))

	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	_, err = io.WriteString(in, "go on\n")
	require.NoError(t, err)
	line, err = lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "lease job, term 1: the lease was lost\n", line)
	require.NoError(t, in.Close())
	_ = cmd.Wait() // the next round of its Run ends with its input
	var names []string
	require.NoError(t, db.Pool().QueryRow(ctx, "select array_agg(name) from leases where name like 'done%'").Scan(&names))
	require.Equal(t, []string{"done 2"}, names)
}

// The lease of a dead holder is free within a few terms also when the database's clock
// has jumped back an hour meanwhile.
func TestClockJumpsBack(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	_, err := db.AcquireLease(t.Context(), database.AcquireLeaseParams{Name: "job", Holder: api.NewID(), Seconds: 3600})
	require.NoError(t, err)
	terms := make(chan int64, 1)
	done := run(t.Context(), candidate(db), func(_ context.Context, term int64) error {
		terms <- term
		return nil
	})
	require.Equal(t, int64(2), await(t, terms))
	require.NoError(t, await(t, done))
}
