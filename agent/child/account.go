package child

import (
	"os"
	"path/filepath"
	"strings"
)

// Account is the user that the agent runs as, and who owns every session.
type Account struct {
	Name  string
	Home  string
	Shell string
	// Priority is that of every session and script.
	Priority Priority
}

// LookupAccount finds the account of this process. environ is the agent's own
// environment: its HOME wins over the user database, because container images
// set it without an entry there. Every field is filled.
func LookupAccount(environ []string) Account {
	a := systemAccount(environ)
	if home := Get(environ, "HOME"); filepath.IsAbs(home) {
		a.Home = home
	}
	if a.Home == "" {
		a.Home = os.TempDir()
	}
	if a.Name == "" {
		a.Name = "coder"
	}
	return a
}

// Expand resolves a leading ~ and $VARS in a path of the manifest. A path that
// is not absolute then is taken from home. Empty stays empty.
func (a Account) Expand(path string, environ []string) string {
	if path == "" {
		return ""
	}
	switch {
	case path == "~":
		path = a.Home
	case strings.HasPrefix(path, "~/"), strings.HasPrefix(path, `~\`):
		path = filepath.Join(a.Home, path[2:])
	}
	path = os.Expand(path, func(name string) string {
		if name == "HOME" {
			return a.Home
		}
		return Get(environ, name)
	})
	if !filepath.IsAbs(path) {
		path = filepath.Join(a.Home, path)
	}
	return filepath.Clean(path)
}

// Directory returns the first of wanted, home and the root that is a directory
// now, so that a session also starts where the wanted one does not exist yet.
func (a Account) Directory(wanted string) string {
	for _, dir := range []string{wanted, a.Home} {
		if dir == "" {
			continue
		}
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return dir
		}
	}
	return string(filepath.Separator)
}
