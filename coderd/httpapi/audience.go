package httpapi

import (
	"context"
	"sync"

	"coder.internal/internal/wsconn"
)

// Audience makes the peer of ws one who only listens. The context that it returns
// ends when the peer has gone or is silent; what it sends means nothing. leave ends
// the connection and returns after all that Audience began; it is called once, after
// a Close that says why.
func Audience(ctx context.Context, ws *wsconn.Conn) (_ context.Context, leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		for {
			if _, err := ws.ReadRaw(ctx); err != nil {
				return
			}
		}
	})
	wg.Go(func() {
		defer cancel()
		_ = ws.Ping(ctx, EventPing, eventMisses, nil) // its end is all that is to be known
	})
	return ctx, func() {
		cancel()
		_ = ws.CloseNow() // closed already, or nobody is left to hear it
		wg.Wait()
	}
}
