package coderd

import (
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/apps"
	"coder.internal/coderd/devurl"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// appRoutes: what of applications is on the origin of the API, and shares of ports.
func (s *Server) appRoutes(a *httpapi.API) {
	p := s.opts.Apps
	const tag, sharing, share = "Applications", "PortSharing", "/api/v2/workspaces/{workspace}/port-share"
	everybody, start := rbac.Public(), rbac.SignedIn() // which workspace is in the form
	// Public: who is not signed in is led to the page for it.
	a.Handle(get(devurl.RedirectPath, tag, "Lead back to an application, signed in", everybody), p.AuthRedirect(a))
	a.Handle(get(apps.LoginPath, tag, "Show the page to sign in", everybody), p.LoginPage(a))
	a.Handle(post(apps.LoginPath, tag, "Sign in with the form of the page", everybody), p.Login(a))
	a.Handle(get(devurl.StartPath, tag, "Ask whether a workspace is to start", start), p.StartPage(a))
	a.Handle(post(devurl.StartPath, tag, "Start a workspace with the form of the page", start), p.Start(a))

	httpapi.Register(a, get("/api/v2/applications/modes", tag, "List ways to applications", rbac.SignedIn()), p.HandleModes)
	httpapi.Register(a, get(share, sharing, "List shared ports of workspace", rbac.Needs(rbac.Read, rbac.TypeWorkspace)), p.HandleShares)
	httpapi.Register(a, post(share, sharing, "Share port of workspace", rbac.Needs(rbac.Share, rbac.TypeWorkspace)), p.HandleShare)
	httpapi.Register(a, del(share, sharing, "End the sharing of a port", rbac.Needs(rbac.Share, rbac.TypeWorkspace), http.StatusOK), p.HandleUnshare)
}

// appRawRoutes describes those that are no typed endpoints.
func appRawRoutes() map[string]httpapi.Raw {
	page := []httpapi.Answer{{Type: htmlText}}
	form := []string{"application/x-www-form-urlencoded"}
	led := httpapi.Answer{Status: http.StatusSeeOther, Type: htmlText, Doc: "Done; Location says where to go on."}
	to := httpapi.Param{Name: "redirect_uri", Required: true, Doc: "URL of an application, in the one spelling that is served."}
	return map[string]httpapi.Raw{
		"GET " + devurl.RedirectPath: {Doc: "Leads to an application with a ticket for its origin in the query, or first to the page to sign in.",
			Query:   []httpapi.Param{to, {Name: "state", Doc: "What the browser that asked is known by. Without it there is no ticket."}},
			Answers: []httpapi.Answer{{Status: http.StatusTemporaryRedirect, Type: htmlText, Doc: "Location is the URL of the application, or of the page to sign in."}}},
		"GET " + apps.LoginPath: {Doc: "A page with a form for e-mail and password.",
			Query: []httpapi.Param{{Name: "redirect", Doc: "Path to go on to; only those that lead to applications count."}}, Answers: page},
		"POST " + apps.LoginPath: {Doc: "Signs in and sets the cookie of the session. Only the page of this origin may send it.", Body: form, Answers: []httpapi.Answer{led}},
		"GET " + devurl.StartPath: {Doc: "A page that asks before it starts a workspace.",
			Query: []httpapi.Param{{Name: "workspace", Of: api.ID{}, Required: true, Doc: "Id of the workspace."}, to}, Answers: page},
		"POST " + devurl.StartPath: {Doc: "Starts a workspace. Only the page of this origin may send it.", Body: form, Answers: []httpapi.Answer{led}},
	}
}
