//go:build unix

package provisionerd

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"coder.internal/internal/filelock"
)

// lockDir makes sure that no other process works in dir. The lock goes with the
// process, so that a crash leaves nothing to clean up.
func lockDir(dir string) (func(), error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock work directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("work directory %s is in use by another server or provisioner daemon: stop that one, or give this one a cache directory of its own", dir)
	}
	return func() { filelock.Release(f) }, nil
}
