//go:build !linux

package database

import "syscall"

// setUnackedLimit does nothing where the system has no such option; keepalives
// and deadlines remain.
func setUnackedLimit(_, _ string, _ syscall.RawConn) error { return nil }

// quiet is not known here; a connection that was idle for a second is asked.
func (s *socket) quiet() bool { return true }
