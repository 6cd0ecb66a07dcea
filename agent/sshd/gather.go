package sshd

import "time"

// A program that prints much in small pieces wakes its reader for each of them, and
// each would be a packet of SSH and of the tunnel. Once such a stream is seen, the
// reader stays away for a moment, so that the pipe gathers. Single lines, as people
// and editors see them, never wait.
const (
	gatherBelow  = 32 << 10               // a read as long as SSH's packets needs no company
	gatherWithin = 200 * time.Microsecond // a read that waits longer ends the stream
	gatherAfter  = 8                      // short reads in a row that make a stream
	gatherFor    = 100 * time.Microsecond // what the scheduler adds is up to a millisecond
)

// gatherer decides when the reader of a pipe stays away. The zero value is ready.
type gatherer struct{ short int } // short reads in a row

// after tells how long to stay away after a read of n bytes, of size possible ones,
// that has waited.
func (g *gatherer) after(n, size int, waited time.Duration) time.Duration {
	switch {
	case waited > gatherWithin:
		g.short = 0
	case g.short < gatherAfter && n < gatherBelow:
		g.short++
	case g.short < gatherAfter:
		g.short = 0
	case n < size: // otherwise the pipe holds more
		return gatherFor
	}
	return 0
}
