//go:build unix && !linux

package streams

import (
	"net"
	"os"
	"syscall"
)

func ownPeer(net.Conn) error { return nil }

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
