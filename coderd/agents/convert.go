package agents

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"coder.internal/api"
	"coder.internal/database"
)

// StaleAfter is how old an agent's last sign may be before it counts as
// disconnected without having said so: its server died.
const StaleAfter = 60 * time.Second

// agentAPIVersion is what clients of the reference look for.
const agentAPIVersion = "2.10"

// ResourcesOf returns the resources of each job, agents and their parts included,
// with one exchange however many jobs there are. Jobs without resources have no entry.
// The host names of apps are left to NameApps.
func ResourcesOf(ctx context.Context, db *database.DB, jobIDs []api.ID) (map[api.ID][]api.WorkspaceResource, error) {
	if len(jobIDs) == 0 {
		return map[api.ID][]api.WorkspaceResource{}, nil
	}
	p := Parts{jobs: jobIDs}
	if err := db.Together(ctx, p.Reads(ctx)...); err != nil {
		return nil, err
	}
	return p.Resources()
}

// Parts is what jobs brought, as it is read together with other things. Its zero value
// reads what belongs to the jobs that KeepNewestBuilds keeps.
type Parts struct {
	jobs      []api.ID
	resources []database.WorkspaceResource
	agents    []database.ListAgentsOfJobsRow
}

// Reads returns what DB.Together is to run.
func (p *Parts) Reads(ctx context.Context) []func(*database.Queries) error {
	kept := p.jobs == nil
	return []func(*database.Queries) error{
		func(q *database.Queries) (err error) {
			if p.resources, err = q.ListWorkspaceResources(ctx, database.ListWorkspaceResourcesParams{Kept: kept, JobIds: p.jobs}); err != nil {
				return fmt.Errorf("list resources: %w", err)
			}
			return nil
		},
		func(q *database.Queries) (err error) {
			if p.agents, err = q.ListAgentsOfJobs(ctx, database.ListAgentsOfJobsParams{Kept: kept, JobIds: p.jobs}); err != nil {
				return fmt.Errorf("list agents: %w", err)
			}
			return nil
		},
	}
}

// Resources returns what Reads has read, by job, as ResourcesOf does.
func (p *Parts) Resources() (map[api.ID][]api.WorkspaceResource, error) {
	agents, err := assemble(p.agents)
	if err != nil {
		return nil, err
	}
	return joinResources(p.resources, agents)
}

// NameApps gives the apps of a workspace's agents the host names that they have there.
func NameApps(agents []api.WorkspaceAgent, workspace, owner string) {
	for _, a := range agents {
		for i, app := range a.Apps {
			if app.Subdomain {
				a.Apps[i].SubdomainName = app.Slug + "--" + a.Name + "--" + workspace + "--" + owner
			}
		}
	}
}

// joinResources puts agents into their resources, and those under their jobs.
func joinResources(rows []database.WorkspaceResource, agents []api.WorkspaceAgent) (map[api.ID][]api.WorkspaceResource, error) {
	out := make(map[api.ID][]api.WorkspaceResource, len(rows))
	byResource := make(map[api.ID][]api.WorkspaceAgent, len(rows))
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
		if err := some(r.Metadata, &res.Metadata); err != nil {
			return nil, fmt.Errorf("decode metadata of resource %s: %w", r.ID, err)
		}
		out[r.JobID] = append(out[r.JobID], res)
	}
	return out, nil
}

// assemble makes agents of their rows.
func assemble(rows []database.ListAgentsOfJobsRow) ([]api.WorkspaceAgent, error) {
	out := make([]api.WorkspaceAgent, len(rows))
	for i, r := range rows {
		a, err := convertAgent(shown(r), r.DbNow)
		if err != nil {
			return nil, err
		}
		if err := addParts(&a, r); err != nil {
			return nil, fmt.Errorf("decode parts of agent %s: %w", a.ID, err)
		}
		out[i] = a
	}
	return out, nil
}

