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
	u := s.opts.Users
	get := func(path, tag, summary string, rule rbac.Rule) httpapi.Route {
		return httpapi.Route{Method: http.MethodGet, Path: path, Tag: tag, Summary: summary, Rule: rule}
	}
	post := func(path, tag, summary string, rule rbac.Rule) httpapi.Route {
		return httpapi.Route{Method: http.MethodPost, Path: path, Tag: tag, Summary: summary, Rule: rule, Status: http.StatusCreated}
	}
	put := func(path, tag, summary string, rule rbac.Rule) httpapi.Route {
		return httpapi.Route{Method: http.MethodPut, Path: path, Tag: tag, Summary: summary, Rule: rule}
	}
	del := func(path, tag, summary string, rule rbac.Rule) httpapi.Route {
		return httpapi.Route{Method: http.MethodDelete, Path: path, Tag: tag, Summary: summary, Rule: rule}
	}

	a.Handle(get("/healthz", "General", "Liveness", rbac.Public()), http.HandlerFunc(handleHealthz))
	httpapi.Register(a, get("/api/v2/", "General", "API root", rbac.Public()), s.handleRoot)
	httpapi.Register(a, get("/api/v2/buildinfo", "General", "Build info", rbac.Public()), s.handleBuildInfo)
	httpapi.Register(a, get("/api/v2/deployment/ssh", "General", "SSH config", rbac.SignedIn()), s.handleSSHConfig)

	httpapi.Register(a, get("/api/v2/users/first", "Users", "Check for the first user", rbac.Public()), u.HandleFirstExists)
	httpapi.Register(a, post("/api/v2/users/first", "Users", "Create the first user", rbac.Public()), u.HandleCreateFirst)
	httpapi.Register(a, get("/api/v2/users", "Users", "List users", rbac.Needs(rbac.Read, rbac.TypeUser)), u.HandleList)
	httpapi.Register(a, post("/api/v2/users", "Users", "Create user", rbac.Needs(rbac.Create, rbac.TypeUser)), u.HandleCreate)
	httpapi.Register(a, get("/api/v2/users/{user}", "Users", "Get user", rbac.Needs(rbac.Read, rbac.TypeUser)), u.HandleGet)
	deleteUser := del("/api/v2/users/{user}", "Users", "Delete user", rbac.Needs(rbac.Delete, rbac.TypeUser))
	deleteUser.Status = http.StatusOK
	httpapi.Register(a, deleteUser, u.HandleDelete)
	httpapi.Register(a, put("/api/v2/users/{user}/profile", "Users", "Update profile", rbac.Needs(rbac.UpdatePersonal, rbac.TypeUser)), u.HandleUpdateProfile)
	httpapi.Register(a, put("/api/v2/users/{user}/status/suspend", "Users", "Suspend user", rbac.Needs(rbac.Update, rbac.TypeUser)), u.HandleSuspend)
	httpapi.Register(a, put("/api/v2/users/{user}/status/activate", "Users", "Activate user", rbac.Needs(rbac.Update, rbac.TypeUser)), u.HandleActivate)
	httpapi.Register(a, get("/api/v2/users/{user}/roles", "Users", "Get roles of user", rbac.Needs(rbac.Read, rbac.TypeUser)), u.HandleGet)
	httpapi.Register(a, put("/api/v2/users/{user}/roles", "Users", "Set roles of user", rbac.Needs(rbac.Assign, rbac.TypeAssignRole)), u.HandleSetRoles)

	httpapi.Register(a, get("/api/v2/users/{user}/organizations", "Organizations", "List organizations of user", rbac.Needs(rbac.Read, rbac.TypeUser)), u.HandleOrganizationsOf)
	httpapi.Register(a, get("/api/v2/users/{user}/organizations/{organizationname}", "Organizations", "Get organization of user", rbac.Needs(rbac.Read, rbac.TypeUser)), u.HandleOrganizationOf)
	httpapi.Register(a, get("/api/v2/organizations", "Organizations", "List organizations", rbac.Needs(rbac.Read, rbac.TypeOrganization)), u.HandleOrganizations)
	httpapi.Register(a, get("/api/v2/organizations/{organization}", "Organizations", "Get organization", rbac.Needs(rbac.Read, rbac.TypeOrganization)), u.HandleOrganization)
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
