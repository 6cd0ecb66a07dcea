package scripts

import "os"

const scriptSuffix = ".ps1"

// openNoFollow is nothing here: the temporary directory is the user's own.
const openNoFollow = 0

// shellFileArgs stand between a shell and the file it runs.
func shellFileArgs() []string { return []string{"-NoProfile", "-ExecutionPolicy", "Bypass", "-File"} }

// ownedPrivately reports whether path is a directory; it lies in the user's own.
func ownedPrivately(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
