package rbac_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
)

var (
	me, you         = api.NewID(), api.NewID()
	here, elsewhere = api.NewID(), api.NewID()
	team            = api.NewID()
)

// member of "here" with default rights and more.
func subject(more func(*rbac.Subject)) rbac.Subject {
	s := rbac.Subject{UserID: me, Scopes: []string{"all"}, OrgRoles: map[api.ID][]string{here: {rbac.RoleOrgWorkspaceAccess}}}
	if more != nil {
		more(&s)
	}
	return s
}

func site(role string) func(*rbac.Subject) {
	return func(s *rbac.Subject) { s.SiteRoles = []string{role} }
}

func org(role string) func(*rbac.Subject) {
	return func(s *rbac.Subject) { s.OrgRoles[here] = append(s.OrgRoles[here], role) }
}

func custom(level func(*rbac.Spec) *[]rbac.Permission, list ...rbac.Permission) func(*rbac.Subject) {
	return func(s *rbac.Subject) {
		var spec rbac.Spec
		*level(&spec) = list
		s.OrgRoles[here] = append(s.OrgRoles[here], "helper")
		s.Custom = append(s.Custom, rbac.NewRole("helper", here, spec))
	}
}

func inOrg(s *rbac.Spec) *[]rbac.Permission  { return &s.Org }
func onSite(s *rbac.Spec) *[]rbac.Permission { return &s.Site }
func ofOwn(s *rbac.Spec) *[]rbac.Permission  { return &s.Member }

