//go:build !embed_postgres || !linux || !(amd64 || arm64)

package local

// A build without the tag embed_postgres carries no binaries and no cluster.
var (
	embedded        string
	embeddedHash    string
	embeddedCluster string
)