// shown is the agent of a row, as far as it is read.
func shown(r database.ListAgentsOfJobsRow) database.WorkspaceAgent {
	return database.WorkspaceAgent{ID: r.ID, ResourceID: r.ResourceID, ParentID: r.ParentID, Name: r.Name,
		AuthInstanceID: r.AuthInstanceID, OperatingSystem: r.OperatingSystem, Architecture: r.Architecture,
		Directory: r.Directory, ExpandedDirectory: r.ExpandedDirectory, EnvironmentVariables: r.EnvironmentVariables,
		ConnectionTimeoutSeconds: r.ConnectionTimeoutSeconds, TroubleshootingUrl: r.TroubleshootingUrl,
		StartupScriptBehavior: r.StartupScriptBehavior, DisplayApps: r.DisplayApps, Version: r.Version,
		Subsystems: r.Subsystems, LifecycleState: r.LifecycleState, LogsLength: r.LogsLength,
		LogsOverflowed: r.LogsOverflowed, FirstConnectedAt: r.FirstConnectedAt, LastConnectedAt: r.LastConnectedAt,
		DisconnectedAt: r.DisconnectedAt, StartedAt: r.StartedAt, ReadyAt: r.ReadyAt, CreatedAt: r.CreatedAt,
		UpdatedAt: r.UpdatedAt}
}

// The parts of an agent, as ListAgentsOfJobs has them.
type (
	storedApp struct {
		Ordinal int             `json:"ordinal"`
		ID      api.ID          `json:"id"`
		Body    json.RawMessage `json:"body"`
		Health  string          `json:"health"`
	}
	storedScript struct {
		Ordinal     int             `json:"ordinal"`
		ID          api.ID          `json:"id"`
		LogSourceID api.ID          `json:"log_source_id"`
		Body        json.RawMessage `json:"body"`
		Status      string          `json:"status"`
		ExitCode    *int32          `json:"exit_code"`
	}
	storedSource struct {
		ID          api.ID    `json:"id"`
		DisplayName string    `json:"display_name"`
		Icon        string    `json:"icon"`
		CreatedAt   time.Time `json:"created_at"`
	}
)

// addParts decodes what the row of an agent holds of other tables, and puts it in order.
func addParts(a *api.WorkspaceAgent, r database.ListAgentsOfJobsRow) error {
	apps, err := inOrder(r.Apps, func(x, y storedApp) int { return cmp.Compare(x.Ordinal, y.Ordinal) })
	if err != nil {
		return err
	}
	scripts, err := inOrder(r.Scripts, func(x, y storedScript) int { return cmp.Compare(x.Ordinal, y.Ordinal) })
	if err != nil {
		return err
	}
	sources, err := inOrder(r.LogSources, func(x, y storedSource) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), bytes.Compare(x.ID[:], y.ID[:]))
	})
	if err != nil {
		return err
	}
	for _, p := range apps {
		app, err := convertApp(database.WorkspaceApp{ID: p.ID, Body: p.Body, Health: p.Health})
		if err != nil {
			return err
		}
		a.Apps = append(a.Apps, app)
	}
	for _, p := range scripts {
		script, err := convertScript(database.WorkspaceAgentScript{ID: p.ID, LogSourceID: p.LogSourceID, Body: p.Body,
			Status: p.Status, ExitCode: p.ExitCode})
		if err != nil {
			return err
		}
		a.Scripts = append(a.Scripts, script)
	}
	for _, p := range sources {
		a.LogSources = append(a.LogSources, api.AgentLogSource{ID: p.ID, AgentID: a.ID, DisplayName: p.DisplayName,
			Icon: p.Icon, CreatedAt: p.CreatedAt})
	}
	return some(r.Relays, &a.Latency)
}

// inOrder decodes JSON objects and sorts them.
func inOrder[T any](texts []string, compare func(x, y T) int) ([]T, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	out := make([]T, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &out[i]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, compare)
	return out, nil
}

// some decodes JSON of the database unless it is empty, which it mostly is.
func some(raw json.RawMessage, into any) error {
	if len(raw) <= len("[]") {
		return nil
	}
	return json.Unmarshal(raw, into)
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
	if err := some(r.EnvironmentVariables, &a.EnvironmentVariables); err != nil {
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
