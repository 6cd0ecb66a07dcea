package coderd

import (
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// terminalRoutes are those of terminals in the browser.
func (s *Server) terminalRoutes(a *httpapi.API) {
	a.Handle(get("/api/v2/workspaceagents/{workspaceagent}/pty", "Agents", "Open terminal over a websocket",
		rbac.Needs(rbac.SSH, rbac.TypeWorkspace)), s.opts.DevURL.Terminal(a))
}
