package coderd

import (
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// healthRoutes: how the deployment is, and how it is set up.
func (s *Server) healthRoutes(a *httpapi.API) {
	httpapi.Register(a, get("/api/v2/debug/health", "Debug", "Get health of deployment", rbac.Needs(rbac.Read, rbac.TypeDebugInfo)), s.opts.Health.HandleReport)
	httpapi.Register(a, get("/api/v2/deployment/config", "General", "Get options of deployment", rbac.Needs(rbac.Read, rbac.TypeDeploymentConfig)), s.handleConfig)
}
