// Package clock is the one way to ask for time: production code gets Real, tests
// get a mock of github.com/coder/quartz that they move by hand.
package clock

import "github.com/coder/quartz"

// Clock gives the time, timers and tickers.
type Clock = quartz.Clock

// Real returns the system's clock.
func Real() Clock { return quartz.NewReal() }
