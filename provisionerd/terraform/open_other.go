//go:build !unix

package terraform

// Flags of open that are not known here.
const noFollow, noWait = 0, 0
