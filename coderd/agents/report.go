package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

// BodyInput is the input of an agent's call: only a body, the token says who.
type BodyInput[T any] struct {
	Body T
}

const (
	maxVersion   = 64
	maxDirectory = 4096
)

// changed announces a change of an agent to all who show or follow it.
func (s *Service) changed(ctx context.Context, q *database.Queries, a httpmw.Agent) error {
	if err := s.opts.PubSub.Publish(ctx, q, pubsub.TopicAgent(a.ID)); err != nil {
		return err
	}
	return s.opts.PubSub.Publish(ctx, q, pubsub.TopicWorkspace(a.WorkspaceID))
}

// HandleStartup answers POST /workspaceagents/me/startup.
func (s *Service) HandleStartup(ctx context.Context, in *BodyInput[agentrpc.Startup]) (*httpapi.Empty, error) {
	a := httpmw.AgentFrom(ctx)
	subsystems := []string{}
	for _, name := range in.Body.Subsystems {
		if !slices.Contains([]string{"envbox", "envbuilder", "exectrace"}, name) {
			return nil, api.Invalid("subsystems", fmt.Sprintf("%q is not known; use envbox, envbuilder or exectrace", clip(name)))
		}
		subsystems = append(subsystems, name)
	}
	return &httpapi.Empty{}, s.db.InTx(ctx, func(q *database.Queries) error {
		err := q.SetAgentStartup(ctx, database.SetAgentStartupParams{ID: a.ID, Version: cut(clean(in.Body.Version), maxVersion),
			ExpandedDirectory: cut(clean(in.Body.ExpandedDirectory), maxDirectory), Subsystems: subsystems})
		if err != nil {
			return fmt.Errorf("store start of agent %s: %w", a.ID, err)
		}
		return s.changed(ctx, q, a)
	})
}

// before lists the states that each lifecycle state may follow. A new process
// of the agent begins again, whatever the old one came to.
func before(to api.AgentLifecycle) []string {
	every := []string{"created", "starting", "start_timeout", "start_error", "ready",
		"shutting_down", "shutdown_timeout", "shutdown_error", "off"}
	switch to {
	case api.LifecycleCreated, api.LifecycleStarting, api.LifecycleShuttingDown:
		return every
	case api.LifecycleStartTimeout:
		return []string{"created", "starting"}
	case api.LifecycleReady, api.LifecycleStartError:
		return []string{"created", "starting", "start_timeout"}
	case api.LifecycleShutdownTimeout:
		return []string{"shutting_down"}
	case api.LifecycleShutdownError, api.LifecycleOff:
		return []string{"shutting_down", "shutdown_timeout"}
	}
	return nil
}

// HandleLifecycle answers POST /workspaceagents/me/lifecycle. Reporting the
// state that is stored already changes nothing.
func (s *Service) HandleLifecycle(ctx context.Context, in *BodyInput[agentrpc.Lifecycle]) (*httpapi.Empty, error) {
	a, to := httpmw.AgentFrom(ctx), in.Body.State
	from := before(to)
	if from == nil {
		return nil, api.Invalid("state", fmt.Sprintf("%q is not a lifecycle state", clip(string(to))))
	}
	return &httpapi.Empty{}, s.db.InTx(ctx, func(q *database.Queries) error {
		now, err := q.GetAgentLifecycle(ctx, a.ID)
		if err != nil {
			return fmt.Errorf("load lifecycle of agent %s: %w", a.ID, err)
		}
		if now == string(to) {
			return nil
		}
		n, err := q.SetAgentLifecycle(ctx, database.SetAgentLifecycleParams{ID: a.ID, State: string(to), FromStates: from})
		if err != nil {
			return fmt.Errorf("store lifecycle of agent %s: %w", a.ID, err)
		}
		if n == 0 {
			return api.Conflict(fmt.Sprintf("The agent is %s and cannot become %s.", now, to),
				api.ValidationError{Field: "state", Detail: "states are reported in order"})
		}
		return s.changed(ctx, q, a)
	})
}

// HandleScriptResult answers POST /workspaceagents/me/script-result.
func (s *Service) HandleScriptResult(ctx context.Context, in *BodyInput[agentrpc.ScriptResult]) (*httpapi.Empty, error) {
	a, r := httpmw.AgentFrom(ctx), in.Body
	if !slices.Contains([]string{"start", "stop", "cron"}, r.Stage) {
		return nil, api.Invalid("stage", "use start, stop or cron")
	}
	if !slices.Contains([]string{"ok", "exit_failure", "timed_out", "pipes_left_open"}, r.Status) {
		return nil, api.Invalid("status", "use ok, exit_failure, timed_out or pipes_left_open")
	}
	code := int32(min(max(r.ExitCode, -1), 1<<31-1)) //nolint:gosec // bounded
	return &httpapi.Empty{}, s.db.InTx(ctx, func(q *database.Queries) error {
		n, err := q.SetScriptResult(ctx, database.SetScriptResultParams{ID: r.ScriptID, AgentID: a.ID, Stage: r.Stage,
			Status: r.Status, ExitCode: &code, StartedAt: &r.StartedAt, EndedAt: &r.EndedAt})
		if err != nil {
			return fmt.Errorf("store result of script %s: %w", r.ScriptID, err)
		}
		if n == 0 {
			return api.Invalid("script_id", "this agent has no such script")
		}
		err = q.SetScriptTiming(ctx, database.SetScriptTimingParams{ScriptID: r.ScriptID, Stage: r.Stage, Status: r.Status,
			ExitCode: code, StartedAt: r.StartedAt, EndedAt: r.EndedAt})
		if err != nil {
			return fmt.Errorf("store timing of script %s: %w", r.ScriptID, err)
		}
		return s.changed(ctx, q, a)
	})
}

// HandleAppHealth answers POST /workspaceagents/me/app-health.
func (s *Service) HandleAppHealth(ctx context.Context, in *BodyInput[agentrpc.AppHealth]) (*httpapi.Empty, error) {
	a := httpmw.AgentFrom(ctx)
	type row struct {
		ID     api.ID `json:"id"`
		Health string `json:"health"`
	}
	var rows []row
	for key, health := range in.Body.Healths {
		id, err := api.ParseID(key)
		if err != nil {
			return nil, api.Invalid("healths", err.Error())
		}
		if !slices.Contains([]string{HealthInitializing, HealthHealthy, HealthUnhealthy}, health) {
			return nil, api.Invalid("healths", "use initializing, healthy or unhealthy")
		}
		rows = append(rows, row{id, health})
	}
	if len(rows) == 0 {
		return &httpapi.Empty{}, nil
	}
	j, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("encode app health: %w", err)
	}
	return &httpapi.Empty{}, s.db.InTx(ctx, func(q *database.Queries) error {
		n, err := q.SetAppHealths(ctx, database.SetAppHealthsParams{AgentID: a.ID, Rows: j})
		if err != nil {
			return fmt.Errorf("store app health of agent %s: %w", a.ID, err)
		}
		if n == 0 {
			return nil
		}
		return s.changed(ctx, q, a)
	})
}
