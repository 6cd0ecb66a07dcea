//go:build unix

package child

import (
	"os"
	"os/signal"
	"syscall"
)

// DefaultSignals sees to it that processes started from now on have the usual
// reaction to the signals of terminals. Whoever starts the agent with nohup, or
// with & in a script, makes it ignore some of them; that would be inherited by
// every shell, whose Ctrl-C could then stop nothing. The agent itself goes on
// ignoring them. It may be called many times.
func DefaultSignals() {
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGPIPE, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU} {
		if signal.Ignored(sig) {
			// A signal that Go handles is reset to its default in children. Nobody
			// reads the channel: sending to it never blocks.
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}
