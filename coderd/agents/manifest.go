package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
)

// HandleManifest answers GET /workspaceagents/me/manifest.
func (s *Service) HandleManifest(ctx context.Context, _ *struct{}) (*httpapi.Out[agentrpc.Manifest], error) {
	caller := httpmw.AgentFrom(ctx)
	row, err := s.db.GetWorkspaceAgent(ctx, caller.ID)
	if err != nil {
		return nil, fmt.Errorf("load agent %s: %w", caller.ID, err)
	}
	a := row.WorkspaceAgent
	m := agentrpc.Manifest{AgentID: a.ID, AgentName: a.Name, WorkspaceID: row.WorkspaceID,
		WorkspaceName: row.WorkspaceName, OwnerName: row.OwnerName, AccessURL: s.opts.AccessURL,
		Directory: a.Directory, MOTDFile: a.MotdFile, Env: map[string]string{},
		StartupScriptBehavior: a.StartupScriptBehavior, Scripts: []api.AgentScript{}, Apps: []api.WorkspaceApp{},
		Metadata: []agentrpc.MetadataItem{}, Devcontainers: []agentrpc.Devcontainer{}, VSCodeProxyURI: s.portURI(a.Name, row.WorkspaceName, row.OwnerName),
		BlockDirect: s.opts.RelayMap().BlockDirect}
	if err := json.Unmarshal(a.EnvironmentVariables, &m.Env); err != nil {
		return nil, fmt.Errorf("decode environment of agent %s: %w", a.ID, err)
	}
	if err := decodeMachine(a, &m); err != nil {
		return nil, err
	}
	if err := s.fillManifest(ctx, &m); err != nil {
		return nil, err
	}
	return httpapi.OK(m), nil
}

// portSlot stands for a port in what editors are told.
const portSlot = "{{port}}"

// portURI is where the ports of an agent are in browsers, with portSlot for the port.
// It is empty where ports have no hosts, or none that is a name of DNS.
func (s *Service) portURI(agent, workspace, owner string) string {
	if s.opts.AppHost == "" {
		return ""
	}
	host := strings.Replace(s.opts.AppHost, "*", strings.ToLower(portSlot+"--"+agent+"--"+workspace+"--"+owner), 1)
	label, _, _ := strings.Cut(host, ".")
	if len(label)-len(portSlot)+len("65535") > maxLabel {
		return ""
	}
	scheme, _, _ := strings.Cut(s.opts.AccessURL, "://")
	return scheme + "://" + host
}

// maxLabel is the longest part of a name of DNS between dots.
const maxLabel = 63

func (s *Service) fillManifest(ctx context.Context, m *agentrpc.Manifest) error {
	ids := []api.ID{m.AgentID}
	scripts, err := s.db.ListAgentScripts(ctx, ids)
	if err != nil {
		return fmt.Errorf("list scripts of agent %s: %w", m.AgentID, err)
	}
	for _, r := range scripts {
		script, err := convertScript(r)
		if err != nil {
			return err
		}
		m.Scripts = append(m.Scripts, script)
	}
	apps, err := s.db.ListWorkspaceApps(ctx, ids)
	if err != nil {
		return fmt.Errorf("list apps of agent %s: %w", m.AgentID, err)
	}
	for _, r := range apps {
		app, err := convertApp(r)
		if err != nil {
			return err
		}
		m.Apps = append(m.Apps, app)
	}
	items, err := s.db.ListAgentMetadata(ctx, m.AgentID)
	if err != nil {
		return fmt.Errorf("list metadata of agent %s: %w", m.AgentID, err)
	}
	for _, r := range items {
		m.Metadata = append(m.Metadata, agentrpc.MetadataItem{Key: r.Key, Script: r.Script,
			Interval: r.IntervalSeconds, Timeout: r.TimeoutSeconds})
	}
	return nil
}
