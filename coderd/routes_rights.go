package coderd

import (
	"net/http"

	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// rightsRoutes: organizations and their members, roles, groups, access lists.
func (s *Server) rightsRoutes(a *httpapi.API) {
	u := s.opts.Users
	const orgs, org, tag = "/api/v2/organizations", "/api/v2/organizations/{organization}", "Organizations"
	on := func(act rbac.Action) rbac.Rule { return rbac.Needs(act, rbac.TypeOrganization) }
	httpapi.Register(a, create(orgs, tag, "Create organization", on(rbac.Create)), u.HandleCreateOrganization)
	httpapi.Register(a, patch(org, tag, "Update organization", on(rbac.Update)), u.HandleUpdateOrganization)
	httpapi.Register(a, del(org, tag, "Delete organization", on(rbac.Delete), http.StatusOK), u.HandleDeleteOrganization)
	httpapi.Register(a, get(org+"/settings/workspace-sharing", tag, "Get sharing policy", on(rbac.Read)), u.HandleSharing)
	httpapi.Register(a, patch(org+"/settings/workspace-sharing", tag, "Set sharing policy", on(rbac.Update)), u.HandleSetSharing)
	s.memberRoutes(a)
	s.groupRoutes(a)
	s.aclRoutes(a)
}

func (s *Server) memberRoutes(a *httpapi.API) {
	u := s.opts.Users
	const org, tag = "/api/v2/organizations/{organization}", "Members"
	on := func(act rbac.Action) rbac.Rule { return rbac.Needs(act, rbac.TypeOrganizationMember) }
	role := func(act rbac.Action) rbac.Rule { return rbac.Needs(act, rbac.TypeAssignOrgRole) }
	httpapi.Register(a, get(org+"/paginated-members", tag, "List members by page", on(rbac.Read)), u.HandleMembersPage)
	httpapi.Register(a, get(org+"/members/{user}", tag, "Get member", on(rbac.Read)), u.HandleMember)
	httpapi.Register(a, post(org+"/members/{user}", tag, "Add member", on(rbac.Create)), u.HandleAddMember)
	httpapi.Register(a, del(org+"/members/{user}", tag, "Remove member", on(rbac.Delete), http.StatusNoContent), u.HandleRemoveMember)
	httpapi.Register(a, put(org+"/members/{user}/roles", tag, "Set roles of member", role(rbac.Assign)), u.HandleSetMemberRoles)
	httpapi.Register(a, get("/api/v2/users/roles", tag, "List site roles", rbac.SignedIn()), u.HandleSiteRoles)
	httpapi.Register(a, get(org+"/members/roles", tag, "List roles of organization", role(rbac.Read)), u.HandleOrganizationRoles)
	httpapi.Register(a, post(org+"/members/roles", tag, "Create custom role", role(rbac.Create)), u.HandleCreateRole)
	httpapi.Register(a, put(org+"/members/roles", tag, "Update custom role", role(rbac.Update)), u.HandleUpdateRole)
	httpapi.Register(a, del(org+"/members/roles/{roleName}", tag, "Delete custom role", role(rbac.Delete), http.StatusNoContent), u.HandleDeleteRole)
}

func (s *Server) groupRoutes(a *httpapi.API) {
	u := s.opts.Users
	const org, tag = "/api/v2/organizations/{organization}", "Groups"
	on := func(act rbac.Action) rbac.Rule { return rbac.Needs(act, rbac.TypeGroup) }
	httpapi.Register(a, get("/api/v2/groups", tag, "List groups", on(rbac.Read)), u.HandleGroups)
	httpapi.Register(a, get("/api/v2/groups/{group}", tag, "Get group", on(rbac.Read)), u.HandleGroup)
	httpapi.Register(a, patch("/api/v2/groups/{group}", tag, "Update group", on(rbac.Update)), u.HandleUpdateGroup)
	httpapi.Register(a, del("/api/v2/groups/{group}", tag, "Delete group", on(rbac.Delete), http.StatusOK), u.HandleDeleteGroup)
	httpapi.Register(a, get("/api/v2/groups/{group}/members", tag, "List members of group", on(rbac.Read)), u.HandleGroupMembers)
	httpapi.Register(a, get(org+"/groups", tag, "List groups of organization", on(rbac.Read)), u.HandleOrganizationGroups)
	httpapi.Register(a, create(org+"/groups", tag, "Create group", on(rbac.Create)), u.HandleCreateGroup)
	httpapi.Register(a, get(org+"/groups/{groupName}", tag, "Get group by name", on(rbac.Read)), u.HandleGroupNamed)
	httpapi.Register(a, get(org+"/groups/{groupName}/members", tag, "List members of group by name", on(rbac.Read)), u.HandleGroupNamedMembers)
}

func (s *Server) aclRoutes(a *httpapi.API) {
	t, ws := s.opts.Templates, s.opts.Workspaces
	const template, workspace = "/api/v2/templates/{template}/acl", "/api/v2/workspaces/{workspace}/acl"
	update, share := rbac.Needs(rbac.Update, rbac.TypeTemplate), rbac.Needs(rbac.Share, rbac.TypeWorkspace)
	httpapi.Register(a, get(template, "Templates", "Get access list of template", update), t.HandleACL)
	httpapi.Register(a, patch(template, "Templates", "Change access list of template", update), t.HandleUpdateACL)
	httpapi.Register(a, get(template+"/available", "Templates", "List who can be given access to template", update), t.HandleACLAvailable)
	httpapi.Register(a, get(workspace, "Workspaces", "Get access list of workspace", rbac.Needs(rbac.Read, rbac.TypeWorkspace)), ws.HandleACL)
	httpapi.Register(a, patch(workspace, "Workspaces", "Share workspace", share), ws.HandleUpdateACL)
	httpapi.Register(a, del(workspace, "Workspaces", "End sharing of workspace", share, http.StatusNoContent), ws.HandleClearACL)
}
