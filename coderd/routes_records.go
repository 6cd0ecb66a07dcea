package coderd

import (
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// recordRoutes: what was done, who was connected, and what workspaces may cost.
func (s *Server) recordRoutes(a *httpapi.API) {
	own := rbac.Needs(rbac.Read, rbac.TypeUser)
	httpapi.Register(a, get("/api/v2/organizations/{organization}/members/{user}/workspace-quota", "Workspaces", "Get quota of member", own), s.opts.Quota.HandleMember)
	httpapi.Register(a, get("/api/v2/workspace-quota/{user}", "Workspaces", "Get quota of user in the default organization", own), s.opts.Quota.HandleUser)
}
