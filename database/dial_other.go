//go:build !linux

package database

import "syscall"

// setUnackedLimit does nothing where the system has no such option; keepalives
// and deadlines remain.
func setUnackedLimit(_, _ string, _ syscall.RawConn) error { return nil }
