//go:build !windows

package scripts

import (
	"os"
	"syscall"
)

const scriptSuffix = ".sh"

// openNoFollow refuses a link that somebody else put into /tmp.
const openNoFollow = syscall.O_NOFOLLOW

// shellFileArgs stand between a shell and the file it runs.
func shellFileArgs() []string { return nil }

// ownedPrivately reports whether path is a directory that this user owns and
// nobody else can write to.
func ownedPrivately(path string) bool {
	st, err := os.Lstat(path)
	if err != nil || !st.IsDir() || st.Mode().Perm()&0o022 != 0 {
		return false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Getuid()
}
