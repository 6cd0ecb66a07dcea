//go:build embed_postgres

package local

import _ "embed"

// Made by scripts/pgarchive.
var (
	//go:embed archive/postgres-linux-arm64.tar.zst
	embedded []byte
	//go:embed archive/postgres-linux-arm64.tar.zst.sha256
	embeddedHash string
)
