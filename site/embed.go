//go:build embed_site

package site

import "embed"

// dashboard is what "make site" built, with its compressed forms.
//
//go:embed all:dist
var dashboard embed.FS

const built = true
