//go:build !unix

package provisionerd

// lockDir relies on the operator here: give each daemon its own directory.
func lockDir(string) (func(), error) { return func() {}, nil }
