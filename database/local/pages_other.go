//go:build !linux

package local

// forgetPages does nothing here: no build for this system carries an archive.
func forgetPages(string) {}
