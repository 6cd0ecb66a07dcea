package wsconn

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Pipe returns the two ends of a connection inside this process, for a
// component that talks to its own server. It behaves as a websocket does:
// messages are JSON, bounded, and a close reaches the other side's Read.
func Pipe() (*Conn, *Conn) {
	ab, ba := newHalf(), newHalf()
	return &Conn{t: &memory{in: ba, out: ab}}, &Conn{t: &memory{in: ab, out: ba}}
}

// queued bounds the messages on their way in each direction.
const queued = 16

// half is one direction.
type half struct {
	msgs chan []byte
	once sync.Once
	done chan struct{}
	err  error // why done was closed; read after done
}

func newHalf() *half { return &half{msgs: make(chan []byte, queued), done: make(chan struct{})} }

func (h *half) end(err error) {
	h.once.Do(func() { h.err = err; close(h.done) })
}

type memory struct{ in, out *half }

func (m *memory) read(ctx context.Context, _ bool) ([]byte, error) {
	select {
	case p := <-m.in.msgs:
		return p, nil
	default:
	}
	select {
	case p := <-m.in.msgs:
		return p, nil
	case <-m.in.done:
		return nil, m.in.err
	case <-ctx.Done():
		_ = m.abort()
		return nil, ctx.Err()
	}
}

func (m *memory) write(ctx context.Context, p []byte, _ bool) error {
	if len(p) > DefaultReadLimit {
		_ = m.close(CodeTooBig, "message too big")
		return errors.New("message too big")
	}
	select {
	case <-m.out.done:
		return m.out.err
	default:
	}
	select {
	case <-m.out.done:
		return m.out.err
	case m.out.msgs <- p:
		return nil
	case <-ctx.Done():
		_ = m.abort()
		return ctx.Err()
	}
}

func (m *memory) ping(context.Context) error {
	select {
	case <-m.out.done:
		return m.out.err
	default:
		return nil
	}
}

func (m *memory) close(code Code, reason string) error {
	m.out.end(&CloseError{Code: code, Reason: reason})
	m.in.end(io.ErrClosedPipe)
	return nil
}

func (m *memory) abort() error {
	m.out.end(io.EOF)
	m.in.end(io.ErrClosedPipe)
	return nil
}
