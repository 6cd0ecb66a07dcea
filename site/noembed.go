//go:build !embed_site

package site

import "embed"

// dashboard is empty in builds without the tag embed_site.
var dashboard embed.FS

const built = false
