package ssh_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/cli/clitest"
)

// revoke takes everybody's right to the workspace away.
func (w *world) revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = true
	for _, ws := range w.clients {
		w.coord.Revoke(ws, "you may no longer use this workspace")
	}
}

// A session whose right has ended ends too, on both sides, and says why. Without
// that it would wait for answers that do not come.
func TestRevokedSessionEndsAndSaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startAgent(t)
	fifo := filepath.Join(t.TempDir(), "up")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	ended := make(chan clitest.Result, 1)
	go func() {
		ended <- w.computer(t, bytes.NewReader(nil)).RunContext(ctx, "ssh", "ws", "echo up > "+fifo+"; exec sleep 600")
	}()
	opened := make(chan error, 1)
	go func() { _, err := os.ReadFile(fifo); opened <- err }() // until the session writes
	select {
	case err := <-opened:
		require.NoError(t, err)
	case r := <-ended:
		t.Fatalf("it ended by itself: %+v", r)
	}
	w.revoke()
	r := <-ended
	require.Equal(t, 255, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "the connection to the workspace was lost: You are signed out.")
}
