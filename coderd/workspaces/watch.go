package workspaces

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database/pubsub"
)

const (
	// watchPoll finds what no hint told, such as an agent that timed out.
	watchPoll    = 5 * time.Second
	readmitEvery = 30 * time.Second
)

// stream follows one workspace: send gets a data event at once and after each
// change, ping keeps the peer's side alive. It ends with the first error.
func (s *Service) stream(ctx context.Context, a *httpapi.API, r *http.Request, id api.ID, send httpapi.SendEvent) error {
	sub := s.opts.PubSub.Subscribe(pubsub.TopicWorkspace(id))
	defer sub.Close()
	poll := s.opts.Clock.NewTicker(watchPoll)
	defer poll.Stop()
	readmit := s.opts.Clock.NewTicker(readmitEvery)
	defer readmit.Stop()
	ping := s.opts.Clock.NewTicker(httpapi.EventPing)
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
			if err := send(httpapi.Data(text)); err != nil {
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
func (s *Service) Watch(a *httpapi.API) http.Handler { return s.watch(a, a.ServeEvents) }

// WatchWS serves GET /workspaces/{workspace}/watch-ws: the same over a websocket.
func (s *Service) WatchWS(a *httpapi.API) http.Handler { return s.watch(a, a.ServeEventsWS) }

func (s *Service) watch(a *httpapi.API, serve func(http.ResponseWriter, *http.Request, func(context.Context, httpapi.SendEvent) error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := pathID(r, "workspace")
		if err == nil {
			_, err = s.load(r.Context(), id, rbac.Read)
		}
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		serve(w, r, func(ctx context.Context, send httpapi.SendEvent) error { return s.stream(ctx, a, r, id, send) })
	})
}
