package workspaces_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/rbac"
)

func list(t *testing.T, c *coderdtest.Client) []string {
	t.Helper()
	names := []string{}
	for _, w := range coderdtest.Do[api.WorkspacesResponse](t, c, http.StatusOK, http.MethodGet, "/api/v2/workspaces", nil).Workspaces {
		names = append(names, w.Name)
	}
	return names
}

func (r *rig) group(name string, members ...*coderdtest.Client) api.Group {
	r.Helper()
	g := coderdtest.Do[api.Group](r, r.owner, http.StatusCreated, http.MethodPost, org+"/groups", api.CreateGroupRequest{Name: name})
	var req api.PatchGroupRequest
	for _, m := range members {
		req.AddUsers = append(req.AddUsers, m.User.ID.String())
	}
	return coderdtest.Do[api.Group](r, r.owner, http.StatusOK, http.MethodPatch, "/api/v2/groups/"+g.ID.String(), req)
}

// share changes the list of w and wants a status.
func (r *rig) share(by *coderdtest.Client, status int, w api.Workspace, req api.UpdateWorkspaceACL) {
	r.Helper()
	res, text := by.Raw(r, http.MethodPatch, "/api/v2/workspaces/"+w.ID.String()+"/acl", req)
	require.Equal(r, status, res.StatusCode, "%s", text)
}

func TestSharing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	eve, carl := r.d.NewUser(t, r.owner, "eve"), r.d.NewUser(t, r.owner, "carl")
	w := r.running(r.member, r.template("tpl"), "dev", "tok")
	path := "/api/v2/workspaces/" + w.ID.String()
	agent := "/api/v2/workspaceagents/" + w.LatestBuild.Resources[0].Agents[0].ID.String()
	assert.Empty(t, list(t, eve))
	coderdtest.Do[api.Error](t, eve, http.StatusNotFound, http.MethodGet, path, nil)
	coderdtest.Do[api.Error](t, eve, http.StatusNotFound, http.MethodGet, agent+"/connection", nil)
	r.share(eve, http.StatusNotFound, w, api.UpdateWorkspaceACL{UserRoles: map[string]string{eve.User.ID.String(): "admin"}})

	// With a user, to use: reading and reaching it, no more.
	use := func(c *coderdtest.Client, role string) api.UpdateWorkspaceACL {
		return api.UpdateWorkspaceACL{UserRoles: map[string]string{c.User.ID.String(): role}}
	}
	r.share(r.member, http.StatusNoContent, w, use(eve, "use"))
	assert.Equal(t, []string{"dev"}, list(t, eve))
	assert.Empty(t, list(t, carl))
	coderdtest.Do[any](t, eve, http.StatusOK, http.MethodGet, agent+"/connection", nil)
	coderdtest.Do[any](t, eve, http.StatusOK, http.MethodGet, "/api/v2/users/bob/workspace/dev", nil)
	stop := api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop}
	coderdtest.Do[api.Error](t, eve, http.StatusForbidden, http.MethodPost, path+"/builds", stop)
	r.share(eve, http.StatusForbidden, w, use(carl, "use"))
	acl := coderdtest.Do[api.WorkspaceACL](t, eve, http.StatusOK, http.MethodGet, path+"/acl", nil)
	require.Len(t, acl.Users, 1)
	assert.Equal(t, "eve", acl.Users[0].Username)
	assert.Equal(t, "use", acl.Users[0].Role)

	// With a group, to administrate: everything but deleting and sharing.
	team := r.group("team", carl)
	r.share(r.member, http.StatusNoContent, w, api.UpdateWorkspaceACL{GroupRoles: map[string]string{team.ID.String(): "admin"}})
	coderdtest.Do[api.WorkspaceBuild](t, carl, http.StatusCreated, http.MethodPost, path+"/builds", stop)
	r.complete(r.acquire(), result())
	coderdtest.Do[api.Error](t, carl, http.StatusForbidden, http.MethodPost, path+"/builds", api.CreateWorkspaceBuildRequest{Transition: api.TransitionDelete})
	r.share(carl, http.StatusForbidden, w, use(carl, "admin"))

	// Taken back, and by deleting the group.
	r.share(r.member, http.StatusNoContent, w, use(eve, ""))
	assert.Empty(t, list(t, eve))
	coderdtest.Do[api.Error](t, eve, http.StatusNotFound, http.MethodGet, path, nil)
	coderdtest.Do[api.Group](t, r.owner, http.StatusOK, http.MethodDelete, "/api/v2/groups/"+team.ID.String(), nil)
	assert.Empty(t, list(t, carl))
	assert.Empty(t, coderdtest.Do[api.WorkspaceACL](t, r.member, http.StatusOK, http.MethodGet, path+"/acl", nil).Groups)
}

func TestSharingRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	eve := r.d.NewUser(t, r.owner, "eve")
	stranger := r.d.NewUser(t, r.owner, "stranger")
	res, _ := r.owner.Raw(t, http.MethodDelete, org+"/members/stranger", nil)
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	coderdtest.Do[api.Organization](t, r.owner, http.StatusCreated, http.MethodPost, "/api/v2/organizations", api.CreateOrganizationRequest{Name: "other"})
	foreign := coderdtest.Do[api.Group](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/organizations/other/groups/Everyone", nil)
	w := r.create(r.member, r.template("tpl"), "dev")
	for _, bad := range []api.UpdateWorkspaceACL{
		{UserRoles: map[string]string{stranger.User.ID.String(): "use"}},
		{UserRoles: map[string]string{api.NewID().String(): "use"}},
		{UserRoles: map[string]string{"eve": "use"}},
		{UserRoles: map[string]string{eve.User.ID.String(): "owner"}},
		{UserRoles: map[string]string{foreign.ID.String(): "use"}},
		{GroupRoles: map[string]string{foreign.ID.String(): "use"}},
		{GroupRoles: map[string]string{eve.User.ID.String(): "use"}},
	} {
		r.share(r.member, http.StatusBadRequest, w, bad)
	}
	settings := org + "/settings/workspace-sharing"
	good := api.UpdateWorkspaceACL{UserRoles: map[string]string{eve.User.ID.String(): "use"}}
	r.share(r.member, http.StatusNoContent, w, good)
	coderdtest.Do[api.Error](t, r.member, http.StatusForbidden, http.MethodPatch, settings, api.UpdateWorkspaceSharingSettingsRequest{SharingDisabled: true})
	s := coderdtest.Do[api.WorkspaceSharingSettings](t, r.owner, http.StatusOK, http.MethodPatch, settings, api.UpdateWorkspaceSharingSettingsRequest{SharingDisabled: true})
	assert.Equal(t, api.WorkspaceSharingSettings{SharingDisabled: true, ShareableWorkspaceOwners: "none"}, s)
	assert.Empty(t, list(t, eve), "what was shared no longer is")
	r.share(r.member, http.StatusForbidden, w, good)
	coderdtest.Do[any](t, r.owner, http.StatusOK, http.MethodPatch, settings, api.UpdateWorkspaceSharingSettingsRequest{ShareableWorkspaceOwners: "service_accounts"})
	r.share(r.member, http.StatusForbidden, w, good)
	coderdtest.Do[any](t, r.owner, http.StatusOK, http.MethodPatch, settings, api.UpdateWorkspaceSharingSettingsRequest{})
	r.share(r.member, http.StatusNoContent, w, good)
	// A leaver is out, and does not come back in by coming back.
	for _, step := range []struct {
		method string
		status int
	}{{http.MethodDelete, http.StatusNoContent}, {http.MethodPost, http.StatusOK}} {
		res, _ := r.owner.Raw(t, step.method, org+"/members/eve", nil)
		require.Equal(t, step.status, res.StatusCode)
		assert.Empty(t, list(t, eve))
	}
}

// TestSwitches: sharing off counts for what was shared before, and owners can be kept
// out of workspaces.
func TestSwitches(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	eve := r.d.NewUser(t, r.owner, "eve")
	w := r.running(r.member, r.template("tpl"), "dev", "tok")
	shared := api.UpdateWorkspaceACL{UserRoles: map[string]string{eve.User.ID.String(): "use"}}
	r.share(r.member, http.StatusNoContent, w, shared)
	path := "/api/v2/workspaceagents/" + w.LatestBuild.Resources[0].Agents[0].ID.String() + "/connection"
	coderdtest.Do[any](t, r.owner, http.StatusOK, http.MethodGet, path, nil)

	strict := coderdtest.Replica(t, r.d.DB, func(c *coderdtest.Config) { c.Auth.Deployment = rbac.Deployment{OwnersStayOut: true, NoSharing: true} })
	owner, guest, member := strict.Client(r.owner.Token), strict.Client(eve.Token), strict.Client(r.member.Token)
	assert.Empty(t, list(t, guest))
	coderdtest.Do[api.Error](t, guest, http.StatusNotFound, http.MethodGet, path, nil)
	coderdtest.Do[api.Error](t, owner, http.StatusForbidden, http.MethodGet, path, nil)
	coderdtest.Do[api.Workspace](t, owner, http.StatusOK, http.MethodGet, "/api/v2/workspaces/"+w.ID.String(), nil)
	r.share(member, http.StatusForbidden, w, shared)
	s := coderdtest.Do[api.WorkspaceSharingSettings](t, member, http.StatusOK, http.MethodGet, org+"/settings/workspace-sharing", nil)
	assert.True(t, s.SharingGloballyDisabled)
}

