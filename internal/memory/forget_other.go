//go:build !linux

package memory

// Forget does nothing here: it is an economy only.
func Forget(string) {}
