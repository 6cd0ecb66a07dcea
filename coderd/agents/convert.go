package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/database"
)

// StaleAfter is how old an agent's last sign may be before it counts as
// disconnected without having said so: its server died.
const StaleAfter = 60 * time.Second

// agentAPIVersion is what clients of the reference look for.
const agentAPIVersion = "2.10"

// ResourcesOf returns the resources of each job, agents and their parts
// included, with six statements however many jobs there are. Jobs without
// resources have no entry.
func ResourcesOf(ctx context.Context, q *database.Queries, jobIDs []api.ID) (map[api.ID][]api.WorkspaceResource, error) {
	out := map[api.ID][]api.WorkspaceResource{}
	if len(jobIDs) == 0 {
		return out, nil
	}
	rows, err := q.ListWorkspaceResources(ctx, jobIDs)
	if err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	if len(rows) == 0 {
		return out, nil
	}
	ids := make([]api.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	agentRows, err := q.ListWorkspaceAgents(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	agents, err := withParts(ctx, q, agentRows)
	if err != nil {
		return nil, err
	}
	return joinResources(rows, agents)
}

// joinResources puts agents into their resources, and those under their jobs.
func joinResources(rows []database.WorkspaceResource, agents []api.WorkspaceAgent) (map[api.ID][]api.WorkspaceResource, error) {
	out := map[api.ID][]api.WorkspaceResource{}
	byResource := map[api.ID][]api.WorkspaceAgent{}
	for _, a := range agents {
		byResource[a.ResourceID] = append(byResource[a.ResourceID], a)
	}
	for _, r := range rows {
		res := api.WorkspaceResource{ID: r.ID, JobID: r.JobID, Transition: api.Transition(r.Transition),
			Type: r.Type, Name: r.Name, Hide: r.Hide, Icon: r.Icon, DailyCost: int(r.DailyCost),
			Agents: byResource[r.ID], Metadata: []api.WorkspaceResourceMetadata{}, CreatedAt: r.CreatedAt,
			Address: r.Address, Persistent: r.Persistent}
		if res.Agents == nil {
			res.Agents = []api.WorkspaceAgent{}
		}
		if err := json.Unmarshal(r.Metadata, &res.Metadata); err != nil {
			return nil, fmt.Errorf("decode metadata of resource %s: %w", r.ID, err)
		}
		out[r.JobID] = append(out[r.JobID], res)
	}
	return out, nil
}

// withParts completes agents with their apps, scripts, log sources and distances to relays.
func withParts(ctx context.Context, q *database.Queries, rows []database.ListWorkspaceAgentsRow) ([]api.WorkspaceAgent, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]api.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.WorkspaceAgent.ID
	}
	apps, err := q.ListWorkspaceApps(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list apps: %w", err)
	}
	scripts, err := q.ListAgentScripts(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list scripts: %w", err)
	}
	sources, err := q.ListAgentLogSources(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list log sources: %w", err)
	}
	relays, err := q.ListAgentRelays(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list distances to relays: %w", err)
	}
	return assemble(rows, parts{apps, scripts, sources, relays})
}

// parts are what belongs to agents.
type parts struct {
	apps    []database.WorkspaceApp
	scripts []database.WorkspaceAgentScript
	sources []database.ListAgentLogSourcesRow
	relays  []database.ListAgentRelaysRow
}

// assemble puts agents and their parts together.
func assemble(rows []database.ListWorkspaceAgentsRow, p parts) ([]api.WorkspaceAgent, error) {
	var err error
	out := make([]api.WorkspaceAgent, len(rows))
	at := make(map[api.ID]int, len(rows))
	for i, r := range rows {
		if out[i], err = convertAgent(r.WorkspaceAgent, r.DbNow); err != nil {
			return nil, err
		}
		at[r.WorkspaceAgent.ID] = i
	}
	for _, r := range p.relays {
		i, ok := at[r.AgentID]
		if !ok {
			continue
		}
		if err := json.Unmarshal(r.Relays, &out[i].Latency); err != nil {
			return nil, fmt.Errorf("decode distances of agent %s to relays: %w", r.AgentID, err)
		}
	}
	for _, s := range p.sources {
		i, ok := at[s.AgentID]
		if !ok {
			continue
		}
		a := &out[i]
		a.LogSources = append(a.LogSources, convertSource(s))
	}
	for _, s := range p.scripts {
		script, err := convertScript(s)
		if err != nil {
			return nil, err
		}
		i, ok := at[s.AgentID]
		if !ok {
			continue
		}
		a := &out[i]
		a.Scripts = append(a.Scripts, script)
	}
	for _, row := range p.apps {
		i, ok := at[row.AgentID]
		if !ok {
			continue
		}
		app, err := convertApp(row)
		if err != nil {
			return nil, err
		}
		if app.Subdomain && rows[i].WorkspaceName != "" {
			app.SubdomainName = app.Slug + "--" + out[i].Name + "--" + rows[i].WorkspaceName + "--" + rows[i].OwnerName
		}
		out[i].Apps = append(out[i].Apps, app)
	}
	return out, nil
}

