//go:build embed_bin

package downloads

import _ "embed" // the binaries

//go:embed archive/coder.tar.zst
var archive string
