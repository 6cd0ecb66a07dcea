package users_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

const (
	patch = http.MethodPatch
	orgs  = "/api/v2/organizations"
)

func newOrg(t *testing.T, owner *coderdtest.Client, name string, members ...*coderdtest.Client) string {
	t.Helper()
	o := coderdtest.Do[api.Organization](t, owner, http.StatusCreated, post, orgs, api.CreateOrganizationRequest{Name: name})
	for _, m := range members {
		coderdtest.Do[api.OrganizationMember](t, owner, http.StatusOK, post, orgs+"/"+name+"/members/"+m.User.Username, nil)
	}
	return orgs + "/" + o.ID.String()
}

func setRoles(t *testing.T, by *coderdtest.Client, status int, org string, who *coderdtest.Client, roles ...string) {
	t.Helper()
	coderdtest.Do[any](t, by, status, put, org+"/members/"+who.User.ID.String()+"/roles", api.UpdateRolesRequest{Roles: append([]string{}, roles...)})
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob, eve := d.NewUser(t, owner, "bob"), d.NewUser(t, owner, "eve")
	org := newOrg(t, owner, "acme", bob)

	e := coderdtest.Do[api.Error](t, owner, http.StatusConflict, post, orgs, api.CreateOrganizationRequest{Name: "ACME"})
	assert.Equal(t, "name", e.Validations[0].Field)
	for _, name := range []string{"", "default", "a b", "-a"} {
		coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, post, orgs, api.CreateOrganizationRequest{Name: name})
	}
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, post, orgs, api.CreateOrganizationRequest{Name: "mine"})

	assert.Len(t, coderdtest.Do[[]api.Organization](t, bob, http.StatusOK, get, orgs, nil), 2)
	assert.Len(t, coderdtest.Do[[]api.Organization](t, eve, http.StatusOK, get, orgs, nil), 1)
	hidden, hiddenText := eve.Raw(t, get, org, nil)
	absent, absentText := eve.Raw(t, get, orgs+"/"+api.NewID().String(), nil)
	assert.Equal(t, absent.StatusCode, hidden.StatusCode)
	assert.Equal(t, string(absentText), string(hiddenText))

	name, text := "acme-two", "People who build"
	o := coderdtest.Do[api.Organization](t, owner, http.StatusOK, patch, org, api.UpdateOrganizationRequest{Name: &name, Description: &text})
	assert.Equal(t, "acme-two", o.Name)
	assert.Equal(t, text, o.Description)
	assert.Equal(t, []string{"organization-workspace-access"}, o.DefaultMemberRoles)
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, patch, org, api.UpdateOrganizationRequest{Name: &name})

	page := coderdtest.Do[api.MembersPage](t, bob, http.StatusOK, get, org+"/paginated-members?limit=1&offset=1", nil)
	assert.Equal(t, 2, page.Count)
	require.Len(t, page.Members, 1)
	assert.Equal(t, "bob", page.Members[0].Username)

	coderdtest.Do[api.Error](t, owner, http.StatusConflict, http.MethodDelete, orgs+"/default", nil)
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, http.MethodDelete, org, nil)
	coderdtest.Do[api.Response](t, owner, http.StatusOK, http.MethodDelete, org, nil)
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, get, org, nil)
	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, get, org+"/groups", nil)
	newOrg(t, owner, "acme-two") // the name is free
	log := coderdtest.Do[api.AuditLogResponse](t, owner, http.StatusOK, get, "/api/v2/audit?q=resource_type:organization+resource_id:"+o.ID.String(), nil)
	assert.Equal(t, 3, log.Count, "create, write, delete")
}

