//go:build !unix

package keys

// sameOwner has nothing to do where new files belong to the directory's owner.
func sameOwner(string, string) error { return nil }
