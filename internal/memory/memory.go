// Package memory gives memory back to the system: that of a burst of work once it is
// over, and embedded files that were read.
//
// The runtime collects an idle program every two minutes and then keeps part of what
// it had, so that a program shows for long what it needed for a moment: to unpack an
// archive, or to hash a password. A Keeper looks every few seconds how much was
// allocated. It never acts while much is, and not again before there was another
// burst.
package memory

import (
	"context"
	"errors"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/coder/quartz"
)

// lookEvery is the pause between two looks.
const lookEvery = 4 * time.Second

// Options of a Keeper. Clock and Burst are required.
type Options struct {
	Clock quartz.Clock
	// Burst is how many bytes must have been allocated for it to be worth a
	// collection. A pause with less than an eighth of it is calm.
	Burst uint64
	// Allocated returns how many bytes the program has allocated so far, and Free
	// gives back what is not used. Nil is those of the runtime.
	Allocated func() uint64
	Free      func()
}

// Keeper gives memory back. Use New, then Run once.
type Keeper struct {
	o Options
	// What was allocated when memory was last given back, and at the last look.
	freed, last uint64
}

// New returns a Keeper; it starts nothing.
func New(o Options) (*Keeper, error) {
	if o.Clock == nil || o.Burst == 0 || (o.Allocated == nil) != (o.Free == nil) {
		return nil, errors.New("memory: Clock and Burst are required, and Allocated and Free need each other")
	}
	if o.Free == nil {
		o.Allocated, o.Free = allocated, debug.FreeOSMemory
	}
	return &Keeper{o: o}, nil
}

// Run looks until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	tick := k.o.Clock.NewTicker(lookEvery, "memory")
	defer tick.Stop()
	k.last = k.o.Allocated()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if k.over(k.o.Allocated()) {
			k.o.Free()
		}
	}
}

// over reports whether a burst is, now that so much was allocated.
func (k *Keeper) over(now uint64) bool {
	calm := now-k.last < k.o.Burst/8
	k.last = now
	if !calm || now-k.freed < k.o.Burst {
		return false
	}
	k.freed = now
	return true
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
