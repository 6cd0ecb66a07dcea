package coderd

import (
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// stateRoutes are those of Terraform states. They ask for more than to read the
// workspace: see workspaces.Service.
func (s *Server) stateRoutes(a *httpapi.API) {
	ws, rule := s.opts.Workspaces, rbac.Needs(rbac.Read, rbac.TypeWorkspace)
	get := func(path, summary string) httpapi.Route {
		return get("/api/v2/workspacebuilds/{workspacebuild}"+path, "Workspaces", summary, rule)
	}
	a.Handle(get("/state", "Get state of build"), ws.StateHandler(a))
	set := put("/api/v2/workspacebuilds/{workspacebuild}/state", "Workspaces", "Replace state of build", rule)
	set.MaxBody = maxStateBody
	httpapi.Register(a, set, ws.HandleSetState)
	httpapi.Register(a, get("/state/resources", "List resources in state of build"), ws.HandleStateResources)
	httpapi.Register(a, get("/strays", "List what late attempts at a build brought"), ws.HandleStrays)
	a.Handle(get("/strays/{stray}/state", "Get state that a late attempt brought"), ws.StrayHandler(a))
}

// maxStateBody is a state in base64 and what is around it, in bytes.
const maxStateBody = jobrpc.MaxStateBytes/3*4 + 64<<10
