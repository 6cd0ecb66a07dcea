//go:build unix

package terraform

import "syscall"

// Flags of open: follow no link at the end, do not wait for a writer.
const (
	noFollow = syscall.O_NOFOLLOW
	noWait   = syscall.O_NONBLOCK
)
