package coderd

import (
	"coder.internal/coderd/httpapi"
)

// routes lists every route of the control plane, slice by slice.
func (s *Server) routes(a *httpapi.API) {
	s.accessRoutes(a)
	s.templateRoutes(a)
	s.workspaceRoutes(a)
	s.agentRoutes(a)
}

// accessRoutes: the deployment, people, organizations, sessions, tokens, audit.
func (s *Server) accessRoutes(a *httpapi.API) {
}

// templateRoutes: files, templates, versions, jobs, provisioner daemons.
func (s *Server) templateRoutes(a *httpapi.API) {
}

// workspaceRoutes: workspaces, builds, parameters, resources.
func (s *Server) workspaceRoutes(a *httpapi.API) {
}

// agentRoutes: what agents call, and what people call about agents.
func (s *Server) agentRoutes(a *httpapi.API) {
}
