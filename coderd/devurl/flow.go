package devurl

import (
	"context"
	"sync"

	"coder.internal/api/termrpc"
)

// flow keeps what a browser has not drawn yet within termrpc.Window, once the browser
// says what it has drawn. Its zero value lets everything through.
type flow struct {
	mu         sync.Mutex
	on         bool
	out, drawn uint64        // bytes since the connection began
	more       chan struct{} // closed when drawn has grown; nil when nobody waits
}

// take notes what was drawn, and says whether there is anything else in the messages.
func (f *flow) take(in []termrpc.Input) (rest bool) {
	for _, m := range in {
		if m.Ack > 0 {
			f.ack(m.Ack)
		}
		m.Ack = 0
		rest = rest || m != termrpc.Input{}
	}
	return rest
}

func (f *flow) ack(n uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = true
	f.drawn = max(f.drawn, min(n, f.out)) // nobody has drawn what was not sent
	if f.more != nil {
		close(f.more)
		f.more = nil
	}
}

// sent notes n more bytes, and returns when the next ones may follow. The error is
// that of ctx.
func (f *flow) sent(ctx context.Context, n int) error {
	f.mu.Lock()
	f.out += uint64(n) //nolint:gosec // a length
	for f.on && f.out-f.drawn > termrpc.Window {
		if f.more == nil {
			f.more = make(chan struct{})
		}
		more := f.more
		f.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
		f.mu.Lock()
	}
	f.mu.Unlock()
	return nil
}
