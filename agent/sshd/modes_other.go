//go:build !linux

package sshd

import "os"

// applyModes leaves the system's defaults: modes are set on Linux only.
func applyModes(*os.File, string) {}