// TestTemplateAccess: a template is for whom its list names; who loses it can stop
// and delete but not start.
func TestTemplateAccess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	eve := r.d.NewUser(t, r.owner, "eve")
	team := r.group("team", eve)
	tpl := r.template("tpl")
	w := r.create(r.member, tpl, "dev")
	r.complete(r.acquire(), result())
	path := "/api/v2/templates/" + tpl.ID.String()
	count := func(c *coderdtest.Client) int {
		return len(coderdtest.Do[[]api.Template](t, c, http.StatusOK, http.MethodGet, org+"/templates", nil))
	}
	acl := coderdtest.Do[api.TemplateACL](t, r.owner, http.StatusOK, http.MethodGet, path+"/acl", nil)
	require.Len(t, acl.Groups, 1)
	assert.Equal(t, "Everyone", acl.Groups[0].Name)
	assert.Equal(t, "use", acl.Groups[0].Role)
	coderdtest.Do[api.Error](t, r.member, http.StatusForbidden, http.MethodGet, path+"/acl", nil)
	everyone := acl.Groups[0].ID.String()

	only := api.UpdateTemplateACL{GroupPerms: map[string]string{everyone: "", team.ID.String(): "use"}}
	coderdtest.Do[api.Error](t, r.member, http.StatusForbidden, http.MethodPatch, path+"/acl", only)
	coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodPatch, path+"/acl", only)
	assert.Equal(t, 0, count(r.member))
	assert.Equal(t, 1, count(eve))
	for _, p := range []string{path, org + "/templates/tpl", path + "/versions", "/api/v2/templateversions/" + tpl.ActiveVersionID.String(),
		"/api/v2/templateversions/" + tpl.ActiveVersionID.String() + "/rich-parameters"} {
		coderdtest.Do[api.Error](t, r.member, http.StatusNotFound, http.MethodGet, p, nil)
		coderdtest.Do[any](t, eve, http.StatusOK, http.MethodGet, p, nil)
	}
	r.refused(r.member, http.StatusNotFound, "", http.MethodPost, "/api/v2/users/me/workspaces", api.CreateWorkspaceRequest{Name: "two", TemplateID: tpl.ID})
	builds := "/api/v2/workspaces/" + w.ID.String() + "/builds"
	r.refused(r.member, http.StatusForbidden, "", http.MethodPost, builds, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop})
	r.complete(r.acquire(), result())

	// An administrator of the template edits it, and hands on what they have.
	admin := api.UpdateTemplateACL{UserPerms: map[string]string{eve.User.ID.String(): "admin"}}
	coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodPatch, path+"/acl", admin)
	text := "new"
	coderdtest.Do[api.Template](t, eve, http.StatusOK, http.MethodPatch, path, api.UpdateTemplateRequest{Description: &text})
	who := coderdtest.Do[api.ACLAvailable](t, eve, http.StatusOK, http.MethodGet, path+"/acl/available", nil)
	assert.Len(t, who.Users, 3)
	assert.Len(t, who.Groups, 2)
	back := api.UpdateTemplateACL{GroupPerms: map[string]string{everyone: "use"}}
	coderdtest.Do[api.Response](t, eve, http.StatusOK, http.MethodPatch, path+"/acl", back)
	assert.Equal(t, 1, count(r.member))
	for i, private := range []bool{true, false} {
		coderdtest.Do[api.Template](t, r.owner, http.StatusOK, http.MethodPatch, path, api.UpdateTemplateRequest{DisableEveryoneGroupAccess: &private})
		assert.Equal(t, i, count(r.member))
	}
	hidden := r.version(api.ID{}, jobrpc.ImportResult{})
	coderdtest.Do[api.Template](t, r.owner, http.StatusCreated, http.MethodPost, org+"/templates",
		api.CreateTemplateRequest{Name: "hidden", VersionID: hidden.ID, DisableEveryoneGroupAccess: true})
	assert.Equal(t, 1, count(r.member))
	assert.Equal(t, 2, count(r.owner))

	// Whoever may only change templates cannot make themselves their administrator.
	coderdtest.Do[api.Role](t, r.owner, http.StatusOK, http.MethodPost, org+"/members/roles", api.CustomRoleRequest{Name: "editor",
		OrganizationPermissions: []api.Permission{{ResourceType: "template", Action: "update"}, {ResourceType: "template", Action: "read"}}})
	coderdtest.Do[any](t, r.owner, http.StatusOK, http.MethodPut, org+"/members/bob/roles", api.UpdateRolesRequest{Roles: []string{"editor"}})
	self := api.UpdateTemplateACL{UserPerms: map[string]string{r.member.User.ID.String(): "admin"}}
	coderdtest.Do[api.Error](t, r.member, http.StatusForbidden, http.MethodPatch, path+"/acl", self)
	coderdtest.Do[api.Error](t, r.member, http.StatusForbidden, http.MethodDelete, path, nil)

	// The ban on creation.
	coderdtest.Do[any](t, r.owner, http.StatusOK, http.MethodPut, org+"/members/bob/roles", api.UpdateRolesRequest{Roles: []string{"organization-workspace-creation-ban"}})
	r.refused(r.member, http.StatusForbidden, "", http.MethodPost, "/api/v2/users/me/workspaces", api.CreateWorkspaceRequest{Name: "two", TemplateID: tpl.ID})
}

func result() jobrpc.BuildResult { return jobrpc.BuildResult{State: []byte(`{"serial":1}`)} }
