//go:build embed_postgres

package local

import _ "embed"

// Made by scripts/pgarchive. The cluster is empty where it could not be made.
var (
	//go:embed archive/postgres-linux-arm64.tar.zst
	embedded string
	//go:embed archive/postgres-linux-arm64.tar.zst.sha256
	embeddedHash string
	//go:embed archive/postgres-linux-arm64-cluster.tar.zst
	embeddedCluster string
)