func TestAuthorize(t *testing.T) {
	t.Parallel()
	mine := rbac.Object{Type: rbac.TypeWorkspace, ID: api.NewID(), OrgID: here, OwnerID: me}
	yours := rbac.Object{Type: rbac.TypeWorkspace, ID: api.NewID(), OrgID: here, OwnerID: you}
	away := rbac.Object{Type: rbac.TypeWorkspace, ID: api.NewID(), OrgID: elsewhere, OwnerID: me}
	with := func(o rbac.Object, acl ...string) rbac.Object { o.ACL = acl; return o }
	template := rbac.Object{Type: rbac.TypeTemplate, ID: api.NewID(), OrgID: here}
	log := rbac.Object{Type: rbac.TypeAuditLog, OrgID: here}
	for _, tc := range []struct {
		name   string
		who    func(*rbac.Subject)
		action rbac.Action
		object rbac.Object
		want   bool
	}{
		{"own workspace", nil, rbac.SSH, mine, true},
		{"own workspace of an organization left", nil, rbac.Read, away, false},
		{"without workspace access", func(s *rbac.Subject) { s.OrgRoles[here] = nil }, rbac.Read, mine, false},
		{"another's workspace", nil, rbac.Read, yours, false},
		{"shared with me", nil, rbac.SSH, with(yours, rbac.Entry("u", me, "use")), true},
		{"shared for use is not for change", nil, rbac.Stop, with(yours, rbac.Entry("u", me, "use")), false},
		{"shared to administrate", nil, rbac.Stop, with(yours, rbac.Entry("u", me, "admin")), true},
		{"shared is not owned", nil, rbac.Delete, with(yours, rbac.Entry("u", me, "admin")), false},
		{"shared cannot be shared on", nil, rbac.Share, with(yours, rbac.Entry("u", me, "admin")), false},
		{"shared with another", nil, rbac.Read, with(yours, rbac.Entry("u", api.NewID(), "use")), false},
		{"a group with my id", nil, rbac.Read, with(yours, rbac.Entry("g", me, "use")), false},
		{"shared with my group", func(s *rbac.Subject) { s.Groups = []api.ID{team} }, rbac.Read, with(yours, rbac.Entry("g", team, "use")), true},
		{"shared with another group", nil, rbac.Read, with(yours, rbac.Entry("g", team, "use")), false},
		{"shared with everyone", nil, rbac.Read, with(yours, rbac.Entry("g", here, "use")), true},
		{"shared in an organization left", nil, rbac.Read, with(away, rbac.Entry("u", me, "use")), false},
		{"a list that is nonsense", nil, rbac.Read, with(yours, "", ":", "use", "u:"+me.String(), "u:"+me.String()+":boss"), false},
		{"template for everyone", nil, rbac.Use, with(template, rbac.TemplateACL(here, nil)...), true},
		{"template for nobody", nil, rbac.Read, with(template, rbac.TemplateACL(here, []string{})...), false},
		{"template for everyone is not to edit", nil, rbac.Update, with(template, rbac.TemplateACL(here, nil)...), false},
		{"owner reads all", site(rbac.RoleOwner), rbac.SSH, rbac.Object{Type: rbac.TypeWorkspace, OrgID: elsewhere, OwnerID: you}, true},
		{"nobody edits the log", site(rbac.RoleOwner), rbac.Update, log, false},
		{"nobody deletes of the log", site(rbac.RoleOwner), rbac.Delete, log, false},
		{"auditor reads the log", site(rbac.RoleAuditor), rbac.Read, log, true},
		{"organization auditor reads its log", org(rbac.RoleOrgAuditor), rbac.Read, log, true},
		{"organization auditor, other log", org(rbac.RoleOrgAuditor), rbac.Read, rbac.Object{Type: rbac.TypeAuditLog, OrgID: elsewhere}, false},
		{"organization admin at home", org(rbac.RoleOrgAdmin), rbac.Delete, yours, true},
		{"organization admin elsewhere", org(rbac.RoleOrgAdmin), rbac.Read, rbac.Object{Type: rbac.TypeTemplate, OrgID: elsewhere}, false},
		{"organization admin on the site", org(rbac.RoleOrgAdmin), rbac.Read, rbac.Object{Type: rbac.TypeUser, OwnerID: you}, false},
		{"ban on creation", org(rbac.RoleOrgCreationBan), rbac.Create, mine, false},
		{"ban on creation does not lock out", org(rbac.RoleOrgCreationBan), rbac.Start, mine, true},
		{"ban beats the organization's admin", func(s *rbac.Subject) { org(rbac.RoleOrgAdmin)(s); org(rbac.RoleOrgCreationBan)(s) }, rbac.Create, mine, false},
		{"ban does not beat the site", func(s *rbac.Subject) { site(rbac.RoleOwner)(s); org(rbac.RoleOrgCreationBan)(s) }, rbac.Create, mine, true},
		{"custom role", custom(inOrg, rbac.Permission{Type: rbac.TypeTemplate, Action: rbac.Update}), rbac.Update, template, true},
		{"custom role, other action", custom(inOrg, rbac.Permission{Type: rbac.TypeTemplate, Action: rbac.Update}), rbac.Delete, template, false},
		{"custom role, other organization", custom(inOrg, rbac.Permission{Type: rbac.TypeTemplate, Action: rbac.Update}), rbac.Update, rbac.Object{Type: rbac.TypeTemplate, OrgID: elsewhere}, false},
		{"custom role for the site", custom(onSite, rbac.Permission{Type: rbac.TypeUser, Action: rbac.Read}), rbac.Read, rbac.Object{Type: rbac.TypeUser, OwnerID: you}, true},
		{"custom role on own things", custom(ofOwn, rbac.Permission{Type: rbac.TypeTemplate, Action: rbac.Any}), rbac.Delete, rbac.Object{Type: rbac.TypeTemplate, OrgID: here, OwnerID: me}, true},
		{"custom role with wildcards", custom(inOrg, rbac.Permission{Type: rbac.Any, Action: rbac.Any}), rbac.Delete, yours, true},
		{"wildcards do not edit the log", custom(inOrg, rbac.Permission{Type: rbac.Any, Action: rbac.Any}), rbac.Delete, log, false},
		{"scope narrows", func(s *rbac.Subject) { s.Scopes = []string{"workspace:read"} }, rbac.SSH, mine, false},
		{"scope admits", func(s *rbac.Subject) { s.Scopes = []string{"workspace:read"} }, rbac.Read, mine, true},
		{"scope never widens", func(s *rbac.Subject) { s.Scopes = []string{"workspace:*"} }, rbac.Read, yours, false},
		{"no scope, no right", func(s *rbac.Subject) { s.Scopes = nil }, rbac.Read, mine, false},
		{"owner kept out", func(s *rbac.Subject) { site(rbac.RoleOwner)(s); s.Deployment.OwnersStayOut = true }, rbac.SSH, yours, false},
		{"owner kept out sees", func(s *rbac.Subject) { site(rbac.RoleOwner)(s); s.Deployment.OwnersStayOut = true }, rbac.Stop, yours, true},
		{"owner kept out, own", func(s *rbac.Subject) { site(rbac.RoleOwner)(s); s.Deployment.OwnersStayOut = true }, rbac.SSH, mine, true},
		{"sharing off", func(s *rbac.Subject) { s.Deployment.NoSharing = true }, rbac.Read, with(yours, rbac.Entry("u", me, "use")), false},
		{"sharing off, templates", func(s *rbac.Subject) { s.Deployment.NoSharing = true }, rbac.Use, with(template, rbac.TemplateACL(here, nil)...), true},
		{"unknown action", site(rbac.RoleOwner), "dance", mine, false},
		{"unknown type", site(rbac.RoleOwner), rbac.Read, rbac.Object{Type: "moon"}, false},
		{"unknown role", site("emperor"), rbac.Read, yours, false},
		{"nobody owns it, nobody asks", func(s *rbac.Subject) { s.UserID = api.ID{} }, rbac.Read, rbac.Object{Type: rbac.TypeUser}, false},
	} {
		assert.Equal(t, tc.want, rbac.Authorize(subject(tc.who), tc.action, tc.object), tc.name)
	}
}

