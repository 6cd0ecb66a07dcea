package agents

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// InsertParams are the resources that one job reported for one transition.
// BuildID is nil for the previews of an import, whose agents get no token.
type InsertParams struct {
	JobID      api.ID
	BuildID    *api.ID
	Transition api.Transition
	Resources  []jobrpc.Resource
	// Persistent says which addresses a stop keeps; nil says none.
	Persistent func(address string) bool
}

// InsertResources checks and stores what a job reported, inside q's transaction,
// with one statement a table. A report that breaks a rule or a limit is an
// *api.Error of CodeInvalid that names the resource; nothing is stored then.
func InsertResources(ctx context.Context, q *database.Queries, p InsertParams) error {
	if err := CheckResources(p.Resources); err != nil {
		return err
	}
	var rows insertRows
	for i, r := range p.Resources {
		rows.addResource(i, r, p.Persistent != nil && p.Persistent(r.Address))
	}
	return rows.store(ctx, q, p)
}

// HashToken is how agent tokens are stored.
func HashToken(token api.Secret) []byte {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return sum[:]
}

type resourceRow struct {
	ID         api.ID                          `json:"id"`
	Ordinal    int                             `json:"ordinal"`
	Type       string                          `json:"type"`
	Name       string                          `json:"name"`
	Address    string                          `json:"address"`
	Hide       bool                            `json:"hide"`
	Icon       string                          `json:"icon"`
	DailyCost  int                             `json:"daily_cost"`
	Persistent bool                            `json:"persistent"`
	Metadata   []api.WorkspaceResourceMetadata `json:"metadata"`
}

type agentRow struct {
	ID                    api.ID            `json:"id"`
	ResourceID            api.ID            `json:"resource_id"`
	Ordinal               int               `json:"ordinal"`
	Name                  string            `json:"name"`
	TokenHash             string            `json:"token_hash"`
	InstanceID            string            `json:"instance_id"`
	OS                    string            `json:"os"`
	Arch                  string            `json:"arch"`
	Dir                   string            `json:"dir"`
	MOTDFile              string            `json:"motd_file"`
	Env                   map[string]string `json:"env"`
	Timeout               int               `json:"timeout"`
	TroubleshootingURL    string            `json:"troubleshooting_url"`
	StartupScriptBehavior string            `json:"startup_script_behavior"`
	APIKeyScope           string            `json:"api_key_scope"`
	DisplayApps           []string          `json:"display_apps"`

	Devcontainers []agentrpc.Devcontainer   `json:"devcontainers"`
	Monitors      agentrpc.ResourceMonitors `json:"monitors"`
}

type appRow struct {
	ID      api.ID           `json:"id"`
	AgentID api.ID           `json:"agent_id"`
	Ordinal int              `json:"ordinal"`
	Slug    string           `json:"slug"`
	Body    api.WorkspaceApp `json:"body"`
	Health  string           `json:"health"`
}

type scriptRow struct {
	ID          api.ID          `json:"id"`
	AgentID     api.ID          `json:"agent_id"`
	Ordinal     int             `json:"ordinal"`
	LogSourceID api.ID          `json:"log_source_id"`
	Body        api.AgentScript `json:"body"`
}

type sourceRow struct {
	ID          api.ID `json:"id"`
	AgentID     api.ID `json:"agent_id"`
	DisplayName string `json:"display_name"`
	Icon        string `json:"icon"`
}

type metadataRow struct {
	AgentID     api.ID `json:"agent_id"`
	Ordinal     int    `json:"ordinal"`
	Key         string `json:"key"`
	DisplayName string `json:"display_name"`
	Script      string `json:"script"`
	Interval    int64  `json:"interval"`
	Timeout     int64  `json:"timeout"`
}

// insertRows collects the rows of a report, table by table.
type insertRows struct {
	resources []resourceRow
	agents    []agentRow
	apps      []appRow
	sources   []sourceRow
	scripts   []scriptRow
	metadata  []metadataRow
}

func (rows *insertRows) addResource(ordinal int, r jobrpc.Resource, persistent bool) {
	row := resourceRow{ID: api.NewID(), Ordinal: ordinal, Type: clean(r.Type), Name: clean(r.Name),
		Address: clean(r.Address), Hide: r.Hide, Icon: clean(r.Icon), DailyCost: r.DailyCost, Persistent: persistent,
		Metadata: []api.WorkspaceResourceMetadata{}}
	for _, m := range r.Metadata {
		if m.Sensitive {
			m.Value = "" // nobody may read it, so it is not kept
		}
		row.Metadata = append(row.Metadata, api.WorkspaceResourceMetadata{
			Key: clean(m.Key), Value: clean(m.Value), Sensitive: m.Sensitive})
	}
	rows.resources = append(rows.resources, row)
	for i, a := range r.Agents {
		rows.addAgent(row.ID, i, a)
	}
}

