//go:build !linux

package term

import "os"

// utf8Input leaves the system's defaults.
func utf8Input(*os.File) {}
