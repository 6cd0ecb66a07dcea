package coderd

import (
	"net/http"

	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// externalAuthRoutes: sign-ins to services outside. The pages are public: they find
// out who looks themselves, and ask for a sign-in instead of refusing.
func (s *Server) externalAuthRoutes(a *httpapi.API) {
	e := s.opts.ExternalAuth
	const all, one, tag = "/api/v2/external-auth", "/api/v2/external-auth/{externalauth}", "Git"
	read, update := rbac.Needs(rbac.ReadPersonal, rbac.TypeUser), rbac.Needs(rbac.UpdatePersonal, rbac.TypeUser)
	httpapi.Register(a, get(all, tag, "List external authentication", rbac.SignedIn()), e.HandleList)
	httpapi.Register(a, get(one, tag, "Get external authentication", read), e.HandleGet)
	httpapi.Register(a, del(one, tag, "Forget external authentication", update, http.StatusOK), e.HandleUnlink)
	httpapi.Register(a, get(one+"/device", tag, "Begin external authentication by device", update), e.HandleDevice)
	exchange := post(one+"/device", tag, "Finish external authentication by device", update)
	exchange.Status = http.StatusNoContent
	httpapi.Register(a, exchange, e.HandleExchangeDevice)
	for _, name := range []string{"external-auth", "gitauth"} {
		httpapi.Register(a, get("/api/v2/workspaceagents/me/"+name, "Agents", "Get token of owner", rbac.AgentToken()), e.HandleAgent)
		a.Handle(get("/"+name+"/{externalauth}/callback", tag, "Come back from a provider", rbac.Public()), e.Callback(a))
	}
	a.Handle(get("/external-auth/{externalauth}", tag, "Page of a provider", rbac.Public()), e.Page(a))
	a.Handle(post("/external-auth/{externalauth}/start", tag, "Begin external authentication in a browser", update), e.Start(a))
}
