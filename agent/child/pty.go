package child

import (
	"io"
	"time"
)

// PTY is the near end of a terminal. Deadlines work on it, and Close wakes readers
// and writers.
type PTY interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	// Resize tells the terminal its size, and the programs on it.
	Resize(PTYSize) error
}
