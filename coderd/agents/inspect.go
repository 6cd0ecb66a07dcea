package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// Dialer reaches ports of agents. It waits for an agent as long as ctx does.
type Dialer interface {
	DialAgent(ctx context.Context, agentID api.ID, port uint16) (net.Conn, error)
}

// inspectTimeout bounds one question to an agent.
const inspectTimeout = agentrpc.InspectTimeout

// ask puts one question to an agent that the caller may ssh to. What it answers is
// limited in size and time, and a redirect is not followed.
func (s *Service) ask(ctx context.Context, id api.ID, path string, into any) error {
	return s.question(ctx, id, http.MethodGet, path, into)
}

// tell has an agent do something; its reasons against it are told.
func (s *Service) tell(ctx context.Context, id api.ID, method, path string) error {
	var ignored api.Response
	return s.question(ctx, id, method, path, &ignored)
}

func (s *Service) question(ctx context.Context, id api.ID, method, path string, into any) error {
	row, err := s.load(ctx, id, rbac.SSH)
	if err != nil {
		return err
	}
	if status := statusOf(row.WorkspaceAgent, row.DbNow); status != api.AgentConnected {
		return &api.Error{Code: api.CodeConflict, Message: fmt.Sprintf("The agent is %s. Start the workspace, or wait until its agent is connected.", status)}
	}
	ctx, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return s.opts.Dialer.DialAgent(ctx, id, agentrpc.PortInspect)
			}}}
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, nil)
	if err != nil {
		return fmt.Errorf("ask agent %s: %w", id, err)
	}
	res, err := client.Do(req)
	if err != nil {
		s.log.Info("agent did not answer", "agent_id", id.String(), "path", path, "error", err)
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return &api.Error{Code: api.CodeUnavailable, Message: "The agent does not answer. Try again, or restart the workspace."}
	}
	defer res.Body.Close()
	if method != http.MethodGet && res.StatusCode >= 400 {
		var e api.Error
		if json.NewDecoder(io.LimitReader(res.Body, 16<<10)).Decode(&e) == nil {
			if err := refusal(e); api.CodeOf(err) != "" {
				return err
			}
		}
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusAccepted {
		return &api.Error{Code: api.CodeUnavailable, Message: fmt.Sprintf("The agent answered with status %d. Its log says more.", res.StatusCode)}
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, agentrpc.MaxInspectAnswer)).Decode(into); err != nil {
		s.log.Info("agent answered nonsense", "agent_id", id.String(), "path", path, "error", err)
		return &api.Error{Code: api.CodeUnavailable, Message: "The agent's answer cannot be read."}
	}
	return nil
}

// HandleListeningPorts answers GET /workspaceagents/{workspaceagent}/listening-ports.
func (s *Service) HandleListeningPorts(ctx context.Context, in *AgentInput) (*httpapi.Out[api.AgentListeningPorts], error) {
	var got api.AgentListeningPorts
	if err := s.ask(ctx, in.ID, agentrpc.PathListeningPorts, &got); err != nil {
		return nil, err
	}
	out := api.AgentListeningPorts{Ports: []api.AgentListeningPort{}}
	for _, p := range got.Ports {
		if len(out.Ports) == agentrpc.MaxListeningPorts {
			break
		}
		if p.Port < agentrpc.MinListeningPort || p.Port > 65535 {
			continue
		}
		out.Ports = append(out.Ports, api.AgentListeningPort{Network: "tcp", Port: p.Port,
			ProcessName: cut(clean(p.ProcessName), agentrpc.MaxProcessName)})
	}
	return httpapi.OK(out), nil
}
