package streams

import (
	"context"
	"net"
	"sync"

	"coder.internal/internal/mux"
)

// join copies both ways until both have ended. A half that ends is passed on as one;
// what breaks on one side is broken on the other.
func join(ctx context.Context, st *mux.Stream, app net.Conn) {
	broke := sync.OnceFunc(func() {
		if tc, ok := app.(*net.TCPConn); ok {
			_ = tc.SetLinger(0)
		}
		_ = app.Close()
		st.Reset()
	})
	stop := context.AfterFunc(ctx, broke)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := st.ReadFrom(app); err != nil {
			broke()
			return
		}
		_ = st.CloseWrite()
	}()
	_, err := st.WriteTo(app)
	if err != nil {
		broke()
	} else if cw, ok := app.(interface{ CloseWrite() error }); ok {
		_ = cw.CloseWrite()
	}
	select {
	case <-done:
	case <-st.Gone(): // nobody takes what the app may still send
		_ = app.Close()
		<-done
	}
	_ = app.Close()
	_ = st.Close()
}
