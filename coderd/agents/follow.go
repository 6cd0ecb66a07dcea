package agents

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database/pubsub"
	"coder.internal/internal/wsconn"
)

const followPoll = 2 * time.Second

// Logs serves GET /workspaceagents/{workspaceagent}/logs: a list, or with
// follow a websocket whose messages are arrays of api.AgentLog. The websocket
// closes normally when a newer build has replaced the agent.
func (s *Service) Logs(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := pathID(r)
		if err == nil {
			_, err = s.load(r.Context(), id, rbac.Read)
		}
		var after, before int64
		if err == nil {
			after, err = queryInt(r, "after")
		}
		if err == nil {
			before, err = queryInt(r, "before")
		}
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		if follow := r.URL.Query().Get("follow"); follow == "true" || (follow == "" && r.URL.Query().Has("follow")) {
			s.followLogs(a, w, r, id, after)
			return
		}
		if err := s.writeLogs(w, r, id, after, before); err != nil {
			a.WriteError(w, r, err)
		}
	})
}

// writeLogs answers with all lines between the bounds; an agent has 1 MiB of
// them at most.
func (s *Service) writeLogs(w http.ResponseWriter, r *http.Request, id api.ID, after, before int64) error {
	format := r.URL.Query().Get("format")
	if format != "" && format != "json" && format != "text" {
		return api.Invalid("format", "use json or text")
	}
	all := []api.AgentLog{}
	for {
		page, err := s.logsAfter(r.Context(), id, after, before)
		if err != nil {
			return err
		}
		all = append(all, page...)
		if len(page) < logPage {
			break
		}
		after = page[len(page)-1].ID
	}
	if format == "text" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, logText(all)) // the client is gone: nobody is left to tell
		return nil
	}
	httpapi.WriteJSON(w, http.StatusOK, all)
	return nil
}

func (s *Service) followLogs(a *httpapi.API, w http.ResponseWriter, r *http.Request, id api.ID, after int64) {
	ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
	if err != nil {
		return // answered already
	}
	listening, leave := httpapi.Audience(r.Context(), ws)
	defer leave()
	ctx, cancel := context.WithCancel(listening)
	revoked := make(chan struct{})
	go func() {
		defer close(revoked)
		s.endWhenRevoked(ctx, a, r, id, rbac.Read, func() {
			_ = ws.Close(wsconn.CodePolicy, "you may no longer read these logs")
			cancel()
		})
	}()
	if s.streamLogs(ctx, ws, id, after) == nil {
		_ = ws.Close(wsconn.CodeNormal, "")
	} else {
		_ = ws.Close(wsconn.CodeInternal, "the log stream broke; ask again for what is missing")
	}
	cancel()
	<-revoked
}

// streamLogs sends lines as they come until the agent is replaced.
func (s *Service) streamLogs(ctx context.Context, ws *wsconn.Conn, id api.ID, after int64) error {
	sub := s.opts.PubSub.Subscribe(pubsub.TopicAgent(id))
	defer sub.Close()
	tick := s.opts.Clock.NewTicker(followPoll)
	defer tick.Stop()
	for {
		// Asked first: whatever was written before the end is read below.
		current, err := s.db.IsAgentCurrent(ctx, id)
		if err != nil {
			return err
		}
		page, err := s.logsAfter(ctx, id, after, 0)
		if err != nil {
			return err
		}
		if len(page) > 0 {
			if err := ws.Write(ctx, page); err != nil {
				return err
			}
			after = page[len(page)-1].ID
			continue
		}
		if !current {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sub.C():
		case <-tick.C:
		}
	}
}

// queryInt reads an optional number that is not negative.
func queryInt(r *http.Request, name string) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, api.Invalid(name, "use a whole number of at least 0")
	}
	return n, nil
}
