package ssh_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/cli/clitest"
)

// direct is what a client says with --verbose when it has a direct stream.
const direct = "a direct stream is there"

func TestStreamGoesDirectly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startAgent(t)
	// A short session may have ended in packets before the direct connection was there:
	// this one goes on until it is.
	in, typed := io.Pipe()
	c, logs := w.computer(t, in), t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	ended := make(chan clitest.Result, 1)
	go func() { ended <- c.RunContext(ctx, "ssh", "--log-dir", logs, "ws", "cat") }()
	t.Cleanup(func() {
		if t.Failed() {
			files, _ := filepath.Glob(filepath.Join(logs, "*"))
			for _, f := range files {
				b, _ := os.ReadFile(f)
				t.Logf("%s", b)
			}
		}
	})
	require.Eventually(t, func() bool {
		select {
		case r := <-ended:
			t.Errorf("it ended by itself: %+v", r)
			return true
		default:
		}
		files, _ := filepath.Glob(filepath.Join(logs, "*"))
		for _, f := range files {
			if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), direct) {
				return true
			}
		}
		return false
	}, 30*time.Second, 5*time.Millisecond)
	require.False(t, t.Failed())
	_, err := io.WriteString(typed, "hello\n")
	require.NoError(t, err)
	require.NoError(t, typed.Close())
	r := <-ended
	require.Equal(t, "hello\n", r.Stdout, r.Stderr)
	r = w.run(t, nil, "--verbose", "ssh", "--disable-direct-stream", "ws", "echo hello")
	require.Equal(t, "hello\n", r.Stdout)
	require.NotContains(t, r.Stderr, direct)
	r = w.run(t, nil, "--verbose", "--disable-direct-connections", "ssh", "ws", "echo hello")
	require.Equal(t, "hello\n", r.Stdout)
	require.NotContains(t, r.Stderr, direct)
}

// Whoever loses the right to a workspace loses what runs there for them at once, over
// a direct stream too, although the two sides could go on to speak.
func TestRevokedDirectStreamEndsInTheWorkspace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startAgent(t)
	up, down := fifo(t, "up"), fifo(t, "down")
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	ended := make(chan clitest.Result, 1)
	go func() {
		ended <- w.computer(t, bytes.NewReader(nil)).RunContext(ctx, "--verbose", "ssh", "ws",
			fmt.Sprintf("trap 'echo down > %s; exit' HUP; echo up > %s; while :; do sleep 0.1; done", down, up))
	}()
	awaitFifo(t, ctx, up)
	w.revoke()
	awaitFifo(t, ctx, down)
	r := <-ended
	require.Equal(t, 255, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "You are signed out.")
}

func fifo(t *testing.T, name string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	require.NoError(t, syscall.Mkfifo(p, 0o600))
	return p
}

// awaitFifo waits until somebody writes.
func awaitFifo(t *testing.T, ctx context.Context, path string) { //nolint:revive // t comes first in tests
	t.Helper()
	said := make(chan error, 1)
	go func() { _, err := os.ReadFile(path); said <- err }()
	select {
	case err := <-said:
		require.NoError(t, err)
	case <-ctx.Done():
		t.Fatalf("nobody has written to %s", filepath.Base(path))
	}
}
