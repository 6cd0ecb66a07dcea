//go:build !windows

package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Resizes calls look whenever the terminal may have another size, until ctx ends.
func Resizes(ctx context.Context, look func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGWINCH)
	defer signal.Stop(ch)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ch:
			look()
		}
	}
}