func TestMembers(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	admin, bob, eve := d.NewUser(t, owner, "admin2"), d.NewUser(t, owner, "bob"), d.NewUser(t, owner, "eve")
	org, other := newOrg(t, owner, "acme", admin, bob), newOrg(t, owner, "other", eve)
	setRoles(t, owner, http.StatusOK, org, admin, "organization-admin")

	// An administrator adds people; members do not, nor into other organizations.
	coderdtest.Do[api.Error](t, admin, http.StatusConflict, post, org+"/members/bob", nil)
	coderdtest.Do[api.Error](t, admin, http.StatusNotFound, post, org+"/members/nobody", nil)
	coderdtest.Do[api.Error](t, admin, http.StatusNotFound, post, other+"/members/bob", nil)
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, post, org+"/members/eve", nil)
	coderdtest.Do[api.Error](t, admin, http.StatusNotFound, get, org+"/members/eve", nil)
	coderdtest.Do[api.Error](t, admin, http.StatusNotFound, http.MethodDelete, org+"/members/eve", nil)

	// Who leaves, leaves groups and loses what the organization gave, at once.
	g := coderdtest.Do[api.Group](t, admin, http.StatusCreated, post, org+"/groups", api.CreateGroupRequest{Name: "team"})
	g = coderdtest.Do[api.Group](t, admin, http.StatusOK, patch, "/api/v2/groups/"+g.ID.String(), api.PatchGroupRequest{AddUsers: []string{bob.User.ID.String()}})
	require.Len(t, g.Members, 1)
	coderdtest.Do[api.Group](t, bob, http.StatusOK, get, "/api/v2/groups/"+g.ID.String(), nil)
	res, _ := admin.Raw(t, http.MethodDelete, org+"/members/bob", nil)
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, get, org, nil)
	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, get, "/api/v2/groups/"+g.ID.String(), nil)
	coderdtest.Do[api.OrganizationMember](t, admin, http.StatusOK, post, org+"/members/bob", nil)
	g = coderdtest.Do[api.Group](t, admin, http.StatusOK, get, "/api/v2/groups/"+g.ID.String(), nil)
	assert.Empty(t, g.Members, "coming back does not bring old groups back")
}

// TestRoleEscalation: nobody grants above themselves, by assigning, defining or
// changing roles, or by the defaults of an organization.
func TestRoleEscalation(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	admin, people, bob, eve := d.NewUser(t, owner, "admin2"), d.NewUser(t, owner, "people"), d.NewUser(t, owner, "bob"), d.NewUser(t, owner, "eve")
	org := newOrg(t, owner, "acme", admin, people, bob, eve)
	setRoles(t, owner, http.StatusOK, org, admin, "organization-admin")
	setRoles(t, admin, http.StatusOK, org, people, "organization-user-admin")

	setRoles(t, people, http.StatusForbidden, org, bob, "organization-admin")
	setRoles(t, people, http.StatusForbidden, org, people, "organization-user-admin", "organization-template-admin")
	setRoles(t, people, http.StatusForbidden, org, admin) // taking what one lacks
	coderdtest.Do[api.Error](t, people, http.StatusForbidden, http.MethodDelete, org+"/members/"+admin.User.Username, nil)
	setRoles(t, people, http.StatusOK, org, bob, "organization-user-admin", "organization-workspace-creation-ban", "organization-member")
	setRoles(t, bob, http.StatusOK, org, bob)
	setRoles(t, bob, http.StatusForbidden, org, bob, "organization-user-admin")
	setRoles(t, admin, http.StatusBadRequest, org, bob, "emperor")
	setRoles(t, admin, http.StatusBadRequest, org, bob, "owner")

	role := func(name string, site bool, perms ...string) api.CustomRoleRequest {
		r := api.CustomRoleRequest{Name: name}
		for i := 0; i < len(perms); i += 2 {
			p := api.Permission{ResourceType: perms[i], Action: perms[i+1]}
			if site {
				r.SitePermissions = append(r.SitePermissions, p)
			} else {
				r.OrganizationPermissions = append(r.OrganizationPermissions, p)
			}
		}
		return r
	}
	roles := org + "/members/roles"
	coderdtest.Do[api.Error](t, people, http.StatusForbidden, post, roles, role("mine", false, "group", "read"))
	coderdtest.Do[api.Error](t, admin, http.StatusForbidden, post, roles, role("mine", true, "user", "read"))
	coderdtest.Do[api.Error](t, admin, http.StatusForbidden, post, roles, role("mine", false, "*", "*"))
	for _, bad := range []api.CustomRoleRequest{role("organization-mine", false), role("owner", false), role("a b", false), role("mine", false, "moon", "read"),
		role("mine", false, "audit_log", "delete"), {Name: "mine", OrganizationPermissions: []api.Permission{{Negate: true, ResourceType: "group", Action: "read"}}}} {
		coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, post, roles, bad)
	}

	// A role that may define roles does not reach beyond itself.
	coderdtest.Do[api.Role](t, owner, http.StatusOK, post, roles, role("smith", false, "assign_org_role", "create", "assign_org_role", "update",
		"assign_org_role", "delete", "assign_org_role", "assign", "assign_org_role", "read"))
	setRoles(t, owner, http.StatusOK, org, bob, "smith")
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, put, roles, role("smith", false, "assign_org_role", "update", "template", "delete"))
	coderdtest.Do[api.Role](t, bob, http.StatusOK, post, roles, role("smaller", false, "assign_org_role", "update"))
	coderdtest.Do[api.Role](t, owner, http.StatusOK, post, roles, role("auditors", true, "audit_log", "read"))
	setRoles(t, bob, http.StatusForbidden, org, eve, "auditors")
	setRoles(t, admin, http.StatusForbidden, org, eve, "auditors")
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, put, roles, role("auditors", false))
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, http.MethodDelete, roles+"/auditors", nil)
	setRoles(t, owner, http.StatusOK, org, eve, "auditors")
	coderdtest.Do[api.AuditLogResponse](t, eve, http.StatusOK, get, "/api/v2/audit", nil)

	wide := []string{"organization-workspace-access", "auditors"}
	coderdtest.Do[api.Error](t, admin, http.StatusForbidden, patch, org, api.UpdateOrganizationRequest{DefaultMemberRoles: &wide})
	coderdtest.Do[api.Organization](t, owner, http.StatusOK, patch, org, api.UpdateOrganizationRequest{DefaultMemberRoles: &wide})
	coderdtest.Do[api.AuditLogResponse](t, bob, http.StatusOK, get, "/api/v2/audit", nil)

	// A deleted role is gone from everybody and from the defaults.
	res, _ := owner.Raw(t, http.MethodDelete, roles+"/auditors", nil)
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	for _, c := range []*coderdtest.Client{bob, eve} {
		res, _ := c.Raw(t, get, "/api/v2/audit", nil)
		assert.NotEqual(t, http.StatusOK, res.StatusCode)
	}
	list := coderdtest.Do[[]api.AssignableRole](t, bob, http.StatusOK, get, roles, nil)
	can := map[string]bool{}
	for _, r := range list {
		can[r.Name] = r.Assignable
	}
	assert.Equal(t, map[string]bool{"organization-admin": false, "organization-user-admin": false, "organization-template-admin": false,
		"organization-auditor": false, "organization-workspace-creation-ban": true, "organization-workspace-access": true, "smith": true, "smaller": true}, can)
	site := coderdtest.Do[[]api.AssignableRole](t, bob, http.StatusOK, get, "/api/v2/users/roles", nil)
	require.Len(t, site, 4)
	assert.False(t, site[0].Assignable)
	assert.True(t, coderdtest.Do[[]api.AssignableRole](t, owner, http.StatusOK, get, "/api/v2/users/roles", nil)[0].Assignable)
}

