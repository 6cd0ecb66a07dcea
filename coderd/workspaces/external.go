package workspaces

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"coder.internal/api"
	"coder.internal/api/initscript"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// externalAgent is the resource on which agents run that people start.
const externalAgent = "coder_external_agent"

// ExternalAgentInput names an agent of a workspace.
type ExternalAgentInput struct {
	ID    api.ID `path:"workspace"`
	Agent string `path:"agent" maxLength:"64"`
}

// HandleExternalAgent answers GET /workspaces/{workspace}/external-agent/{agent}/credentials.
func (s *Service) HandleExternalAgent(ctx context.Context, in *ExternalAgentInput) (*httpapi.Out[api.ExternalAgentCredentials], error) {
	return httpapi.Reply(s.ExternalAgent(ctx, in.ID, in.Agent))
}

// ExternalAgent returns what starts an external agent of the workspace's newest
// build. It takes the right to enter the workspace: who has the token can speak
// for the agent.
func (s *Service) ExternalAgent(ctx context.Context, id api.ID, name string) (api.ExternalAgentCredentials, error) {
	var out api.ExternalAgentCredentials
	w, err := s.loadLiving(ctx, id, rbac.SSH)
	if err != nil {
		return out, err
	}
	last, err := s.db.GetLatestBuild(ctx, w.ID)
	if err != nil {
		return out, fmt.Errorf("load newest build of workspace %s: %w", id, err)
	}
	b := last.WorkspaceBuild
	if api.StatusOf(api.Transition(b.Transition), api.JobStatus(last.JobStatus)) != api.WorkspaceRunning {
		return out, api.Conflict("The workspace is not running. Start it first; then its agents have tokens.")
	}
	all, err := s.db.ListAgentHashesOfBuild(ctx, b.ID)
	if err != nil {
		return out, fmt.Errorf("list agents of build %s: %w", b.ID, err)
	}
	agent, err := chooseExternal(all, name)
	if err != nil {
		return out, err
	}
	state, err := s.newestState(ctx, s.db.Queries, w.ID, b.BuildNumber)
	if err != nil {
		return out, err
	}
	if out.AgentToken = tokenIn(state, agent.AuthTokenHash); out.AgentToken == "" {
		return out, fmt.Errorf("state of build %s has no token of agent %s", b.ID, agent.ID)
	}
	out.Command = startCommand(s.opts.AccessURL, agent.OperatingSystem, agent.Architecture, out.AgentToken)
	return out, nil
}

// chooseExternal returns the external agent of that name.
func chooseExternal(all []database.ListAgentHashesOfBuildRow, name string) (database.ListAgentHashesOfBuildRow, error) {
	for _, a := range all {
		if !strings.EqualFold(a.Name, name) {
			continue
		}
		if a.ResourceType != externalAgent {
			return a, api.Invalid("agent", fmt.Sprintf("the agent %q is not external: its workspace starts it. The template makes an agent external by a coder_external_agent.", a.Name))
		}
		return a, nil
	}
	return database.ListAgentHashesOfBuildRow{}, api.NotFound("External agent")
}

// tokenIn finds in a Terraform state the agent token with that hash.
func tokenIn(state, hash []byte) api.Secret {
	var s struct {
		Resources []struct {
			Type      string `json:"type"`
			Instances []struct {
				Attributes json.RawMessage `json:"attributes"`
			} `json:"instances"`
		} `json:"resources"`
	}
	if len(hash) == 0 || json.Unmarshal(state, &s) != nil {
		return ""
	}
	for _, r := range s.Resources {
		if r.Type != "coder_agent" {
			continue
		}
		for _, i := range r.Instances {
			var a struct {
				Token api.Secret `json:"token"`
			}
			if json.Unmarshal(i.Attributes, &a) == nil && a.Token != "" && bytes.Equal(agents.HashToken(a.Token), hash) {
				return a.Token
			}
		}
	}
	return ""
}

// startCommand is what a person types on the machine, or the token alone for one
// that no init script is made for. The token is a UUID of the provider's making
// and the rest is ours, so nothing has to be quoted twice.
func startCommand(accessURL, os, arch string, token api.Secret) api.Secret {
	url := strings.TrimRight(accessURL, "/") + "/api/v2/init-script/" + os + "/" + arch
	if _, ok := initscript.Render(os, arch); !ok || strings.ContainsAny(token.Reveal(), "'\"`$\\ \n") {
		return ""
	}
	if os == "windows" {
		return api.Secret(fmt.Sprintf(`$env:CODER_AGENT_TOKEN="%s"; iwr -useb "%s" | iex`, token.Reveal(), url))
	}
	return api.Secret(fmt.Sprintf(`curl -fsSL "%s" | CODER_AGENT_TOKEN="%s" sh`, url, token.Reveal()))
}
