package coderd

import (
	"net/http"

	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// usageRoutes: what agents report of their use, and how much the deployment is used.
func (s *Server) usageRoutes(a *httpapi.API) {
	httpapi.Register(a, post("/api/v2/workspaceagents/me/usage", "Agents", "Report use of agent", rbac.AgentToken()), s.opts.Agents.HandleUsage)
	httpapi.Register(a, get("/api/v2/deployment/stats", "General", "Get use of deployment",
		rbac.Needs(rbac.Read, rbac.TypeDeploymentStats)), s.opts.Agents.HandleDeploymentStats)
	s.containerRoutes(a)
}

// containerRoutes: the containers beside an agent.
func (s *Server) containerRoutes(a *httpapi.API) {
	ag := s.opts.Agents
	const path, tag = "/api/v2/workspaceagents/{workspaceagent}/containers", "Agents"
	ssh := rbac.Needs(rbac.SSH, rbac.TypeWorkspace)
	httpapi.Register(a, get(path, tag, "List containers", ssh), ag.HandleContainers)
	a.Handle(get(path+"/watch", tag, "Watch containers over a websocket", ssh), ag.WatchContainers(a))
	again := post(path+"/devcontainers/{devcontainer}/recreate", tag, "Make dev container anew", ssh)
	again.Status = http.StatusAccepted
	httpapi.Register(a, again, ag.HandleRecreateDevcontainer)
	httpapi.Register(a, del(path+"/devcontainers/{devcontainer}", tag, "Remove dev container", ssh, http.StatusNoContent), ag.HandleDeleteDevcontainer)
}