func TestGroups(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob, eve, stranger := d.NewUser(t, owner, "bob"), d.NewUser(t, owner, "eve"), d.NewUser(t, owner, "stranger")
	org := newOrg(t, owner, "acme", bob, eve)
	team := coderdtest.Do[api.Group](t, owner, http.StatusCreated, post, org+"/groups", api.CreateGroupRequest{Name: "team", QuotaAllowance: 7})
	path := "/api/v2/groups/" + team.ID.String()
	assert.Equal(t, 7, team.QuotaAllowance)
	assert.Equal(t, "acme", team.OrganizationName)

	for _, bad := range []api.CreateGroupRequest{{Name: "everyone"}, {Name: ""}, {Name: "a b"}, {Name: "x", AvatarURL: "javascript:alert(1)"}} {
		coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, post, org+"/groups", bad)
	}
	coderdtest.Do[api.Error](t, owner, http.StatusConflict, post, org+"/groups", api.CreateGroupRequest{Name: "TEAM"})
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, post, org+"/groups", api.CreateGroupRequest{Name: "mine"})
	e := coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, patch, path, api.PatchGroupRequest{AddUsers: []string{stranger.User.ID.String()}})
	assert.Equal(t, "add_users", e.Validations[0].Field)
	coderdtest.Do[api.Error](t, owner, http.StatusBadRequest, patch, path, api.PatchGroupRequest{AddUsers: []string{"bob"}})

	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, get, path, nil)
	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, patch, path, api.PatchGroupRequest{AddUsers: []string{bob.User.ID.String()}})
	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, http.MethodDelete, path, nil)
	both := api.PatchGroupRequest{AddUsers: []string{bob.User.ID.String(), eve.User.ID.String()}}
	team = coderdtest.Do[api.Group](t, owner, http.StatusOK, patch, path, both)
	assert.Len(t, team.Members, 2)
	mine := coderdtest.Do[api.Group](t, bob, http.StatusOK, get, path, nil)
	require.Len(t, mine.Members, 1, "members of a group do not see each other there")
	assert.Equal(t, "bob", mine.Members[0].Username)
	assert.Equal(t, 2, mine.TotalMemberCount)
	assert.Equal(t, 1, coderdtest.Do[api.GroupMembersResponse](t, bob, http.StatusOK, get, path+"/members", nil).Count)
	assert.Equal(t, 2, coderdtest.Do[api.GroupMembersResponse](t, owner, http.StatusOK, get, org+"/groups/team/members", nil).Count)
	coderdtest.Do[api.Error](t, bob, http.StatusForbidden, patch, path, api.PatchGroupRequest{Name: "mine"})

	// The group of all is there by itself and cannot be taken apart.
	all := coderdtest.Do[api.Group](t, bob, http.StatusOK, get, org+"/groups/Everyone", nil)
	assert.Equal(t, all.OrganizationID, all.ID)
	assert.Equal(t, 3, all.TotalMemberCount)
	everyone := "/api/v2/groups/" + all.ID.String()
	quota := 3
	assert.Equal(t, 3, coderdtest.Do[api.Group](t, owner, http.StatusOK, patch, everyone, api.PatchGroupRequest{QuotaAllowance: &quota}).QuotaAllowance)
	coderdtest.Do[api.Error](t, owner, http.StatusConflict, patch, everyone, both)
	coderdtest.Do[api.Error](t, owner, http.StatusConflict, patch, everyone, api.PatchGroupRequest{Name: "some"})
	coderdtest.Do[api.Error](t, owner, http.StatusConflict, http.MethodDelete, everyone, nil)

	names := func(c *coderdtest.Client, query string) []string {
		var out []string
		for _, g := range coderdtest.Do[[]api.Group](t, c, http.StatusOK, get, "/api/v2/groups"+query, nil) {
			out = append(out, g.OrganizationName+"/"+g.Name)
		}
		return out
	}
	assert.Equal(t, []string{"acme/Everyone", "acme/team", "coder/Everyone"}, names(owner, ""))
	assert.Equal(t, []string{"coder/Everyone"}, names(stranger, ""))
	assert.Equal(t, []string{"acme/Everyone", "acme/team"}, names(owner, "?organization=acme"))
	assert.Equal(t, []string{"coder/Everyone"}, names(owner, "?has_member=stranger"))
	assert.Equal(t, []string{"acme/team"}, names(owner, "?group_ids="+team.ID.String()))

	coderdtest.Do[api.Group](t, owner, http.StatusOK, http.MethodDelete, path, nil)
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, get, path, nil)
}

