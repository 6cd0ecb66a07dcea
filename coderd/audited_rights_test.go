package coderd_test

import (
	"coder.internal/api"
)

// settingSteps change what a user has chosen.
func settingSteps() []step {
	put := func(name string, body any) step {
		return step{route: "PUT /api/v2/users/{user}/" + name, entry: "write user", do: func(w *world) request {
			return request{w.owner, "PUT", "/api/v2/users/me/" + name, body}
		}}
	}
	return []step{
		put("appearance", api.UpdateUserAppearanceSettingsRequest{ThemePreference: "dark"}),
		put("preferences", api.UserPreferenceSettings{TaskNotificationAlertDismissed: ptr(true)}),
		put("quiet-hours", api.UpdateUserQuietHoursRequest{Schedule: "CRON_TZ=UTC 30 3 * * *"}),
	}
}

// rightsSteps change organizations, roles, groups and access lists. They come when
// there are a template and a workspace.
func rightsSteps() []step {
	const lab = "/api/v2/organizations/lab"
	member := func(w *world, rest string) string { return lab + "/members/" + w.user.ID.String() + rest }
	group := func(w *world) string { return "/api/v2/groups/" + w.group.String() }
	role := api.CustomRoleRequest{Name: "reader", OrganizationPermissions: []api.Permission{{ResourceType: "template", Action: "read"}}}
	list := func(w *world) any {
		return map[string]any{"group_roles": map[string]string{w.group.String(): "use"}}
	}
	by := func(route, entry, method string, path func(*world) string, body func(*world) any) step {
		return step{route: route, entry: entry, do: func(w *world) request {
			var b any
			if body != nil {
				b = body(w)
			}
			return request{w.owner, method, path(w), b}
		}}
	}
	at := func(path string) func(*world) string { return func(*world) string { return path } }
	is := func(body any) func(*world) any { return func(*world) any { return body } }
	const org = "/api/v2/organizations/{organization}"
	newGroup := by("POST "+org+"/groups", "create group", "POST", at(inOrg+"/groups"), is(api.CreateGroupRequest{Name: "team"}))
	newGroup.after = func(w *world, b []byte) { w.group = read[api.Group](w, b).ID }
	return []step{
		by("POST /api/v2/organizations", "create organization", "POST", at("/api/v2/organizations"), is(api.CreateOrganizationRequest{Name: "lab"})),
		by("PATCH "+org, "write organization", "PATCH", at(lab), is(api.UpdateOrganizationRequest{Description: ptr("new")})),
		by("PATCH "+org+"/settings/workspace-sharing", "write organization", "PATCH", at(lab+"/settings/workspace-sharing"),
			is(api.UpdateWorkspaceSharingSettingsRequest{ShareableWorkspaceOwners: "none"})),
		by("POST "+org+"/members/{user}", "create organization_member", "POST", func(w *world) string { return member(w, "") }, nil),
		by("POST "+org+"/members/roles", "create custom_role", "POST", at(lab+"/members/roles"), is(role)),
		by("PUT "+org+"/members/roles", "write custom_role", "PUT", at(lab+"/members/roles"),
			is(api.CustomRoleRequest{Name: "reader", DisplayName: "Reader", OrganizationPermissions: role.OrganizationPermissions})),
		by("PUT "+org+"/members/{user}/roles", "write organization_member", "PUT", func(w *world) string { return member(w, "/roles") },
			is(api.UpdateRolesRequest{Roles: []string{"reader"}})),
		by("DELETE "+org+"/members/roles/{roleName}", "delete custom_role", "DELETE", at(lab+"/members/roles/reader"), nil),
		by("DELETE "+org+"/members/{user}", "delete organization_member", "DELETE", func(w *world) string { return member(w, "") }, nil),
		by("DELETE "+org, "delete organization", "DELETE", at(lab), nil),
		newGroup,
		by("PATCH /api/v2/groups/{group}", "write group", "PATCH", group, is(api.PatchGroupRequest{DisplayName: ptr("Team")})),
		by("PATCH /api/v2/templates/{template}/acl", "write template", "PATCH",
			func(w *world) string { return "/api/v2/templates/" + w.template.ID.String() + "/acl" },
			func(w *world) any { return map[string]any{"group_perms": map[string]string{w.group.String(): "use"}} }),
		by("PATCH /api/v2/workspaces/{workspace}/acl", "write workspace", "PATCH",
			func(w *world) string { return "/api/v2/workspaces/" + w.workspace.ID.String() + "/acl" }, list),
		by("DELETE /api/v2/workspaces/{workspace}/acl", "write workspace", "DELETE",
			func(w *world) string { return "/api/v2/workspaces/" + w.workspace.ID.String() + "/acl" }, nil),
		by("DELETE /api/v2/groups/{group}", "delete group", "DELETE", group, nil),
	}
}

// containerSteps are those that an agent with containers has to answer.
func containerSteps() []step {
	const devcontainer = "/api/v2/workspaceagents/{workspaceagent}/containers/devcontainers/{devcontainer}"
	const agrees = "the agent does it, and the entry is written once it has agreed"
	return []step{{route: "POST " + devcontainer + "/recreate", none: agrees}, {route: "DELETE " + devcontainer, none: agrees}}
}
