//go:build unix

package keys

import (
	"os"
	"syscall"
)

// sameOwner gives a new file the owner of the one it replaces: the administrator
// who rotates keys may be root and the server somebody else.
func sameOwner(of, path string) error {
	info, err := os.Stat(of)
	if err != nil {
		return err
	}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Getuid() {
		return os.Chown(path, int(sys.Uid), int(sys.Gid))
	}
	return nil
}
