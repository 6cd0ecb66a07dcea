package tailnet

import "time"

const (
	// firstRetry and lastRetry bound the pause between dials; each is drawn from its
	// upper half. A session of steadyAfter starts over at firstRetry, and one of
	// movedAfter does when the server asked to connect elsewhere: replicas may stop one
	// after another, but one that says so at once must not be dialled in a circle.
	firstRetry  = 100 * time.Millisecond
	lastRetry   = 5 * time.Second
	steadyAfter = 30 * time.Second
	movedAfter  = 2 * time.Second
	// busyRetry replaces lastRetry while streams are open.
	busyRetry = time.Second
	// idleSpread is the time over which nodes without open streams come back to the
	// servers that are left: they lost theirs in the same moment. They stay known
	// meanwhile.
	idleSpread = time.Second

	// noSession is how long a session lasted that there was not.
	noSession = time.Duration(-1)
)

// retries says how long to wait before the next dial.
type retries struct{ pause time.Duration }

func newRetries() *retries { return &retries{pause: firstRetry} }

// next follows a session that lasted so long and ended, with the word to move or
// without it, or a dial that failed. jitter is in [0,1).
func (r *retries) next(lasted time.Duration, moved, busy bool, jitter float64) time.Duration {
	if lasted > steadyAfter || moved && lasted > movedAfter {
		r.pause = firstRetry
	}
	if busy {
		r.pause = min(r.pause, busyRetry)
	}
	half := r.pause / 2
	spread := half
	if lasted != noSession && !busy {
		spread = max(spread, idleSpread)
	}
	r.pause = min(2*r.pause, lastRetry)
	return half + time.Duration(jitter*float64(spread))
}
