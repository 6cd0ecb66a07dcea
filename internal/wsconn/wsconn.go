// Package wsconn carries JSON messages over a websocket, for both sides. Streams
// that are not JSON, such as terminals, use ReadRaw and WriteRaw.
//
// It owns framing, the deadline of a write, the size limit of a read and
// keep-alive pings. It never knows what the messages mean and never reconnects:
// a Conn that returned an error is finished, and its user dials again.
//
// One goroutine may Read, any number may Write and Ping. Pings are answered
// only while somebody reads, so every Conn needs a reader.
package wsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// WriteTimeout bounds one write. A peer that takes longer is given up.
const WriteTimeout = 10 * time.Second

// DefaultReadLimit bounds one message, in bytes, where Options say nothing.
const DefaultReadLimit = 1 << 20

// Code says why a connection was closed (RFC 6455 §7.4).
type Code int

// The codes we send.
const (
	CodeNormal      Code = 1000
	CodeGoingAway   Code = 1001
	CodeProtocol    Code = 1002
	CodePolicy      Code = 1008
	CodeTooBig      Code = 1009
	CodeInternal    Code = 1011
	CodeTryLater    Code = 1013
	maxReasonLength      = 120
)

// CloseError is returned by Read once the peer closed with a code.
type CloseError struct {
	Code   Code
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string {
	return fmt.Sprintf("websocket closed by the peer: %d %s", e.Code, e.Reason)
}

// transport moves whole messages. The websocket and the in-memory pipe are the two.
type transport interface {
	read(ctx context.Context, raw bool) ([]byte, error)
	write(ctx context.Context, p []byte, raw bool) error
	ping(ctx context.Context) error
	close(code Code, reason string) error
	abort() error
}

// Conn is one message connection.
type Conn struct{ t transport }

// Read waits for the next message and decodes it into v. It fails with
// *CloseError after an orderly close, and the connection is unusable after any
// error, the end of ctx included.
func (c *Conn) Read(ctx context.Context, v any) error {
	p, err := c.t.read(ctx, false)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(p, v); err != nil {
		_ = c.t.close(CodeProtocol, "message is not the JSON expected here")
		return fmt.Errorf("decode websocket message: %w", err)
	}
	return nil
}

// Write sends v as one message. It blocks at most WriteTimeout.
func (c *Conn) Write(ctx context.Context, v any) error {
	p, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode websocket message: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, WriteTimeout)
	defer cancel()
	return c.t.write(ctx, p, false)
}

// ReadRaw waits for the next message, text or binary, and returns it as it is. The
// connection is unusable after any error, as with Read.
func (c *Conn) ReadRaw(ctx context.Context) ([]byte, error) { return c.t.read(ctx, true) }

// WriteRaw sends p as one binary message. It blocks at most WriteTimeout.
func (c *Conn) WriteRaw(ctx context.Context, p []byte) error {
	ctx, cancel := context.WithTimeout(ctx, WriteTimeout)
	defer cancel()
	return c.t.write(ctx, p, true)
}

// Close tells the peer why and ends the connection. It waits a few seconds for
// the peer's answer and may be called more than once.
func (c *Conn) Close(code Code, reason string) error {
	if len(reason) > maxReasonLength {
		reason = reason[:maxReasonLength]
	}
	return c.t.close(code, reason)
}

// CloseNow ends the connection without a word.
func (c *Conn) CloseNow() error { return c.t.abort() }

// Ping sends a ping every interval until ctx ends (nil is returned) or misses
// pings in a row stay unanswered for an interval each (an error is returned and
// the connection is closed). Somebody must be reading meanwhile. answered, where
// it is not nil, is called after each answer.
func (c *Conn) Ping(ctx context.Context, interval time.Duration, misses int, answered func()) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		// A missed ping is not retried: one wait over all the intervals sees
		// the same thing, and an answer that comes late still counts.
		pctx, cancel := context.WithTimeout(ctx, time.Duration(misses)*interval)
		err := c.t.ping(pctx)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			_ = c.t.abort()
			return fmt.Errorf("peer does not answer pings: %w", err)
		}
		if answered != nil {
			answered()
		}
	}
}

// PingOnce sends one ping and waits for the answer as long as ctx allows.
// Somebody must be reading meanwhile.
func (c *Conn) PingOnce(ctx context.Context) error { return c.t.ping(ctx) }

// IsClosed reports whether err only says that the other side went away.
func IsClosed(err error) bool {
	var ce *CloseError
	return errors.As(err, &ce) || errors.Is(err, io.EOF)
}
