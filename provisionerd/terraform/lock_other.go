//go:build !unix

package terraform

import "errors"

// lockFile cannot lock here: entries can be used, but are never removed.
func lockFile(_ string, exclusive bool) (func(), error) {
	if exclusive {
		return nil, errors.New("locking is not supported")
	}
	return func() {}, nil
}
