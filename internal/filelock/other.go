//go:build !unix

package filelock
