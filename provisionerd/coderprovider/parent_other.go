//go:build !linux

package coderprovider

// dieWithParent does nothing here: only Linux can tie a process to its parent.
func dieWithParent() {}
