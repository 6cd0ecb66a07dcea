package streams

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// ownPeer looks at who listens: a file can be exchanged after ownFile.
func ownPeer(conn net.Conn) error {
	uc, ok := conn.(*net.UnixConn)
	if !ok {
		return errForeign
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return fmt.Errorf("look at socket: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil || credErr != nil {
		return errForeign
	}
	if int(cred.Uid) != os.Getuid() {
		return errForeign
	}
	return nil
}
