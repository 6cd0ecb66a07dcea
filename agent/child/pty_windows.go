package child

import (
	"errors"
	"os"
	"os/exec"
)

// PTYSupported is false: what needs a terminal is refused with a clear word.
const PTYSupported = false

var errNoPTY = errors.New("terminals are not supported on Windows")

// StartPTY always fails.
func StartPTY(*exec.Cmd, PTYSize, func(*os.File)) (*os.File, error) { return nil, errNoPTY }

// ResizePTY always fails.
func ResizePTY(*os.File, PTYSize) error { return errNoPTY }

// PTYEnded is false for all errors.
func PTYEnded(error) bool { return false }
