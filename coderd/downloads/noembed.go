//go:build !embed_bin

package downloads

// archive is empty in builds without the tag embed_bin.
var archive string
