package term

import (
	"os"

	"golang.org/x/sys/unix"
)

// utf8Input makes the line editor of the kernel erase whole characters. A terminal
// that refuses stays as it is.
func utf8Input(far *os.File) {
	raw, err := far.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		if t, err := unix.IoctlGetTermios(int(fd), unix.TCGETS); err == nil {
			t.Iflag |= unix.IUTF8
			_ = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
		}
	})
}
