package coderd

import (
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// recordRoutes: what was done, who was connected, and what workspaces may cost.
func (s *Server) recordRoutes(a *httpapi.API) {
	readLog := rbac.Needs(rbac.Read, rbac.TypeAuditLog)
	a.Handle(get("/api/v2/audit/export", "Audit", "Export audit log as JSON lines", readLog), s.opts.Audit.ExportHandler(a))
	httpapi.Register(a, get("/api/v2/connectionlog", "Audit", "List connections to workspaces", rbac.Needs(rbac.Read, rbac.TypeConnectionLog)), s.opts.Connections.HandleList)
	own := rbac.Needs(rbac.Read, rbac.TypeUser)
	httpapi.Register(a, get("/api/v2/organizations/{organization}/members/{user}/workspace-quota", "Workspaces", "Get quota of member", own), s.opts.Quota.HandleMember)
	httpapi.Register(a, get("/api/v2/workspace-quota/{user}", "Workspaces", "Get quota of user in the default organization", own), s.opts.Quota.HandleUser)
}
