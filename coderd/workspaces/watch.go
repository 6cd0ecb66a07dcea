package workspaces

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database/pubsub"
	"coder.internal/internal/wsconn"
)

const (
	// watchPoll finds what no hint told, such as an agent that timed out.
	watchPoll = 5 * time.Second
	// watchPing keeps middleboxes from closing a quiet stream.
	watchPing    = 15 * time.Second
	watchMisses  = 2
	readmitEvery = 30 * time.Second
	writeTimeout = 10 * time.Second
)

// stream follows one workspace: send gets a data event at once and after each
// change, ping keeps the peer's side alive. It ends with the first error.
func (s *Service) stream(ctx context.Context, a *httpapi.API, r *http.Request, id api.ID, send func(api.WatchEvent) error) error {
	sub := s.opts.PubSub.Subscribe(pubsub.TopicWorkspace(id))
	defer sub.Close()
	poll := s.opts.Clock.NewTicker(watchPoll)
	defer poll.Stop()
	readmit := s.opts.Clock.NewTicker(readmitEvery)
	defer readmit.Stop()
	ping := s.opts.Clock.NewTicker(watchPing)
	defer ping.Stop()
	var last []byte
	for {
		w, err := s.one(ctx, id)
		if err != nil {
			return err
		}
		text, err := json.Marshal(w)
		if err != nil {
			return fmt.Errorf("encode workspace %s: %w", id, err)
		}
		if !bytes.Equal(text, last) {
			last = text
			if err := send(api.WatchEvent{Type: "data", Data: json.RawMessage(text)}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sub.C():
		case <-poll.C:
		case <-ping.C:
			if err := send(api.WatchEvent{Type: "ping"}); err != nil {
				return err
			}
		case <-readmit.C:
			if err := s.readmit(ctx, a, r, id); err != nil {
				return err
			}
		}
	}
}

// readmit fails once the caller may not read the workspace any more. A database
// that is away takes no right away.
func (s *Service) readmit(ctx context.Context, a *httpapi.API, r *http.Request, id api.ID) error {
	again, err := a.Readmit(r.WithContext(ctx))
	if err == nil {
		_, err = s.load(again, id, rbac.Read)
	}
	if api.CodeOf(err) == "" {
		return nil
	}
	return err
}

// Watch serves GET /workspaces/{workspace}/watch as server-sent events.
func (s *Service) Watch(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := pathID(r, "workspace")
		if err == nil {
			_, err = s.load(r.Context(), id, rbac.Read)
		}
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Accel-Buffering", "no")
		rc := http.NewResponseController(w)
		send := func(e api.WatchEvent) error {
			_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout)) // best effort: not every writer has one
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
		err = s.stream(r.Context(), a, r, id, send)
		if r.Context().Err() == nil {
			s.log.Debug("watch ended", "workspace_id", id.String(), "error", err)
			_ = send(errorEvent(err)) // breaks visibly; the peer may be gone
		}
	})
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

// WatchWS serves GET /workspaces/{workspace}/watch-ws: the same over a websocket.
func (s *Service) WatchWS(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := pathID(r, "workspace")
		if err == nil {
			_, err = s.load(r.Context(), id, rbac.Read)
		}
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
		if err != nil {
			return // answered already
		}
		ctx, cancel := context.WithCancel(r.Context())
		done := make(chan struct{}, 2)
		go func() { // a watcher says nothing; reading notices that it left
			var ignored json.RawMessage
			for ws.Read(ctx, &ignored) == nil {
			}
			cancel()
			done <- struct{}{}
		}()
		go func() {
			_ = ws.Ping(ctx, watchPing, watchMisses, nil) // a silent peer ends the read above
			done <- struct{}{}
		}()
		err = s.stream(ctx, a, r, id, func(e api.WatchEvent) error { return ws.Write(ctx, e) })
		if ctx.Err() == nil {
			_ = ws.Write(ctx, errorEvent(err)) // the close below says it too
		}
		_ = ws.Close(wsconn.CodeGoingAway, "watch again")
		cancel()
		_ = ws.CloseNow()
		for range cap(done) {
			<-done
		}
	})
}
