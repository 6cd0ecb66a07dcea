package streams

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"coder.internal/internal/mux"
)

// The buffer of a copy is small until there is much to copy, so that thousands of
// idle streams cost little.
const (
	smallBuffer = 2 << 10
	largeBuffer = 32 << 10
)

var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

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
		if err := upstream(st, app); err != nil {
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

// upstream copies what the app sends.
func upstream(st *mux.Stream, app net.Conn) error {
	small := make([]byte, smallBuffer)
	buf := small
	var large *[largeBuffer]byte
	shrink := func() {
		if large != nil {
			largeBuffers.Put(large)
			large, buf = nil, small
		}
	}
	defer shrink()
	for {
		n, err := app.Read(buf)
		if n > 0 {
			if _, err := st.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case n < smallBuffer/2:
			shrink()
		case large == nil && n == smallBuffer:
			large = largeBuffers.Get().(*[largeBuffer]byte) //nolint:forcetypeassert // nothing else is put
			buf = large[:]
		}
	}
}
