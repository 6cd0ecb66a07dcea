// Package serve is the composition root: it builds the parts of a server in one
// place, top to bottom, and runs them.
//
// NewServer builds everything and starts nothing; Run starts in order, blocks,
// and stops in reverse. Tests call the same constructor.
package serve
