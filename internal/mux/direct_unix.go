//go:build unix

package mux

import "syscall"

// tryWrite writes to a socket that does not block.
func tryWrite(fd uintptr, p []byte) int {
	for {
		n, err := syscall.Write(int(fd), p) //nolint:gosec // it is a number of that kind
		if err != syscall.EINTR {           //nolint:errorlint // it is one
			return max(n, 0)
		}
	}
}
