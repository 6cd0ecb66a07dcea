package coderd

import (
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// identityRoutes: machines of clouds show what their cloud has signed and get
// their agent's token. What is signed is the credential, so there is no other.
func (s *Server) identityRoutes(a *httpapi.API) {
	ag := s.opts.Agents
	const path, summary = "/api/v2/workspaceagents/", "Sign in agent by identity of "
	route := func(cloud, name string) httpapi.Route {
		r := post(path+cloud+"-instance-identity", "Agents", summary+name, rbac.Public())
		r.MaxBody = 128 << 10
		return r
	}
	httpapi.Register(a, route("aws", "AWS"), ag.HandleAWSIdentity)
	httpapi.Register(a, route("azure", "Azure"), ag.HandleAzureIdentity)
	httpapi.Register(a, route("google", "Google"), ag.HandleGoogleIdentity)
}