func convertAgent(r database.WorkspaceAgent, now time.Time) (api.WorkspaceAgent, error) {
	a := api.WorkspaceAgent{ID: r.ID, ParentID: r.ParentID, ResourceID: r.ResourceID, Name: r.Name,
		Status: statusOf(r, now), LifecycleState: api.AgentLifecycle(r.LifecycleState),
		OperatingSystem: r.OperatingSystem, Architecture: r.Architecture, Directory: r.Directory,
		ExpandedDirectory: r.ExpandedDirectory, EnvironmentVariables: map[string]string{},
		InstanceID: r.AuthInstanceID, Version: r.Version, APIVersion: agentAPIVersion,
		Apps: []api.WorkspaceApp{}, DisplayApps: r.DisplayApps, LogSources: []api.AgentLogSource{},
		Scripts: []api.AgentScript{}, LogsLength: int(r.LogsLength), LogsOverflowed: r.LogsOverflowed,
		StartupScriptBehavior:    r.StartupScriptBehavior,
		ConnectionTimeoutSeconds: int(r.ConnectionTimeoutSeconds), TroubleshootingURL: r.TroubleshootingUrl,
		Subsystems: r.Subsystems, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		FirstConnectedAt: r.FirstConnectedAt, LastConnectedAt: r.LastConnectedAt,
		DisconnectedAt: r.DisconnectedAt, StartedAt: r.StartedAt, ReadyAt: r.ReadyAt}
	if err := json.Unmarshal(r.EnvironmentVariables, &a.EnvironmentVariables); err != nil {
		return a, fmt.Errorf("decode environment of agent %s: %w", r.ID, err)
	}
	if a.Status == api.AgentDisconnected && a.DisconnectedAt == nil {
		a.DisconnectedAt = r.LastConnectedAt // its server died: that was the last sign
	}
	a.Health = healthOf(a)
	return a, nil
}

// statusOf derives the connection state; now is the database's time.
func statusOf(r database.WorkspaceAgent, now time.Time) api.AgentStatus {
	switch {
	case r.FirstConnectedAt == nil || r.LastConnectedAt == nil:
		limit := time.Duration(r.ConnectionTimeoutSeconds) * time.Second
		if limit > 0 && now.Sub(r.CreatedAt) > limit {
			return api.AgentTimeout
		}
		return api.AgentConnecting
	case r.DisconnectedAt != nil:
		return api.AgentDisconnected
	case now.Sub(*r.LastConnectedAt) > StaleAfter:
		return api.AgentDisconnected
	}
	return api.AgentConnected
}

// healthOf says in one sentence what is wrong with an agent, if anything.
func healthOf(a api.WorkspaceAgent) api.AgentHealth {
	switch {
	case a.Status == api.AgentConnecting:
		return api.AgentHealth{Healthy: false, Reason: "agent has not yet connected"}
	case a.Status == api.AgentTimeout:
		return api.AgentHealth{Healthy: false, Reason: "agent is taking too long to connect"}
	case a.Status == api.AgentDisconnected:
		return api.AgentHealth{Healthy: false, Reason: "agent has lost connection"}
	case a.LifecycleState == api.LifecycleStartError:
		return api.AgentHealth{Healthy: false, Reason: "agent startup script exited with an error"}
	case a.LifecycleState == api.LifecycleStartTimeout:
		return api.AgentHealth{Healthy: false, Reason: "agent startup script timed out"}
	case a.LifecycleState.ShuttingDown():
		return api.AgentHealth{Healthy: false, Reason: "agent is shutting down"}
	}
	return api.AgentHealth{Healthy: true}
}

func convertSource(r database.ListAgentLogSourcesRow) api.AgentLogSource {
	return api.AgentLogSource{ID: r.ID, AgentID: r.AgentID, DisplayName: r.DisplayName, Icon: r.Icon, CreatedAt: r.CreatedAt}
}

func convertScript(r database.WorkspaceAgentScript) (api.AgentScript, error) {
	var s api.AgentScript
	if err := json.Unmarshal(r.Body, &s); err != nil {
		return s, fmt.Errorf("decode script %s: %w", r.ID, err)
	}
	s.ID, s.LogSourceID, s.Status = r.ID, r.LogSourceID, r.Status
	if r.ExitCode != nil {
		code := int(*r.ExitCode)
		s.ExitCode = &code
	}
	return s, nil
}

func convertApp(r database.WorkspaceApp) (api.WorkspaceApp, error) {
	var a api.WorkspaceApp
	if err := json.Unmarshal(r.Body, &a); err != nil {
		return a, fmt.Errorf("decode app %s: %w", r.ID, err)
	}
	a.ID, a.Health = r.ID, r.Health
	return a, nil
}
