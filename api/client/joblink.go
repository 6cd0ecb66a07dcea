package client

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"coder.internal/api/jobrpc"
	"coder.internal/internal/wsconn"
)

// link is one connection of a JobSource: a reader, pings, and the calls that wait
// for an answer.
type link struct {
	ws    *wsconn.Conn
	since time.Time
	ctx   context.Context //nolint:containedctx // the life of the connection
	stop  context.CancelCauseFunc
	done  <-chan struct{}
	parts sync.WaitGroup

	pushed func(jobrpc.Request) // what the server says without being asked

	mu    sync.Mutex
	last  int64
	calls map[int64]chan<- []byte
}

// newLink starts what a connection needs; it ends with the connection or stop.
func newLink(ws *wsconn.Conn, now time.Time, pushed func(jobrpc.Request)) *link {
	l := &link{ws: ws, since: now, pushed: pushed, calls: map[int64]chan<- []byte{}}
	l.ctx, l.stop = context.WithCancelCause(context.Background())
	l.done = l.ctx.Done()
	l.parts.Go(func() { l.stop(l.read()) })
	l.parts.Go(func() {
		if err := l.ws.Ping(l.ctx, linkPing, 2, nil); err != nil {
			l.stop(err)
		}
	})
	l.parts.Go(func() {
		<-l.done
		_ = l.ws.CloseNow()
	})
	return l
}

func (l *link) alive() bool  { return l.ctx.Err() == nil }
func (l *link) cause() error { return context.Cause(l.ctx) }

// read hands answers to the calls that wait for them.
func (l *link) read() error {
	var join jobrpc.Joiner
	for {
		var f jobrpc.Frame
		if err := l.ws.Read(l.ctx, &f); err != nil {
			return err
		}
		message, err := join.Add(f)
		if err != nil {
			return err
		}
		if message == nil {
			continue
		}
		if f.ID == jobrpc.PushID {
			var req jobrpc.Request
			if json.Unmarshal(message, &req) == nil { // what is not one is from a newer server
				l.pushed(req)
			}
			continue
		}
		l.mu.Lock()
		answer := l.calls[f.ID]
		delete(l.calls, f.ID)
		l.mu.Unlock()
		if answer != nil {
			answer <- message // has room for one
		}
	}
}

// id returns an id that was never used on this connection.
func (l *link) id() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	return l.last
}

// begin notes a call.
func (l *link) begin() (int64, <-chan []byte) {
	id, answer := l.id(), make(chan []byte, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[id] = answer
	return id, answer
}

func (l *link) end(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.calls, id)
}

// send writes a message. It is not bound to the caller's context, whose end would
// end the connection.
func (l *link) send(id int64, message []byte) error {
	err := jobrpc.Cut(id, message, func(f jobrpc.Frame) error { return l.ws.Write(l.ctx, f) })
	if err != nil {
		l.stop(err)
		return errors.Join(errors.New("send to the job queue"), err)
	}
	return nil
}