// TestAddWhileLeaving: whoever is added to a group while they leave the organization
// is in neither afterwards.
func TestAddWhileLeaving(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	org := newOrg(t, owner, "acme")
	team := coderdtest.Do[api.Group](t, owner, http.StatusCreated, post, org+"/groups", api.CreateGroupRequest{Name: "team"})
	for range 10 {
		coderdtest.Do[api.OrganizationMember](t, owner, http.StatusOK, post, org+"/members/bob", nil)
		var wg sync.WaitGroup
		wg.Go(func() {
			owner.Raw(t, patch, "/api/v2/groups/"+team.ID.String(), api.PatchGroupRequest{AddUsers: []string{bob.User.ID.String()}})
		})
		wg.Go(func() { owner.Raw(t, http.MethodDelete, org+"/members/bob", nil) })
		wg.Wait()
		g := coderdtest.Do[api.Group](t, owner, http.StatusOK, get, "/api/v2/groups/"+team.ID.String(), nil)
		require.Zero(t, g.TotalMemberCount)
	}
}

// TestRankInOrganizations: a role in an organization that permits more than a user
// administrator may do protects its holder from them; one that does not, does not.
func TestRankInOrganizations(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	people := d.NewUser(t, owner, "people", "user-admin")
	bob := d.NewUser(t, owner, "bob")
	const home = orgs + "/default"
	for _, tc := range []struct {
		role   string
		status int
	}{
		{"organization-workspace-creation-ban", http.StatusOK},
		{"organization-user-admin", http.StatusOK},
		{"organization-template-admin", http.StatusForbidden},
		{"organization-admin", http.StatusForbidden},
	} {
		setRoles(t, owner, http.StatusOK, home, bob, tc.role)
		coderdtest.Do[any](t, people, tc.status, put, "/api/v2/users/bob/profile", api.UpdateUserProfileRequest{Username: "bob", Name: tc.role})
	}
}
