package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

// metadataPoll finds what no hint told.
const metadataPoll = 5 * time.Second

// WatchMetadata serves GET /workspaceagents/{workspaceagent}/watch-metadata:
// server-sent events whose data are arrays of api.AgentMetadata, one at once and
// one after each change.
func (s *Service) WatchMetadata(a *httpapi.API) http.Handler {
	return s.watchMetadata(a, a.ServeEvents)
}

// WatchMetadataWS serves GET /workspaceagents/{workspaceagent}/watch-metadata-ws:
// the same over a websocket.
func (s *Service) WatchMetadataWS(a *httpapi.API) http.Handler {
	return s.watchMetadata(a, a.ServeEventsWS)
}

func (s *Service) watchMetadata(a *httpapi.API, serve func(http.ResponseWriter, *http.Request, func(context.Context, httpapi.SendEvent) error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := pathID(r)
		if err == nil {
			_, err = s.load(r.Context(), id, rbac.Read)
		}
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		serve(w, r, func(ctx context.Context, send httpapi.SendEvent) error { return s.streamMetadata(ctx, a, r, id, send) })
	})
}

func (s *Service) streamMetadata(ctx context.Context, a *httpapi.API, r *http.Request, id api.ID, send httpapi.SendEvent) error {
	sub := s.opts.PubSub.Subscribe(pubsub.TopicAgentMetadata())
	defer sub.Close()
	first := true
	var last []database.WorkspaceAgentMetadatum
	next := func(ctx context.Context) ([]byte, error) {
		rows, err := s.db.ListAgentMetadata(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("list metadata of agent %s: %w", id, err)
		}
		if !first && slices.EqualFunc(rows, last, sameValue) {
			return nil, nil
		}
		first, last = false, rows
		text, err := json.Marshal(s.convertMetadata(rows))
		if err != nil {
			return nil, fmt.Errorf("encode metadata of agent %s: %w", id, err)
		}
		return text, nil
	}
	readmit := a.Recheck(r, func(ctx context.Context) error {
		_, err := s.load(ctx, id, rbac.Read)
		return err
	})
	return httpapi.Follow{Clock: s.opts.Clock, Changed: sub.C(), Poll: metadataPoll, Recheck: recheckInterval,
		Next: next, Readmit: readmit}.Run(ctx, send)
}

func sameValue(a, b database.WorkspaceAgentMetadatum) bool {
	return a.Key == b.Key && a.Value == b.Value && a.Error == b.Error && (a.CollectedAt == nil) == (b.CollectedAt == nil) &&
		(a.CollectedAt == nil || a.CollectedAt.Equal(*b.CollectedAt))
}

func (s *Service) convertMetadata(rows []database.WorkspaceAgentMetadatum) []api.AgentMetadata {
	out := make([]api.AgentMetadata, len(rows))
	for i, r := range rows {
		out[i].Description = api.AgentMetadataDescription{DisplayName: r.DisplayName, Key: r.Key, Script: r.Script,
			Interval: r.IntervalSeconds, Timeout: r.TimeoutSeconds}
		out[i].Result = api.AgentMetadataResult{Value: r.Value, Error: r.Error}
		if r.CollectedAt != nil {
			out[i].Result.CollectedAt = *r.CollectedAt
			out[i].Result.Age = max(0, int64(s.opts.Clock.Since(*r.CollectedAt)/time.Second))
		}
	}
	return out
}
