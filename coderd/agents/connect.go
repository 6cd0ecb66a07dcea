package agents

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/wsconn"
)

const (
	// recheckInterval is how often an agent's right to its connection is looked at.
	recheckInterval = httpapi.RecheckEvery
	// settleTime is how long news of the workspace are gathered before one look.
	settleTime = 300 * time.Millisecond
	// touchInterval is how often a living connection is written down.
	touchInterval = 30 * time.Second
	// farewellTimeout bounds the last write of a connection that has ended.
	farewellTimeout = 5 * time.Second
)

// CoordinateAgent serves GET /workspaceagents/me/coordinate: the websocket that
// an agent keeps open while it lives. It ends when a newer build has succeeded.
func (s *Service) CoordinateAgent(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent := httpmw.AgentFrom(r.Context())
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{ReadLimit: tailrpc.MaxMessage})
		if err != nil {
			return // answered already
		}
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		watch := make(chan struct{})
		go func() {
			defer close(watch)
			s.untilReplaced(ctx, agent, func() {
				_ = ws.Close(wsconn.CodePolicy, "a newer build has taken over")
				cancel(errToken)
			})
		}()
		err = s.opts.Coordinator.ServeAgent(ctx, ws, agent.ID, s.hooks(agent))
		s.log.Debug("agent connection ended", "agent_id", agent.ID.String(), "error", err)
		cancel(nil)
		<-watch
		_ = ws.CloseNow()
	})
}

// untilReplaced calls end once a newer build has replaced the agent's. It returns
// with ctx.
func (s *Service) untilReplaced(ctx context.Context, a httpmw.Agent, end func()) {
	sub := s.opts.PubSub.Subscribe(pubsub.TopicWorkspace(a.WorkspaceID))
	defer sub.Close()
	tick := s.opts.Clock.NewTicker(recheckInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.C():
			if !s.settle(ctx, sub) {
				return
			}
		case <-tick.C:
		}
		current, err := s.db.IsAgentCurrent(ctx, a.ID)
		if err != nil || current {
			continue // a database that does not answer ends nobody's session
		}
		end()
		return
	}
}

// settle waits until the news of a workspace has calmed down, so that many agents of
// one workspace which come back together do not each make all others ask. It
// returns false when ctx has ended.
func (s *Service) settle(ctx context.Context, sub *pubsub.Subscription) bool {
	pause := s.opts.Clock.NewTimer(settleTime)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-sub.C():
		case <-pause.C:
			return true
		}
	}
}

// hooks writes down the life of one connection. Its id fences off connections
// that are older.
func (s *Service) hooks(a httpmw.Agent) Hooks {
	conn := api.NewID()
	var touched time.Time
	return Hooks{
		OnConnect: func(ctx context.Context) {
			touched = s.opts.Clock.Now()
			s.note(ctx, a, "connect", func(q *database.Queries) (int64, error) {
				return q.ConnectAgent(ctx, database.ConnectAgentParams{ID: a.ID, ConnectionID: &conn})
			})
		},
		OnAlive: func(ctx context.Context) {
			if s.opts.Clock.Since(touched) < touchInterval {
				return
			}
			touched = s.opts.Clock.Now()
			if _, err := s.db.TouchAgent(ctx, database.TouchAgentParams{ID: a.ID, ConnectionID: &conn}); err != nil {
				s.log.Warn("agent's sign of life not stored", "agent_id", a.ID.String(), "error", err)
			}
		},
		OnDisconnect: func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
			defer cancel()
			s.note(ctx, a, "disconnect", func(q *database.Queries) (int64, error) {
				return q.DisconnectAgent(ctx, database.DisconnectAgentParams{ID: a.ID, ConnectionID: &conn})
			})
		},
	}
}

// note stores a change of the connection and announces it. A failure heals by
// itself: the next sign of life, or its absence, says the same.
func (s *Service) note(ctx context.Context, a httpmw.Agent, what string, put func(*database.Queries) (int64, error)) {
	err := s.db.InTx(ctx, func(q *database.Queries) error {
		n, err := put(q)
		if err != nil || n == 0 {
			return err
		}
		if err := q.CommitLazily(ctx); err != nil {
			return err
		}
		return s.changed(ctx, q, a)
	})
	if err != nil {
		s.log.Warn("agent's connection state not stored", "agent_id", a.ID.String(), "change", what, "error", err)
	}
}

// CoordinateClient serves GET /workspaceagents/{workspaceagent}/coordinate for
// people who may ssh to the workspace. The right is looked at again while the
// websocket is open.
func (s *Service) CoordinateClient(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agentID, err := pathID(r)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		clientID, err := clientID(r)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		if err := s.admitClient(r.Context(), agentID, clientID); err != nil {
			a.WriteError(w, r, err)
			return
		}
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{ReadLimit: tailrpc.MaxMessage})
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		watch := make(chan struct{})
		go func() {
			defer close(watch)
			s.endWhenRevoked(ctx, a, r, agentID, rbac.SSH, func() {
				s.opts.Coordinator.Revoke(ws, "you may no longer use this workspace")
			})
		}()
		err = s.opts.Coordinator.ServeClient(ctx, ws, clientID, agentID)
		s.log.Debug("client connection ended", "agent_id", agentID.String(), "error", err)
		cancel()
		<-watch
		_ = ws.CloseNow()
	})
}

// admitClient checks the right to connect and records that it was used: once a day
// for a client that comes back.
func (s *Service) admitClient(ctx context.Context, agentID, clientID api.ID) error {
	row, err := s.load(ctx, agentID, rbac.SSH)
	if err != nil {
		return err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(q *database.Queries) error {
		n, err := q.CountAuditsOfClient(ctx, database.CountAuditsOfClientParams{AgentID: agentID, UserID: caller.UserID, ClientID: clientID.String()})
		if err != nil {
			return fmt.Errorf("look for a client of agent %s: %w", agentID, err)
		}
		if n > 0 {
			return nil
		}
		return recordConnect(ctx, q, row, map[string]any{"client_id": clientID})
	})
}

// endWhenRevoked calls end once the caller of r may no longer do action on the
// agent, or the credential has ended. It returns with ctx.
func (s *Service) endWhenRevoked(ctx context.Context, a *httpapi.API, r *http.Request, agentID api.ID, action rbac.Action, end func()) {
	readmit := a.Recheck(r, func(again context.Context) error {
		_, err := s.load(again, agentID, action)
		return err
	})
	if httpapi.UntilRevoked(ctx, s.opts.Clock, readmit) != nil {
		end()
	}
}

// clientID returns the id that a client keeps over reconnects, or a new one.
func clientID(r *http.Request) (api.ID, error) {
	text := r.URL.Query().Get(tailrpc.ClientIDParam)
	if text == "" {
		return api.NewID(), nil
	}
	id, err := api.ParseID(text)
	if err != nil {
		return api.ID{}, api.Invalid(tailrpc.ClientIDParam, err.Error())
	}
	return id, nil
}

// pathID reads the agent's id of raw routes.
func pathID(r *http.Request) (api.ID, error) {
	id, err := api.ParseID(chi.URLParam(r, "workspaceagent"))
	if err != nil {
		return api.ID{}, api.Invalid("workspaceagent", err.Error())
	}
	return id, nil
}
