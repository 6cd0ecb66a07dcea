package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"coder.internal/api"
	"coder.internal/internal/clock"
	"coder.internal/internal/wsconn"
)

const (
	// EventPing is how often a stream sends a ping event, which keeps middleboxes
	// from closing it while there is nothing to say.
	EventPing         = 15 * time.Second
	eventMisses       = 2
	eventWriteTimeout = 10 * time.Second
)

// SendEvent gives one event to the reader of a stream. It blocks until it is
// written; an error means that the reader is gone.
type SendEvent func(api.WatchEvent) error

// Data is an event of type "data"; text is its JSON.
func Data(text []byte) api.WatchEvent {
	return api.WatchEvent{Type: "data", Data: json.RawMessage(text)}
}

// ServeEvents answers with server-sent events until run returns, which it has to
// soon after its ctx ends. Its error becomes the last event, so that the stream
// breaks visibly. The caller has checked the right to read.
func (a *API) ServeEvents(w http.ResponseWriter, r *http.Request, run func(ctx context.Context, send SendEvent) error) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Accel-Buffering", "no")
	rc := http.NewResponseController(w)
	send := func(e api.WatchEvent) error {
		_ = rc.SetWriteDeadline(time.Now().Add(eventWriteTimeout)) // best effort: not every writer has one
		text := []byte("event: " + e.Type + "\n")
		if raw, ok := e.Data.(json.RawMessage); ok {
			text = fmt.Appendf(text, "data: %s\n", raw)
		}
		if _, err := w.Write(append(text, '\n')); err != nil {
			return err
		}
		return rc.Flush()
	}
	if send(api.WatchEvent{Type: "ping"}) != nil {
		return
	}
	err := run(r.Context(), send)
	if r.Context().Err() == nil {
		a.opts.Log.Debug("event stream ended", "path", r.URL.Path, "error", err)
		_ = send(errorEvent(err)) // the peer may be gone
	}
}

// ServeEventsWS is ServeEvents over a websocket, one JSON message for each event.
func (a *API) ServeEventsWS(w http.ResponseWriter, r *http.Request, run func(ctx context.Context, send SendEvent) error) {
	ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
	if err != nil {
		return // answered already
	}
	ctx, leave := Audience(r.Context(), ws)
	defer leave()
	err = run(ctx, func(e api.WatchEvent) error { return ws.Write(ctx, e) })
	if ctx.Err() == nil {
		_ = ws.Write(ctx, errorEvent(err)) // the close below says it too
	}
	_ = ws.Close(wsconn.CodeGoingAway, "watch again")
}

// Follow is the loop of a watch. All fields but Rest are required.
type Follow struct {
	Clock   clock.Clock
	Changed <-chan struct{} // hints that Next may have something
	Poll    time.Duration   // how often Next is asked without a hint
	Recheck time.Duration   // how often Readmit is
	// Next returns what is new as JSON, nil for nothing.
	Next func(ctx context.Context) ([]byte, error)
	// Readmit fails with a code once the caller may not watch any more. Other
	// errors are trouble: a database that is away takes no right away.
	Readmit func(ctx context.Context) error
	// Rest says after each Next how long hints are to wait; nil for not at all.
	Rest func() time.Duration
}

// Run sends what is new at once and after each change, and pings that keep the
// peer's side alive. It ends with the first error.
func (f Follow) Run(ctx context.Context, send SendEvent) error {
	poll := f.Clock.NewTicker(f.Poll)
	defer poll.Stop()
	readmit := f.Clock.NewTicker(f.Recheck)
	defer readmit.Stop()
	ping := f.Clock.NewTicker(EventPing)
	defer ping.Stop()
	for {
		text, err := f.Next(ctx)
		if err != nil {
			return err
		}
		if text != nil {
			if err := send(Data(text)); err != nil {
				return err
			}
		}
		if err := f.wait(ctx, send, poll.C, readmit.C, ping.C); err != nil {
			return err
		}
	}
}

// wait returns when Next is to be asked again.
func (f Follow) wait(ctx context.Context, send SendEvent, poll, readmit, ping <-chan time.Time) error {
	changed := f.Changed // a hint stays in it
	var rested <-chan time.Time
	if f.Rest != nil {
		timer := f.Clock.NewTimer(f.Rest())
		defer timer.Stop()
		changed, rested = nil, timer.C
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-rested:
			changed = f.Changed
		case <-changed:
			return nil
		case <-poll:
			return nil
		case <-ping:
			if err := send(api.WatchEvent{Type: "ping"}); err != nil {
				return err
			}
		case <-readmit:
			if err := f.Readmit(ctx); api.CodeOf(err) != "" {
				return err
			}
		}
	}
}

// Recheck returns a Follow's Readmit: it authenticates r again and asks may in the
// name of who r is now.
func (a *API) Recheck(r *http.Request, may func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		again, err := a.Readmit(r.WithContext(ctx))
		if err != nil {
			return err
		}
		return may(again)
	}
}

// errorEvent says why a stream ends.
func errorEvent(err error) api.WatchEvent {
	var e *api.Error
	if !errors.As(err, &e) {
		e = &api.Error{Message: "The stream broke. Watch again."}
	}
	text, merr := json.Marshal(api.Response{Message: e.Message})
	if merr != nil {
		text = []byte(`{"message":"The stream broke."}`)
	}
	return api.WatchEvent{Type: "error", Data: json.RawMessage(text)}
}
