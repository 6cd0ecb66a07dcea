package agents

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/internal/wsconn"
)

const (
	// containersPoll is how often an agent is asked for those who watch.
	containersPoll = 5 * time.Second
	maxContainer   = 512 // bytes of one text of an agent
	maxContainerOf = 64  // labels, ports or volumes of one container
	maxSilence     = 6   // polls without an answer after which a watch ends
)

// ContainersInput names an agent, and labels of the wanted containers.
type ContainersInput struct {
	AgentInput
	Label string `query:"label" maxLength:"256" doc:"Only containers with this label, as key=value or key."`
}

// HandleContainers answers GET /workspaceagents/{workspaceagent}/containers.
func (s *Service) HandleContainers(ctx context.Context, in *ContainersInput) (*httpapi.Out[api.AgentContainers], error) {
	out, err := s.containers(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Label != "" {
		key, value, valued := strings.Cut(in.Label, "=")
		kept := []api.AgentContainer{}
		for _, c := range out.Containers {
			if v, ok := c.Labels[key]; ok && (!valued || v == value) {
				kept = append(kept, c)
			}
		}
		out.Containers = kept
	}
	return httpapi.OK(out), nil
}

// containers asks the agent. What it says is bounded and cleaned.
func (s *Service) containers(ctx context.Context, id api.ID) (api.AgentContainers, error) {
	var got api.AgentContainers
	if err := s.ask(ctx, id, agentrpc.PathContainers, &got); err != nil {
		return got, err
	}
	out := api.AgentContainers{Containers: []api.AgentContainer{}, Devcontainers: []api.AgentDevcontainer{}}
	for _, c := range got.Containers[:min(len(got.Containers), agentrpc.MaxContainers)] {
		out.Containers = append(out.Containers, cleanContainer(c))
	}
	for _, d := range got.Devcontainers[:min(len(got.Devcontainers), agentrpc.MaxContainers)] {
		for _, text := range []*string{&d.Name, &d.WorkspaceFolder, &d.ConfigPath, &d.Error, (*string)(&d.Status)} {
			*text = cut(clean(*text), maxContainer)
		}
		if d.Container != nil {
			c := cleanContainer(*d.Container)
			d.Container = &c
		}
		out.Devcontainers = append(out.Devcontainers, d)
	}
	for _, w := range got.Warnings[:min(len(got.Warnings), 8)] {
		out.Warnings = append(out.Warnings, cut(clean(w), maxContainer))
	}
	return out, nil
}

func cleanContainer(c api.AgentContainer) api.AgentContainer {
	for _, text := range []*string{&c.ID, &c.Name, &c.Image, &c.Status} {
		*text = cut(clean(*text), maxContainer)
	}
	c.Labels, c.Volumes = boundMap(c.Labels), boundMap(c.Volumes)
	ports := []api.AgentContainerPort{}
	for _, p := range c.Ports[:min(len(c.Ports), maxContainerOf)] {
		p.Network, p.HostIP = cut(clean(p.Network), maxContainer), cut(clean(p.HostIP), maxContainer)
		ports = append(ports, p)
	}
	c.Ports = ports
	return c
}

func boundMap(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		if len(out) < maxContainerOf {
			out[cut(clean(k), maxContainer)] = cut(clean(v), maxContainer)
		}
	}
	return out
}

// WatchContainers serves GET /workspaceagents/{workspaceagent}/containers/watch: a
// websocket with an api.AgentContainers at once and after each change.
func (s *Service) WatchContainers(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := pathID(r)
		var first api.AgentContainers
		if err == nil {
			first, err = s.containers(r.Context(), id)
		}
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{ReadLimit: 1 << 10})
		if err != nil {
			return // answered already
		}
		ctx, leave := httpapi.Audience(r.Context(), ws)
		defer leave()
		err = s.followContainers(ctx, a, r, id, first, func(text []byte) error { return ws.WriteRaw(ctx, text) })
		if api.CodeOf(err) != "" {
			_ = ws.Close(wsconn.CodePolicy, "you may no longer use this workspace, or its agent is gone")
		}
	})
}

// followContainers sends until ctx ends, the right to, or the agent.
func (s *Service) followContainers(ctx context.Context, a *httpapi.API, r *http.Request, id api.ID, now api.AgentContainers, send func([]byte) error) error {
	var last []byte
	silent := 0
	next := func(ctx context.Context) ([]byte, error) {
		if last != nil {
			var err error
			if now, err = s.containers(ctx, id); err != nil {
				if silent++; silent < maxSilence {
					return nil, nil //nolint:nilerr // it may come back
				}
				return nil, err
			}
		}
		silent = 0
		text, err := json.Marshal(now)
		if err != nil {
			return nil, fmt.Errorf("encode containers of agent %s: %w", id, err)
		}
		if bytes.Equal(text, last) {
			return nil, nil
		}
		last = text
		return text, nil
	}
	readmit := a.Recheck(r, func(ctx context.Context) error {
		_, err := s.load(ctx, id, rbac.SSH)
		return err
	})
	return httpapi.Follow{Clock: s.opts.Clock, Changed: nil, Poll: containersPoll, Recheck: recheckInterval, Next: next, Readmit: readmit}.Run(ctx,
		func(e api.WatchEvent) error {
			if e.Type == "ping" { // not for this stream
				return nil
			}
			return send(last)
		})
}

// DevcontainerInput names a dev container of an agent.
type DevcontainerInput struct {
	AgentInput
	Devcontainer api.ID `path:"devcontainer"`
}

// HandleRecreateDevcontainer answers POST …/containers/devcontainers/{devcontainer}/recreate.
func (s *Service) HandleRecreateDevcontainer(ctx context.Context, in *DevcontainerInput) (*httpapi.Out[api.Response], error) {
	err := s.work(ctx, in, audit.Start, http.MethodPost, in.Devcontainer.String()+"/recreate", http.StatusAccepted)
	return httpapi.OK(api.Response{Message: "The dev container is being made anew."}), err
}

// HandleDeleteDevcontainer answers DELETE …/containers/devcontainers/{devcontainer}.
func (s *Service) HandleDeleteDevcontainer(ctx context.Context, in *DevcontainerInput) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.work(ctx, in, audit.Delete, http.MethodDelete, in.Devcontainer.String(), http.StatusNoContent)
}

// work has the agent begin something, and records that it did.
func (s *Service) work(ctx context.Context, in *DevcontainerInput, action audit.Action, method, path string, status int) error {
	row, err := s.load(ctx, in.ID, rbac.SSH)
	if err != nil {
		return err
	}
	if err := s.tell(ctx, in.ID, method, agentrpc.PathDevcontainers+path); err != nil {
		return err
	}
	return audit.Record(ctx, s.db.Queries, audit.Entry{Action: action, ResourceType: "workspace_agent", ResourceID: in.ID,
		Target:         row.WorkspaceName + "." + row.WorkspaceAgent.Name + " dev container " + in.Devcontainer.String(),
		OrganizationID: row.OrganizationID, StatusCode: status})
}

// refusal is what an agent says against something: its code is one of a few, its
// words are cleaned.
func refusal(e api.Error) error {
	switch e.Code {
	case api.CodeNotFound, api.CodeConflict, api.CodeInvalid, api.CodeUnavailable:
		return &api.Error{Code: e.Code, Message: cut(clean(e.Message), maxContainer)}
	}
	return errors.New("refused for no reason that is known")
}
