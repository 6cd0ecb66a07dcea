package proc

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func sh(line string) Spec {
	return Spec{Path: "/bin/sh", Args: []string{"-c", line}, Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}}
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	s, err := parseStat("42 (a ) b) S 7 42 42 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 1 0 5 6 7")
	require.NoError(t, err)
	require.Equal(t, stat{7, 1100 * time.Millisecond}, s)
	for _, bad := range []string{"", "42 (a", "42 (a) S 7", "42 (a) S x 42 42 0 -1 4194560 100 200 0 0 11 22 33 44 20"} {
		_, err := parseStat(bad)
		require.Error(t, err, bad)
	}
}

func TestParseField(t *testing.T) {
	t.Parallel()
	n, err := parseField("Name:\tx\nVmRSS:\t  123 kB\nVmData:\t 5 kB\n", "VmRSS:")
	require.NoError(t, err)
	require.EqualValues(t, 123, n)
	_, err = parseField("Name:\tx\n", "VmRSS:")
	require.Error(t, err)
}

func TestRun(t *testing.T) {
	t.Parallel()
	r, err := Run(t.Context(), sh("echo hello"))
	require.NoError(t, err)
	require.Equal(t, "hello\n", r.Stdout)
	require.Positive(t, r.MaxRSS)
	_, err = Run(t.Context(), sh("echo why >&2; exit 4"))
	require.ErrorContains(t, err, "exit status 4: why")
	r, err = Run(t.Context(), sh("head -c 2000000 /dev/zero"))
	require.NoError(t, err)
	require.Len(t, r.Stdout, keptOutput, "what a process prints is bounded")
}

func TestRunEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	mark := filepath.Join(t.TempDir(), "mark")
	s := sh("sleep 300 & echo > $MARK; wait")
	s.Env = append(s.Env, "MARK="+mark)
	done := make(chan error, 1)
	go func() { _, err := Run(ctx, s); done <- err }()
	require.NoError(t, Until(t.Context(), "the child", time.Millisecond, 10*time.Second, func() (bool, error) {
		_, err := os.Stat(mark)
		return err == nil, nil
	}))
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NoError(t, Until(t.Context(), "the group's end", time.Millisecond, 10*time.Second, func() (bool, error) {
		left, err := Marked(mark)
		return len(left) == 0, err
	}))
}

func TestCPUAndMemory(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	p, err := Start("worker", log, sh("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; (i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done); echo done; exec sleep 300"))
	require.NoError(t, err)
	require.NoError(t, Until(t.Context(), "work", 5*time.Millisecond, 60*time.Second, func() (bool, error) {
		text, err := os.ReadFile(log)
		return strings.Contains(string(text), "done"), err
	}))
	require.NoError(t, Until(t.Context(), "sleep", time.Millisecond, 60*time.Second, func() (bool, error) {
		args, err := Args(p.Pid()) // of the shell, until it has become the other program
		return slices.Equal(args, []string{"sleep", "300"}), err
	}))
	tree, err := Tree(p.Pid())
	require.NoError(t, err)
	require.Equal(t, []int{p.Pid()}, tree)
	used, err := CPU(tree)
	require.NoError(t, err)
	require.Greater(t, used, 50*time.Millisecond, "the child that ended counts")
	for _, read := range []func([]int) (int64, error){RSS, PSS} {
		n, err := read(tree)
		require.NoError(t, err)
		require.Greater(t, n, int64(10<<10))
	}
	require.NoError(t, p.Stop(syscall.SIGTERM, 10*time.Second))
	tree, err = Tree(p.Pid())
	require.NoError(t, err)
	require.Empty(t, tree)
	require.NoError(t, p.Stop(syscall.SIGTERM, 0), "again")
}

func TestStopKillsAfterGrace(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	p, err := Start("deaf", log, sh(`trap "" TERM; echo ready; while :; do sleep 1; done`))
	require.NoError(t, err)
	require.NoError(t, Until(t.Context(), "ready", time.Millisecond, 10*time.Second, func() (bool, error) {
		text, err := os.ReadFile(log)
		return len(text) > 0, err
	}))
	require.ErrorContains(t, p.Stop(syscall.SIGTERM, time.Millisecond), "was killed")
	require.ErrorContains(t, p.Ended(), "deaf ended by itself (signal: killed): ready")
}

func TestUntilGivesUp(t *testing.T) {
	t.Parallel()
	err := Until(t.Context(), "nothing", time.Millisecond, 5*time.Millisecond, func() (bool, error) { return false, nil })
	require.ErrorContains(t, err, "waited 5ms for nothing in vain")
}
