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
	readmitEvery = httpapi.RecheckEvery
)

// stream follows one workspace.
func (s *Service) stream(ctx context.Context, a *httpapi.API, r *http.Request, id api.ID, send httpapi.SendEvent) error {
	sub := s.opts.PubSub.Subscribe(pubsub.TopicWorkspace(id))
	defer sub.Close()
	var last []byte
	next := func(ctx context.Context) ([]byte, error) {
		w, err := s.one(ctx, id)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(w)
		if err != nil {
			return nil, fmt.Errorf("encode workspace %s: %w", id, err)
		}
		if bytes.Equal(text, last) {
			return nil, nil
		}
		last = text
		return text, nil
	}
	readmit := a.Recheck(r, func(ctx context.Context) error {
		_, err := s.load(ctx, id, rbac.Read)
		return err
	})
	return httpapi.Follow{Clock: s.opts.Clock, Changed: sub.C(), Poll: watchPoll, Recheck: readmitEvery,
		Next: next, Readmit: readmit}.Run(ctx, send)
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
