package coderd

import (
	"net/http"

	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// replicaRoutes: whether this replica takes requests, and which there are.
func (s *Server) replicaRoutes(a *httpapi.API) {
	a.Handle(get("/readyz", "General", "Readiness", rbac.Public()), http.HandlerFunc(s.opts.Replicas.HandleReadyz))
	httpapi.Register(a, get("/api/v2/replicas", "General", "List replicas", rbac.Needs(rbac.Read, rbac.TypeReplicas)), s.opts.Replicas.HandleList)
}