// TestCovers: nobody hands out more than they have.
func TestCovers(t *testing.T) {
	t.Parallel()
	named := func(name string) rbac.Role { r, _ := rbac.OrgRoleNamed(name, here); return r }
	siteNamed := func(name string) rbac.Role { r, _ := rbac.SiteRoleNamed(name); return r }
	wide := rbac.NewRole("wide", here, rbac.Spec{Org: []rbac.Permission{{Type: rbac.Any, Action: rbac.Any}}})
	reach := rbac.NewRole("reach", here, rbac.Spec{Site: []rbac.Permission{{Type: rbac.TypeUser, Action: rbac.Read}}})
	away, _ := rbac.OrgRoleNamed(rbac.RoleOrgAuditor, elsewhere)
	for _, tc := range []struct {
		name string
		who  func(*rbac.Subject)
		role rbac.Role
		want bool
	}{
		{"owner gives owner", site(rbac.RoleOwner), siteNamed(rbac.RoleOwner), true},
		{"owner gives all there is", site(rbac.RoleOwner), wide, true},
		{"owner reaches out", site(rbac.RoleOwner), reach, true},
		{"user admin and auditor", site(rbac.RoleUserAdmin), siteNamed(rbac.RoleAuditor), false},
		{"user admin and organization admin", site(rbac.RoleUserAdmin), named(rbac.RoleOrgAdmin), false},
		{"user admin and organization user admin", site(rbac.RoleUserAdmin), named(rbac.RoleOrgUserAdmin), true},
		{"organization admin gives the same", org(rbac.RoleOrgAdmin), named(rbac.RoleOrgAdmin), true},
		{"organization admin elsewhere", org(rbac.RoleOrgAdmin), away, false},
		{"organization admin cannot reach out", org(rbac.RoleOrgAdmin), reach, false},
		{"organization admin, all there is", org(rbac.RoleOrgAdmin), wide, false},
		{"organization user admin upwards", org(rbac.RoleOrgUserAdmin), named(rbac.RoleOrgAdmin), false},
		{"anybody gives a ban", nil, named(rbac.RoleOrgCreationBan), true},
		{"a narrow token gives nothing", func(s *rbac.Subject) { site(rbac.RoleOwner)(s); s.Scopes = []string{"user:read"} }, named(rbac.RoleOrgAuditor), false},
	} {
		assert.Equal(t, tc.want, rbac.Covers(subject(tc.who), tc.role), tc.name)
	}
}

func BenchmarkAuthorize(b *testing.B) {
	mine := rbac.Object{Type: rbac.TypeWorkspace, ID: api.NewID(), OrgID: here, OwnerID: me}
	template := rbac.Object{Type: rbac.TypeTemplate, ID: api.NewID(), OrgID: here, ACL: rbac.TemplateACL(here, nil)}
	for _, bc := range []struct {
		name   string
		who    rbac.Subject
		action rbac.Action
		object rbac.Object
	}{
		{"own workspace", subject(nil), rbac.SSH, mine},
		{"template for everyone", subject(nil), rbac.Use, template},
		{"owner", subject(site(rbac.RoleOwner)), rbac.Update, template},
		{"denied", subject(nil), rbac.Delete, template},
	} {
		b.Run(bc.name, func(b *testing.B) {
			for b.Loop() {
				rbac.Authorize(bc.who, bc.action, bc.object)
			}
		})
	}
}
