package rbac_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
)

// TestFilterIsAuthorize: a list shows exactly what Authorize lets the subject
// read, for random subjects and objects.
func TestFilterIsAuthorize(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
	orgs := []api.ID{api.NewID(), api.NewID(), {}}
	people := []api.ID{api.NewID(), api.NewID(), {}}
	types := []rbac.Type{rbac.TypeUser, rbac.TypeWorkspace, rbac.TypeTemplate, rbac.TypeAPIKey, rbac.TypeAuditLog, rbac.TypeOrganization}
	site := []string{rbac.RoleOwner, rbac.RoleUserAdmin, rbac.RoleTemplateAdmin, rbac.RoleAuditor}
	org := []string{rbac.RoleOrgAdmin, rbac.RoleOrgUserAdmin, rbac.RoleOrgTemplateAdmin, rbac.RoleOrgAuditor}
	scopes := [][]string{{"all"}, {"user:read"}, {"application_connect"}, {"workspace:*"}, {}}
	allowed := 0
	for range 20000 {
		s := rbac.Subject{UserID: people[r.IntN(2)], OrgRoles: map[api.ID][]string{}, Scopes: scopes[r.IntN(len(scopes))]}
		if r.IntN(2) == 0 {
			s.SiteRoles = []string{site[r.IntN(len(site))]}
		}
		for _, o := range orgs[:2] {
			switch r.IntN(3) {
			case 0:
				s.OrgRoles[o] = nil
			case 1:
				s.OrgRoles[o] = []string{org[r.IntN(len(org))]}
			}
		}
		o := rbac.Object{Type: types[r.IntN(len(types))], ID: api.NewID(), OrgID: orgs[r.IntN(3)], OwnerID: people[r.IntN(3)]}
		want := rbac.Authorize(s, rbac.Read, o)
		if want {
			allowed++
		}
		if got := rbac.FilterFor(s, rbac.Read, o.Type).Matches(o); got != want {
			t.Fatalf("filter says %v, Authorize %v for %+v on %+v", got, want, s, o)
		}
	}
	assert.Greater(t, allowed, 1000, "the question was asked in earnest")
}

func TestScopesCover(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		have, want []string
		covers     bool
	}{
		{[]string{"all"}, []string{"workspace:read", "all"}, true},
		{[]string{"workspace:*"}, []string{"workspace:read", "workspace:*"}, true},
		{[]string{"workspace:*"}, []string{"template:read"}, false},
		{[]string{"workspace:read"}, []string{"workspace:*"}, false},
		{[]string{"workspace:read"}, []string{"all"}, false},
		{[]string{"application_connect"}, []string{"coder:all"}, false},
		{[]string{}, []string{"user:read"}, false},
	} {
		assert.Equal(t, tc.covers, rbac.ScopesCover(tc.have, tc.want), "%v covers %v", tc.have, tc.want)
	}
	for _, s := range rbac.Scopes() {
		assert.True(t, rbac.ValidScope(s), s)
	}
}
