//go:build !linux

package child

import "errors"

// NeedsReaper is false: only Linux containers make the agent an init process.
func NeedsReaper() bool { return false }

// Reap is not supported on this system.
func Reap(string, []string, []string) (int, error) {
	return 1, errors.New("the child reaper runs on linux only; start with --no-reap")
}
