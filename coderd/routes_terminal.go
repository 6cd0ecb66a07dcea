package coderd

import (
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// terminalRoutes are those of terminals in the browser, and of the connections that
// carry them to agents.
func (s *Server) terminalRoutes(a *httpapi.API) {
	a.Handle(get(agentrpc.PathStreams, "Agents", "Carry streams to agent", rbac.AgentToken()), s.opts.Agents.StreamsAgent(a))
	a.Handle(get("/api/v2/workspaceagents/{workspaceagent}/pty", "Agents", "Open terminal over a websocket",
		rbac.Needs(rbac.SSH, rbac.TypeWorkspace)), s.opts.DevURL.Terminal(a))
}
