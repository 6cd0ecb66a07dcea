package child

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is four times the kernel's default: fewer wake-ups per megabyte, and
// still far below the share of pipe memory that the kernel gives one user.
const pipeSize = 256 << 10

// WidenPipe enlarges the buffer of a pipe. Where the kernel refuses, the pipe
// works with the buffer it has.
func WidenPipe(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize)
	})
}
