// Package pipe joins two byte streams at their ends, and the small writes of one.
//
// It never looks at the bytes. End of input on one side becomes a half-close of
// the other where that side can do it, so the answer can still flow back.
package pipe

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// closeWriter is a stream whose writing half can end alone.
type closeWriter interface{ CloseWrite() error }

// Counts are the bytes that were copied.
type Counts struct {
	AToB int64
	BToA int64
}

// bufferSize is the unit of a copy. It holds a full SSH packet or TLS record.
const bufferSize = 32 << 10

// Join copies a to b and b to a until both directions have ended, then closes
// both. When one side's input ends, the other's CloseWrite is called; a side
// without CloseWrite is closed whole, because nothing else would tell it. An
// error in one direction, or the end of ctx, closes both. Streams that were
// merely closed are no error. Join returns after both of its copies have.
func Join(ctx context.Context, a, b io.ReadWriteCloser) (Counts, error) {
	var once sync.Once
	closeBoth := func() {
		once.Do(func() { _ = a.Close(); _ = b.Close() })
	}
	defer closeBoth()
	stop := context.AfterFunc(ctx, closeBoth)
	defer stop()

	var n Counts
	var back error
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.BToA, back = copyHalf(a, b, closeBoth)
	}()
	var forth error
	n.AToB, forth = copyHalf(b, a, closeBoth)
	<-done
	if err := ctx.Err(); err != nil {
		return n, err
	}
	return n, errors.Join(forth, back)
}

// copyHalf copies src to dst and passes the end on.
func copyHalf(dst io.WriteCloser, src io.Reader, closeBoth func()) (int64, error) {
	n, err := io.CopyBuffer(onlyWriter{dst}, onlyReader{src}, make([]byte, bufferSize))
	if err != nil {
		closeBoth()
		if closed(err) {
			return n, nil
		}
		return n, err
	}
	if cw, ok := dst.(closeWriter); ok {
		_ = cw.CloseWrite() // an error here is one of the other direction too
	} else {
		closeBoth()
	}
	return n, nil
}

// onlyReader and onlyWriter hide ReadFrom and WriteTo, which would take other
// buffers than ours.
type onlyReader struct{ io.Reader }
type onlyWriter struct{ io.Writer }

func closed(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}
