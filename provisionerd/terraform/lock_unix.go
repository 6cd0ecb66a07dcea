//go:build unix

package terraform

import (
	"fmt"
	"os"
	"syscall"

	"coder.internal/internal/filelock"
)

// lockFile locks path until the function it returns is called or the process
// ends. A shared lock waits for its turn; an exclusive one fails when the lock is
// held.
func lockFile(path string, exclusive bool) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock template: %w", err)
	}
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX | syscall.LOCK_NB
	}
	for {
		if err = syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock template: %w", err)
	}
	return func() { filelock.Release(f) }, nil
}
