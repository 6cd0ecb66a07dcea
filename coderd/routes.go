package coderd

import (
	"net/http"

	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
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
	s.deploymentRoutes(a)
	s.sessionRoutes(a)
	s.userRoutes(a)
	s.keyRoutes(a)
	s.organizationRoutes(a)
}

func (s *Server) deploymentRoutes(a *httpapi.API) {
	everybody, signedIn := rbac.Public(), rbac.SignedIn()
	a.Handle(get("/healthz", "General", "Liveness", everybody), http.HandlerFunc(handleHealthz))
	httpapi.Register(a, get("/api/v2/", "General", "API root", everybody), s.handleRoot)
	httpapi.Register(a, get("/api/v2/buildinfo", "General", "Build info", everybody), s.handleBuildInfo)
	httpapi.Register(a, get("/api/v2/deployment/ssh", "General", "SSH config", signedIn), s.handleSSHConfig)
	httpapi.Register(a, get("/api/v2/audit", "Audit", "List audit log", rbac.Needs(rbac.Read, rbac.TypeAuditLog)), s.opts.Audit.HandleList)
}

func (s *Server) sessionRoutes(a *httpapi.API) {
	k, u := s.opts.Auth, s.opts.Users
	everybody, signedIn := rbac.Public(), rbac.SignedIn()
	httpapi.Register(a, get("/api/v2/users/first", "Users", "Check for the first user", everybody), u.HandleFirstExists)
	httpapi.Register(a, create("/api/v2/users/first", "Users", "Create the first user", everybody), u.HandleCreateFirst)
	httpapi.Register(a, create("/api/v2/users/login", "Authorization", "Sign in with a password", everybody), k.HandleLogin)
	httpapi.Register(a, post("/api/v2/users/logout", "Authorization", "Sign out", signedIn), k.HandleLogout)
	httpapi.Register(a, get("/api/v2/users/authmethods", "Authorization", "Ways to sign in", everybody), k.HandleAuthMethods)
	httpapi.Register(a, post("/api/v2/users/validate-password", "Authorization", "Validate a new password", everybody), k.HandleValidatePassword)
	httpapi.Register(a, post("/api/v2/authcheck", "Authorization", "Check what you may do", signedIn), k.HandleCheck)
	httpapi.Register(a, get("/api/v2/auth/scopes", "Authorization", "List scopes of tokens", everybody), k.HandleScopes)
}

func (s *Server) userRoutes(a *httpapi.API) {
	k, u := s.opts.Auth, s.opts.Users
	read, update := rbac.Needs(rbac.Read, rbac.TypeUser), rbac.Needs(rbac.Update, rbac.TypeUser)
	personal := rbac.Needs(rbac.UpdatePersonal, rbac.TypeUser)
	httpapi.Register(a, get("/api/v2/users", "Users", "List users", read), u.HandleList)
	httpapi.Register(a, create("/api/v2/users", "Users", "Create user", rbac.Needs(rbac.Create, rbac.TypeUser)), u.HandleCreate)
	httpapi.Register(a, get("/api/v2/users/{user}", "Users", "Get user", read), u.HandleGet)
	httpapi.Register(a, del("/api/v2/users/{user}", "Users", "Delete user", rbac.Needs(rbac.Delete, rbac.TypeUser), http.StatusOK), u.HandleDelete)
	httpapi.Register(a, put("/api/v2/users/{user}/profile", "Users", "Update profile", personal), u.HandleUpdateProfile)
	httpapi.Register(a, put("/api/v2/users/{user}/password", "Users", "Set password", personal), k.HandleSetPassword)
	httpapi.Register(a, put("/api/v2/users/{user}/status/suspend", "Users", "Suspend user", update), u.HandleSuspend)
	httpapi.Register(a, put("/api/v2/users/{user}/status/activate", "Users", "Activate user", update), u.HandleActivate)
	httpapi.Register(a, get("/api/v2/users/{user}/roles", "Users", "Get roles of user", read), u.HandleGet)
	httpapi.Register(a, put("/api/v2/users/{user}/roles", "Users", "Set roles of user", rbac.Needs(rbac.Assign, rbac.TypeAssignRole)), u.HandleSetRoles)
}

