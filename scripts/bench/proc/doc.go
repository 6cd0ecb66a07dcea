// Package proc starts processes, waits for them, and reads what they used from
// /proc. It needs Linux.
//
// Each process gets a process group of its own, so that a Ctrl-C at the terminal
// reaches only the bench, which then stops what it started by its number.
package proc
