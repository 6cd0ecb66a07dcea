package child

import (
	"slices"
	"strings"
)

// Get returns the value of name, or "". The last entry wins, as for a shell.
func Get(environ []string, name string) string {
	for _, kv := range slices.Backward(environ) {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v
		}
	}
	return ""
}

// Merge joins environments into a new one; later entries win and every name
// appears once. Entries without a name or with a NUL are left out, since no
// program could be started with them.
func Merge(environs ...[]string) []string {
	var out []string
	at := make(map[string]int)
	for _, environ := range environs {
		for _, kv := range environ {
			name, _, ok := strings.Cut(kv, "=")
			if !ok || name == "" || strings.ContainsRune(kv, 0) {
				continue
			}
			if i, seen := at[name]; seen {
				out[i] = kv
				continue
			}
			at[name] = len(out)
			out = append(out, kv)
		}
	}
	return out
}

// Drop returns environ without the entries whose name satisfies gone.
func Drop(environ []string, gone func(name string) bool) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return gone(name)
	})
}

// AppendPath puts dir last in PATH, where nothing that is there already is hidden.
func AppendPath(environ []string, dir, separator string) []string {
	path := Get(environ, "PATH")
	if path != "" {
		path += separator
	}
	return Merge(environ, []string{"PATH=" + path + dir})
}

// PrependPath puts dir first in PATH.
func PrependPath(environ []string, dir, separator string) []string {
	path := Get(environ, "PATH")
	if path != "" {
		path = separator + path
	}
	return Merge(environ, []string{"PATH=" + dir + path})
}