func (s *Server) keyRoutes(a *httpapi.API) {
	k := s.opts.Auth
	read, make := rbac.Needs(rbac.Read, rbac.TypeAPIKey), rbac.Needs(rbac.Create, rbac.TypeAPIKey)
	httpapi.Register(a, create("/api/v2/users/{user}/keys", "Users", "Create session key", make), k.HandleCreateSession)
	httpapi.Register(a, get("/api/v2/users/{user}/keys/tokens", "Users", "List tokens", read), k.HandleTokens)
	httpapi.Register(a, create("/api/v2/users/{user}/keys/tokens", "Users", "Create token", make), k.HandleCreateToken)
	httpapi.Register(a, get("/api/v2/users/{user}/keys/tokens/tokenconfig", "Users", "Limits of tokens", read), k.HandleTokenConfig)
	httpapi.Register(a, get("/api/v2/users/{user}/keys/tokens/{keyname}", "Users", "Get token by name", read), k.HandleToken)
	httpapi.Register(a, get("/api/v2/users/{user}/keys/{keyid}", "Users", "Get key", read), k.HandleKey)
	httpapi.Register(a, del("/api/v2/users/{user}/keys/{keyid}", "Users", "Delete key", rbac.Needs(rbac.Delete, rbac.TypeAPIKey), http.StatusNoContent), k.HandleDeleteKey)
	httpapi.Register(a, put("/api/v2/users/{user}/keys/{keyid}/expire", "Users", "Expire key", rbac.Needs(rbac.Update, rbac.TypeAPIKey)), k.HandleExpireKey)
}

func (s *Server) organizationRoutes(a *httpapi.API) {
	u := s.opts.Users
	ofUser, read := rbac.Needs(rbac.Read, rbac.TypeUser), rbac.Needs(rbac.Read, rbac.TypeOrganization)
	httpapi.Register(a, get("/api/v2/users/{user}/organizations", "Organizations", "List organizations of user", ofUser), u.HandleOrganizationsOf)
	httpapi.Register(a, get("/api/v2/users/{user}/organizations/{organizationname}", "Organizations", "Get organization of user", ofUser), u.HandleOrganizationOf)
	httpapi.Register(a, get("/api/v2/organizations", "Organizations", "List organizations", read), u.HandleOrganizations)
	httpapi.Register(a, get("/api/v2/organizations/{organization}", "Organizations", "Get organization", read), u.HandleOrganization)
	httpapi.Register(a, get("/api/v2/organizations/{organization}/members", "Organizations", "List members", rbac.Needs(rbac.Read, rbac.TypeOrganizationMember)), u.HandleMembers)
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

// The verbs of the page. create answers 201; the others 200, or 204 without a
// body, unless they say more.

func get(path, tag, summary string, rule rbac.Rule) httpapi.Route {
	return httpapi.Route{Method: http.MethodGet, Path: path, Tag: tag, Summary: summary, Rule: rule}
}

func create(path, tag, summary string, rule rbac.Rule) httpapi.Route {
	return httpapi.Route{Method: http.MethodPost, Path: path, Tag: tag, Summary: summary, Rule: rule, Status: http.StatusCreated}
}

func post(path, tag, summary string, rule rbac.Rule) httpapi.Route {
	return httpapi.Route{Method: http.MethodPost, Path: path, Tag: tag, Summary: summary, Rule: rule}
}

func put(path, tag, summary string, rule rbac.Rule) httpapi.Route {
	return httpapi.Route{Method: http.MethodPut, Path: path, Tag: tag, Summary: summary, Rule: rule}
}

func del(path, tag, summary string, rule rbac.Rule, status int) httpapi.Route {
	return httpapi.Route{Method: http.MethodDelete, Path: path, Tag: tag, Summary: summary, Rule: rule, Status: status}
}
