package cli

import (
	"context"
	"time"
)

// Resizes calls look whenever the terminal may have another size, until ctx
// ends. Windows has no signal for it, so the size is looked at now and then.
func Resizes(ctx context.Context, look func()) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			look()
		}
	}
}