func (rows *insertRows) addAgent(resource api.ID, ordinal int, a jobrpc.Agent) {
	row := agentRow{ID: api.NewID(), ResourceID: resource, Ordinal: ordinal, Name: a.Name,
		InstanceID: clean(a.InstanceID), OS: clean(a.OperatingSystem), Arch: clean(a.Architecture),
		Dir: clean(a.Directory), MOTDFile: clean(a.MOTDFile), Env: cleanMap(a.Env),
		Timeout: a.ConnectionTimeoutSeconds, TroubleshootingURL: clean(a.TroubleshootingURL),
		StartupScriptBehavior: cmp.Or(a.StartupScriptBehavior, "non-blocking"),
		APIKeyScope:           cmp.Or(a.APIKeyScope, "all"), DisplayApps: append([]string{}, a.DisplayApps...),
		Devcontainers: convertDevcontainers(a.Devcontainers), Monitors: convertMonitors(a.Monitors)}
	if a.Token != "" {
		row.TokenHash = hex.EncodeToString(HashToken(a.Token))
	}
	rows.agents = append(rows.agents, row)
	for i, app := range a.Apps {
		rows.addApp(row.ID, i, app)
	}
	for i, s := range a.Scripts {
		rows.addScript(row.ID, i, s)
	}
	for i, m := range a.Metadata {
		rows.metadata = append(rows.metadata, metadataRow{AgentID: row.ID, Ordinal: i, Key: clean(m.Key),
			DisplayName: clean(m.DisplayName), Script: clean(m.Script), Interval: m.Interval, Timeout: m.Timeout})
	}
}

func (rows *insertRows) addApp(agent api.ID, ordinal int, app api.WorkspaceApp) {
	health := HealthDisabled
	if app.Healthcheck.URL != "" {
		health = HealthInitializing
	}
	body := api.WorkspaceApp{Slug: app.Slug, DisplayName: clean(app.DisplayName), URL: clean(app.URL),
		Command: clean(app.Command), Icon: clean(app.Icon), Group: clean(app.Group), Tooltip: clean(app.Tooltip),
		OpenIn: cmp.Or(app.OpenIn, "slim-window"), External: app.External, Hidden: app.Hidden, Subdomain: app.Subdomain,
		SharingLevel: cmp.Or(app.SharingLevel, "owner"), Healthcheck: app.Healthcheck}
	body.Healthcheck.URL = clean(body.Healthcheck.URL)
	rows.apps = append(rows.apps, appRow{ID: api.NewID(), AgentID: agent, Ordinal: ordinal, Slug: app.Slug,
		Body: body, Health: health})
}

func (rows *insertRows) addScript(agent api.ID, ordinal int, s api.AgentScript) {
	source := sourceRow{ID: api.NewID(), AgentID: agent, DisplayName: cmp.Or(clean(s.DisplayName), "Script"), Icon: clean(s.Icon)}
	rows.sources = append(rows.sources, source)
	rows.scripts = append(rows.scripts, scriptRow{ID: api.NewID(), AgentID: agent, Ordinal: ordinal,
		LogSourceID: source.ID, Body: api.AgentScript{LogPath: clean(s.LogPath), Script: clean(s.Script),
			Cron: clean(s.Cron), RunOnStart: s.RunOnStart, RunOnStop: s.RunOnStop,
			StartBlocksLogin: s.StartBlocksLogin, Timeout: s.Timeout, DisplayName: clean(s.DisplayName)}})
}

// store writes the tables in the order of their references. Empty ones cost
// nothing.
func (rows *insertRows) store(ctx context.Context, q *database.Queries, p InsertParams) error {
	steps := []struct {
		table string
		n     int
		rows  any
		put   func(json.RawMessage) error
	}{
		{"resources", len(rows.resources), rows.resources, func(j json.RawMessage) error {
			return q.InsertWorkspaceResources(ctx, database.InsertWorkspaceResourcesParams{
				JobID: p.JobID, Transition: string(p.Transition), Rows: j})
		}},
		{"agents", len(rows.agents), rows.agents, func(j json.RawMessage) error {
			return q.InsertWorkspaceAgents(ctx, database.InsertWorkspaceAgentsParams{BuildID: p.BuildID, Rows: j})
		}},
		{"apps", len(rows.apps), rows.apps, func(j json.RawMessage) error { return q.InsertWorkspaceApps(ctx, j) }},
		{"log sources", len(rows.sources), rows.sources, func(j json.RawMessage) error { return q.InsertAgentLogSources(ctx, j) }},
		{"scripts", len(rows.scripts), rows.scripts, func(j json.RawMessage) error { return q.InsertAgentScripts(ctx, j) }},
		{"metadata", len(rows.metadata), rows.metadata, func(j json.RawMessage) error { return q.InsertAgentMetadata(ctx, j) }},
	}
	for _, s := range steps {
		if s.n == 0 {
			continue
		}
		j, err := json.Marshal(s.rows)
		if err != nil {
			return fmt.Errorf("encode %s of job %s: %w", s.table, p.JobID, err)
		}
		if err := s.put(j); err != nil {
			return fmt.Errorf("insert %s of job %s: %w", s.table, p.JobID, err)
		}
	}
	return nil
}
