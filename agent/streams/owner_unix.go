//go:build unix

package streams

import (
	"os"
	"syscall"
)

// ownFile refuses what is no socket, and a socket of somebody else.
func ownFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Getuid() || info.Mode()&os.ModeSocket == 0 {
		return errForeign
	}
	return nil
}
