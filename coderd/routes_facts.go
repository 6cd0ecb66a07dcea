package coderd

import (
	"net/http"

	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/internal/clock"
)

// factRoutes: what clients ask about the deployment.
func (s *Server) factRoutes(a *httpapi.API) {
	const tag = "General"
	everybody, signedIn := rbac.Public(), rbac.SignedIn()
	httpapi.Register(a, get("/api/v2/entitlements", tag, "Get what may be used", signedIn), s.handleEntitlements)
	httpapi.Register(a, get("/api/v2/experiments", tag, "List experiments that are on", signedIn), s.handleExperiments)
	httpapi.Register(a, get("/api/v2/experiments/available", tag, "List experiments", signedIn), s.handleExperiments)
	httpapi.Register(a, get("/api/v2/appearance", tag, "Get appearance", everybody), s.handleAppearance)
	httpapi.Register(a, get("/api/v2/updatecheck", tag, "Check for a newer version", everybody), s.handleUpdateCheck)
	httpapi.Register(a, get("/api/v2/regions", tag, "List regions", signedIn), s.handleRegions)
	report := post("/api/v2/csp/reports", tag, "Report what the policy of a page refused", signedIn)
	report.Status, report.MaxBody = http.StatusOK, maxViolationBody
	httpapi.Register(a, report, newViolations(s.opts.Log, clock.Real()).handle)
	httpapi.Register(a, get("/api/v2/applications/host", tag, "Get host of applications", signedIn), s.handleAppHost)
}

// documentRoutes: the description of all routes, for programs and people.
func (s *Server) documentRoutes(a *httpapi.API) {
	const tag = "General"
	everybody := rbac.Public()
	a.Handle(get("/api/v2/openapi.json", tag, "Get description of the API", everybody), s.documentHandler(a))
	a.Handle(get("/api/v2/docs", tag, "Page of the API", everybody), s.pageHandler(a, ""))
	a.Handle(get("/api/v2/docs/{file}", tag, "File of the page of the API", everybody), s.pageHandler(a, "file"))
	a.Handle(get("/swagger/{file}", tag, "Page of the API by the name of the reference", everybody), s.swaggerHandler(a))
}
