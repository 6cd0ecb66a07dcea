package coderd

import (
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// usageRoutes: what agents report of their use, and how much the deployment is used.
func (s *Server) usageRoutes(a *httpapi.API) {
	httpapi.Register(a, post("/api/v2/workspaceagents/me/usage", "Agents", "Report use of agent", rbac.AgentToken()), s.opts.Agents.HandleUsage)
	httpapi.Register(a, get("/api/v2/deployment/stats", "General", "Get use of deployment",
		rbac.Needs(rbac.Read, rbac.TypeDeploymentStats)), s.opts.Agents.HandleDeploymentStats)
}
