//go:build unix

// Package filelock gives flock(2) locks back.
//
// It owns one call. It never takes a lock: who may wait and who may share is for
// the caller to say.
package filelock

import (
	"os"
	"syscall"
)

// Release ends the lock on f and closes f. Closing alone is not enough: a child
// that another goroutine is just starting holds a copy of the descriptor, and
// with it the lock, until it has become its program.
func Release(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	_ = f.Close() // only a lock: nothing to lose
}
