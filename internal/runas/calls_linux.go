//go:build linux && !386 && !arm

package runas

import "syscall"

// System calls that take ids of 32 bits.
const (
	sysSetfsuid  = syscall.SYS_SETFSUID
	sysSetfsgid  = syscall.SYS_SETFSGID
	sysSetgroups = syscall.SYS_SETGROUPS
)
