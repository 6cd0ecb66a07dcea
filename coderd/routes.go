package coderd

import (
	"net/http"

	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/templates"
)

// routes lists every route of the control plane, slice by slice.
func (s *Server) routes(a *httpapi.API) {
	s.accessRoutes(a)
	s.templateRoutes(a)
	s.workspaceRoutes(a)
	s.planRoutes(a)
	s.agentRoutes(a)
	s.usageRoutes(a)
	s.terminalRoutes(a)
	s.appRoutes(a)
	s.identityRoutes(a)
	s.provisionerRoutes(a)
	s.recordRoutes(a)
}

// accessRoutes: the deployment, people, organizations, sessions, tokens, audit.
func (s *Server) accessRoutes(a *httpapi.API) {
	s.deploymentRoutes(a)
	s.healthRoutes(a)
	s.replicaRoutes(a)
	s.factRoutes(a)
	s.documentRoutes(a)
	s.sessionRoutes(a)
	s.userRoutes(a)
	s.settingRoutes(a)
	s.gitSSHKeyRoutes(a)
	s.externalAuthRoutes(a)
	s.keyRoutes(a)
	s.organizationRoutes(a)
	s.rightsRoutes(a)
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

// gitSSHKeyRoutes: the key by which a user's workspaces sign in to Git servers.
func (s *Server) gitSSHKeyRoutes(a *httpapi.API) {
	const key = "/api/v2/users/{user}/gitsshkey"
	httpapi.Register(a, get(key, "Users", "Get Git SSH key", rbac.Needs(rbac.ReadPersonal, rbac.TypeUser)), s.opts.Users.HandleGitSSHKey)
	httpapi.Register(a, put(key, "Users", "Replace Git SSH key", rbac.Needs(rbac.UpdatePersonal, rbac.TypeUser)), s.opts.Users.HandleResetGitSSHKey)
	httpapi.Register(a, get("/api/v2/workspaceagents/me/gitsshkey", "Agents", "Get Git SSH key of owner", rbac.AgentToken()), s.opts.Agents.HandleGitSSHKey)
}

func (s *Server) keyRoutes(a *httpapi.API) {
	k := s.opts.Auth
	read, fresh := rbac.Needs(rbac.Read, rbac.TypeAPIKey), rbac.Needs(rbac.Create, rbac.TypeAPIKey)
	httpapi.Register(a, create("/api/v2/users/{user}/keys", "Users", "Create session key", fresh), k.HandleCreateSession)
	httpapi.Register(a, get("/api/v2/users/{user}/keys/tokens", "Users", "List tokens", read), k.HandleTokens)
	httpapi.Register(a, create("/api/v2/users/{user}/keys/tokens", "Users", "Create token", fresh), k.HandleCreateToken)
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

// templateRoutes: files, templates, versions and their import jobs.
func (s *Server) templateRoutes(a *httpapi.API) {
	t := s.opts.Templates
	signedIn, read := rbac.SignedIn(), rbac.Needs(rbac.Read, rbac.TypeTemplate)
	make, update := rbac.Needs(rbac.Create, rbac.TypeTemplate), rbac.Needs(rbac.Update, rbac.TypeTemplate)
	a.Handle(create("/api/v2/files", "Files", "Upload archive", signedIn), t.UploadHandler(a))
	a.Handle(get("/api/v2/files/{fileID}", "Files", "Download archive", rbac.Needs(rbac.Read, rbac.TypeFile)), t.DownloadHandler(a))
	httpapi.Register(a, get("/api/v2/templates", "Templates", "List templates", signedIn), t.HandleList)
	httpapi.Register(a, get("/api/v2/templates/examples", "Templates", "List starter templates", signedIn), t.HandleExamples)
	httpapi.Register(a, get("/api/v2/organizations/{organization}/templates", "Templates", "List templates of organization", read), t.HandleOrgList)
	httpapi.Register(a, create("/api/v2/organizations/{organization}/templates", "Templates", "Create template", make), t.HandleCreate)
	httpapi.Register(a, get("/api/v2/organizations/{organization}/templates/examples", "Templates", "List starter templates of organization", read), t.HandleOrgExamples)
	httpapi.Register(a, get("/api/v2/organizations/{organization}/templates/{templatename}", "Templates", "Get template by name", read), t.HandleGetByName)
	httpapi.Register(a, get("/api/v2/organizations/{organization}/templates/{templatename}/versions/{templateversionname}", "Templates", "Get template version by names", read), t.HandleVersionByNames)
	httpapi.Register(a, get("/api/v2/templates/{template}", "Templates", "Get template", read), t.HandleGet)
	httpapi.Register(a, patch("/api/v2/templates/{template}", "Templates", "Update template", update), t.HandleUpdate)
	httpapi.Register(a, del("/api/v2/templates/{template}", "Templates", "Delete template", rbac.Needs(rbac.Delete, rbac.TypeTemplate), http.StatusOK), t.HandleDelete)
	httpapi.Register(a, get("/api/v2/templates/{template}/versions", "Templates", "List versions of template", read), t.HandleVersions)
	httpapi.Register(a, patch("/api/v2/templates/{template}/versions", "Templates", "Change active version", update), t.HandlePromote)
	httpapi.Register(a, get("/api/v2/templates/{template}/versions/{templateversionname}", "Templates", "Get version of template by name", read), t.HandleVersionByName)
	s.versionRoutes(a)
	s.parameterRoutes(a)
}

func (s *Server) versionRoutes(a *httpapi.API) {
	t := s.opts.Templates
	read, update := rbac.Needs(rbac.Read, rbac.TypeTemplate), rbac.Needs(rbac.Update, rbac.TypeTemplate)
	push := create("/api/v2/organizations/{organization}/templateversions", "Templates", "Create template version", rbac.Needs(rbac.Create, rbac.TypeTemplate))
	push.MaxBody = templates.MaxPushBody
	httpapi.Register(a, push, t.HandleCreateVersion)
	const version = "/api/v2/templateversions/{templateversion}"
	httpapi.Register(a, get(version, "Templates", "Get template version", read), t.HandleVersion)
	httpapi.Register(a, patch(version, "Templates", "Update template version", update), t.HandleUpdateVersion)
	httpapi.Register(a, patch(version+"/cancel", "Templates", "Cancel import", update), t.HandleCancelVersion)
	httpapi.Register(a, post(version+"/archive", "Templates", "Archive template version", update), t.HandleArchive)
	httpapi.Register(a, post(version+"/unarchive", "Templates", "Unarchive template version", update), t.HandleUnarchive)
	a.Handle(get(version+"/logs", "Templates", "Logs of import", read), t.LogsHandler(a))
	httpapi.Register(a, get(version+"/resources", "Templates", "Resources of template version", read), t.HandleResources)
	httpapi.Register(a, get(version+"/rich-parameters", "Templates", "Parameters of template version", read), t.HandleParameters)
	httpapi.Register(a, get(version+"/presets", "Templates", "Presets of template version", read), t.HandlePresets)
	httpapi.Register(a, get(version+"/external-auth", "Templates", "External authentication of template version", read), t.HandleExternalAuth)
	httpapi.Register(a, get(version+"/variables", "Templates", "Variables of template version", read), t.HandleVariables)
}

// parameterRoutes: the parameters of a version with what people answer.
func (s *Server) parameterRoutes(a *httpapi.API) {
	t := s.opts.Templates
	read := rbac.Needs(rbac.Read, rbac.TypeTemplate)
	const live = "/api/v2/templateversions/{templateversion}/dynamic-parameters"
	a.Handle(get(live, "Templates", "Evaluate parameters over a websocket", read), t.DynamicHandler(a))
	evaluate := post(live+"/evaluate", "Templates", "Evaluate parameters", read)
	evaluate.MaxBody = 8 << 20
	httpapi.Register(a, evaluate, t.HandleEvaluate)
}

// planRoutes: what a build would do, and versions that nobody uses.
func (s *Server) planRoutes(a *httpapi.API) {
	ws := s.opts.Workspaces
	read := rbac.Needs(rbac.Read, rbac.TypeTemplate)
	httpapi.Register(a, create("/api/v2/workspaces/{workspace}/plan", "Workspaces", "Plan build", rbac.Needs(rbac.Start, rbac.TypeWorkspace)), ws.HandlePlan)
	httpapi.Register(a, get("/api/v2/workspaces/{workspace}/plan/{job}", "Workspaces", "Get plan of build", rbac.Needs(rbac.Read, rbac.TypeWorkspace)), ws.HandlePlanOf)
	a.Handle(get("/api/v2/workspaces/{workspace}/plan/{job}/logs", "Workspaces", "Get or follow logs of plan", rbac.Needs(rbac.Read, rbac.TypeWorkspace)), ws.PlanLogs(a))
	const dry = "/api/v2/templateversions/{templateversion}/dry-run"
	start := create(dry, "Templates", "Dry-run template version", rbac.Needs(rbac.Use, rbac.TypeTemplate))
	start.MaxBody = templates.MaxPushBody
	httpapi.Register(a, start, ws.HandleDryRun)
	httpapi.Register(a, get(dry+"/{jobID}", "Templates", "Get dry run", read), ws.HandleDryRunJob)
	httpapi.Register(a, get(dry+"/{jobID}/resources", "Templates", "Resources of dry run", read), ws.HandleDryRunResources)
	a.Handle(get(dry+"/{jobID}/logs", "Templates", "Logs of dry run", read), ws.DryRunLogs(a))
	httpapi.Register(a, patch(dry+"/{jobID}/cancel", "Templates", "Cancel dry run", read), ws.HandleDryRunCancel)
	httpapi.Register(a, post("/api/v2/templates/{template}/versions/archive", "Templates", "Archive unused versions", rbac.Needs(rbac.Update, rbac.TypeTemplate)), s.opts.Templates.HandleArchiveUnused)
}

// workspaceRoutes: workspaces, builds, parameters, resources, binaries.
func (s *Server) workspaceRoutes(a *httpapi.API) {
	ws := s.opts.Workspaces
	route := func(method, path, summary string, action rbac.Action) httpapi.Route {
		return httpapi.Route{Method: method, Path: "/api/v2" + path, Tag: "Workspaces", Summary: summary,
			Rule: rbac.Needs(action, rbac.TypeWorkspace)}
	}
	get := func(path, summary string) httpapi.Route { return route(http.MethodGet, path, summary, rbac.Read) }
	create := func(path, summary string, action rbac.Action) httpapi.Route {
		r := route(http.MethodPost, path, summary, action)
		r.Status = http.StatusCreated
		return r
	}
	httpapi.Register(a, create("/users/{user}/workspaces", "Create workspace", rbac.Create), ws.HandleCreate)
	httpapi.Register(a, create("/organizations/{organization}/members/{user}/workspaces", "Create workspace in organization", rbac.Create), ws.HandleCreateInOrg)
	httpapi.Register(a, get("/workspaces", "List workspaces"), ws.HandleList)
	a.Handle(get("/workspaces/watch-ws", "Watch a list of workspaces over a websocket"), ws.WatchListWS(a))
	httpapi.Register(a, get("/workspaces/{workspace}", "Get workspace"), ws.HandleGet)
	httpapi.Register(a, get("/users/{user}/workspace/{workspacename}", "Get workspace by name"), ws.HandleByName)
	httpapi.Register(a, route(http.MethodPatch, "/workspaces/{workspace}", "Rename workspace", rbac.Update), ws.HandleRename)
	httpapi.Register(a, route(http.MethodPost, "/workspaces/{workspace}/usage", "Note use of workspace", rbac.Update), ws.HandleUsage)
	httpapi.Register(a, route(http.MethodGet, "/workspaces/{workspace}/external-agent/{agent}/credentials", "Get credentials of external agent", rbac.SSH), ws.HandleExternalAgent)
	a.Handle(get("/workspaces/{workspace}/watch", "Watch workspace"), ws.Watch(a))
	a.Handle(get("/workspaces/{workspace}/watch-ws", "Watch workspace over a websocket"), ws.WatchWS(a))

	httpapi.Register(a, get("/workspaces/{workspace}/builds", "List builds"), ws.HandleBuilds)
	build := create("/workspaces/{workspace}/builds", "Create build", rbac.Start)
	build.MaxBody = maxStateBody
	httpapi.Register(a, build, ws.HandleCreateBuild)
	httpapi.Register(a, get("/users/{user}/workspace/{workspacename}/builds/{buildnumber}", "Get build by number"), ws.HandleBuildByNumber)
	httpapi.Register(a, get("/workspacebuilds/{workspacebuild}", "Get build"), ws.HandleBuild)
	httpapi.Register(a, route(http.MethodPatch, "/workspacebuilds/{workspacebuild}/cancel", "Cancel build", rbac.Update), ws.HandleCancel)
	httpapi.Register(a, get("/workspacebuilds/{workspacebuild}/parameters", "Get parameters of build"), ws.HandleParameters)
	httpapi.Register(a, get("/workspacebuilds/{workspacebuild}/resources", "Get resources of build"), ws.HandleResources)
	httpapi.Register(a, get("/workspacebuilds/{workspacebuild}/timings", "Get timings of build"), ws.HandleTimings)
	a.Handle(get("/workspacebuilds/{workspacebuild}/logs", "Get or follow logs of build"), ws.LogsHandler(a))
	s.stateRoutes(a)

	d := s.opts.Downloads
	httpapi.Register(a, httpapi.Route{Method: http.MethodGet, Path: "/api/v2/init-script/{os}/{arch}", Tag: "Agents",
		Summary: "Get the script that starts an agent", Rule: rbac.Public()}, d.HandleInitScript)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		a.Handle(httpapi.Route{Method: method, Path: "/bin/{name}", Tag: "Agents", Summary: "Fetch a binary",
			Rule: rbac.Public()}, d.Binary(a))
	}
}

// agentRoutes: what agents call, and what people call about agents.
func (s *Server) agentRoutes(a *httpapi.API) {
	ag := s.opts.Agents
	me := func(method, path, summary string) httpapi.Route {
		return httpapi.Route{Method: method, Path: "/api/v2/workspaceagents/me" + path, Tag: "Agents", Summary: summary,
			Rule: rbac.AgentToken(), MaxBody: 4 << 20}
	}
	httpapi.Register(a, me(http.MethodGet, "/manifest", "Get manifest"), ag.HandleManifest)
	httpapi.Register(a, me(http.MethodPost, "/startup", "Introduce agent"), ag.HandleStartup)
	httpapi.Register(a, me(http.MethodPost, "/lifecycle", "Report lifecycle"), ag.HandleLifecycle)
	httpapi.Register(a, me(http.MethodPatch, "/logs", "Append logs"), ag.HandlePatchLogs)
	source := me(http.MethodPost, "/log-source", "Add log source")
	source.Status = http.StatusCreated
	httpapi.Register(a, source, ag.HandleLogSource)
	httpapi.Register(a, me(http.MethodPost, "/script-result", "Report script run"), ag.HandleScriptResult)
	httpapi.Register(a, me(http.MethodPost, "/metadata", "Report measured values"), ag.HandleMetadata)
	httpapi.Register(a, me(http.MethodPost, "/app-health", "Report app health"), ag.HandleAppHealth)
	httpapi.Register(a, me(http.MethodPost, "/connections", "Report connections that begin and end"), ag.HandleConnectionReport)
	httpapi.Register(a, me(http.MethodPost, "/monitors", "Report states of watched resources"), ag.HandleMonitors)
	a.Handle(me(http.MethodGet, "/coordinate", "Exchange network nodes as agent"), ag.CoordinateAgent(a))

	get := func(path, summary string, action rbac.Action) httpapi.Route {
		return httpapi.Route{Method: http.MethodGet, Path: "/api/v2/workspaceagents" + path, Tag: "Agents",
			Summary: summary, Rule: rbac.Needs(action, rbac.TypeWorkspace)}
	}
	generic := get("/connection", "Get connection facts", rbac.Read)
	generic.Rule = rbac.SignedIn()
	httpapi.Register(a, generic, ag.HandleConnectionGeneric)
	httpapi.Register(a, get("/{workspaceagent}", "Get agent", rbac.Read), ag.HandleAgent)
	httpapi.Register(a, get("/{workspaceagent}/connection", "Get connection facts of agent", rbac.SSH), ag.HandleConnection)
	a.Handle(get("/{workspaceagent}/coordinate", "Exchange network nodes as client", rbac.SSH), ag.CoordinateClient(a))
	a.Handle(get("/{workspaceagent}/logs", "Get or follow agent logs", rbac.Read), ag.Logs(a))
	a.Handle(get("/{workspaceagent}/startup-logs", "Get or follow agent logs, by the old name", rbac.Read), ag.Logs(a))
	httpapi.Register(a, get("/{workspaceagent}/listening-ports", "List listening ports", rbac.SSH), ag.HandleListeningPorts)
	a.Handle(get("/{workspaceagent}/watch-metadata", "Watch measured values", rbac.Read), ag.WatchMetadata(a))
	a.Handle(get("/{workspaceagent}/watch-metadata-ws", "Watch measured values over a websocket", rbac.Read), ag.WatchMetadataWS(a))
}

// provisionerRoutes: daemons, their keys, and jobs.
func (s *Server) provisionerRoutes(a *httpapi.API) {
	q := s.opts.Jobs
	const org, tag = "/api/v2/organizations/{organization}", "Provisioning"
	daemons, own, manage := rbac.Needs(rbac.Read, rbac.TypeProvisionerDaemon), rbac.Needs(rbac.Read, rbac.TypeProvisionerJob), rbac.Needs(rbac.Update, rbac.TypeProvisionerDaemon)
	httpapi.Register(a, get(org+"/provisionerdaemons", tag, "List provisioner daemons", daemons), q.HandleDaemons)
	a.Handle(get(org+"/provisionerdaemons/serve", tag, "Work on jobs over a websocket", rbac.Daemon()), q.ServeHandler(a))
	httpapi.Register(a, get(org+"/provisionerjobs", tag, "List provisioner jobs", own), q.HandleJobs)
	httpapi.Register(a, get(org+"/provisionerjobs/{job}", tag, "Get provisioner job", own), q.HandleJob)
	httpapi.Register(a, get(org+"/provisionerkeys", tag, "List provisioner keys", manage), q.HandleKeys)
	httpapi.Register(a, create(org+"/provisionerkeys", tag, "Create provisioner key", rbac.Needs(rbac.Create, rbac.TypeProvisionerDaemon)), q.HandleCreateKey)
	httpapi.Register(a, get(org+"/provisionerkeys/daemons", tag, "List provisioner keys with their daemons", manage), q.HandleKeyDaemons)
	httpapi.Register(a, del(org+"/provisionerkeys/{provisionerkey}", tag, "Delete provisioner key", rbac.Needs(rbac.Delete, rbac.TypeProvisionerDaemon), http.StatusNoContent), q.HandleDeleteKey)
	httpapi.Register(a, get("/api/v2/provisionerkeys/{provisionerkey}", tag, "Get the key of the request", rbac.Daemon()), q.HandleOwnKey)
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

func patch(path, tag, summary string, rule rbac.Rule) httpapi.Route {
	return httpapi.Route{Method: http.MethodPatch, Path: path, Tag: tag, Summary: summary, Rule: rule}
}

func del(path, tag, summary string, rule rbac.Rule, status int) httpapi.Route {
	return httpapi.Route{Method: http.MethodDelete, Path: path, Tag: tag, Summary: summary, Rule: rule, Status: status}
}
