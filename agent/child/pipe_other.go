//go:build !linux

package child

import "os"

// WidenPipe does nothing: only Linux lets a program choose the size of a pipe.
func WidenPipe(*os.File) {}
