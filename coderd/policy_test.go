package coderd_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database/dbtest"
)

// subjects is a small one, so that random subjects and objects meet.
type subjects struct {
	*rand.Rand
	orgs, people, groups []api.ID
}

func pick[T any](w *subjects, from []T) T { return from[w.IntN(len(from))] }

var policyTypes = []rbac.Type{rbac.TypeUser, rbac.TypeOrganization, rbac.TypeOrganizationMember, rbac.TypeAPIKey, rbac.TypeTemplate,
	rbac.TypeFile, rbac.TypeWorkspace, rbac.TypeProvisionerDaemon, rbac.TypeProvisionerJob, rbac.TypeAuditLog, rbac.TypeGroup, "moon"}

var policyActions = []rbac.Action{rbac.Read, rbac.Read, rbac.Read, rbac.Use, rbac.Create, rbac.Update, rbac.Delete, rbac.SSH, rbac.Share, "dance"}

func (w *subjects) permissions() []rbac.Permission {
	out := make([]rbac.Permission, w.IntN(3))
	for i := range out {
		out[i] = rbac.Permission{Type: pick(w, append([]rbac.Type{rbac.Any}, policyTypes...)), Action: pick(w, append([]rbac.Action{rbac.Any}, policyActions...))}
	}
	return out
}

func (w *subjects) subject() rbac.Subject {
	s := rbac.Subject{UserID: pick(w, w.people), OrgRoles: map[api.ID][]string{},
		Scopes: pick(w, [][]string{{"all"}, {"all"}, {"all"}, {"user:read", "template:use"}, {"application_connect"}, {"workspace:*"}, {}})}
	s.Deployment = rbac.Deployment{OwnersStayOut: w.IntN(5) == 0, NoSharing: w.IntN(5) == 0}
	if w.IntN(4) == 0 {
		s.SiteRoles = []string{pick(w, append(rbac.SiteRoleNames(), "emperor"))}
	}
	for _, g := range w.groups {
		if w.IntN(3) == 0 {
			s.Groups = append(s.Groups, g)
		}
	}
	for _, o := range w.orgs {
		if w.IntN(3) == 0 {
			continue
		}
		s.OrgRoles[o] = []string{}
		for range w.IntN(3) {
			s.OrgRoles[o] = append(s.OrgRoles[o], pick(w, append(rbac.OrgRoleNames(), "emperor")))
		}
		if w.IntN(3) == 0 {
			spec := rbac.Spec{Org: w.permissions(), Member: w.permissions(), User: w.permissions()}
			if w.IntN(4) == 0 {
				spec.Site = w.permissions()
			}
			s.OrgRoles[o] = append(s.OrgRoles[o], "custom")
			s.Custom = append(s.Custom, rbac.NewRole("custom", o, spec))
		}
	}
	return s
}

func (w *subjects) object() rbac.Object {
	o := rbac.Object{Type: pick(w, policyTypes), ID: api.NewID(), OrgID: pick(w, append([]api.ID{{}}, w.orgs...)), OwnerID: pick(w, append([]api.ID{{}}, w.people...))}
	for range w.IntN(4) {
		kind, id := rbac.GranteeUser, pick(w, w.people)
		if w.IntN(2) == 0 {
			kind, id = rbac.GranteeGroup, pick(w, append(slices.Clone(w.orgs), w.groups...))
		}
		o.ACL = append(o.ACL, pick(w, []string{rbac.Entry(kind, id, rbac.ACLUse), rbac.Entry(kind, id, rbac.ACLAdmin), rbac.Entry(kind, id, "boss"), "nonsense"}))
	}
	return o
}

// TestPolicyAgrees: Authorize in memory, the filter in memory and rbac_visible in
// Postgres decide alike, for random subjects, actions and objects.
func TestPolicyAgrees(t *testing.T) {
	t.Parallel()
	const cases = 100_000
	w := &subjects{Rand: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // repeatable on purpose
	for range 3 {
		w.orgs, w.people, w.groups = append(w.orgs, api.NewID()), append(w.people, api.NewID()), append(w.groups, api.NewID())
	}
	want, rows := []int32{}, make([][]any, 0, cases)
	for n := range int32(cases) {
		s, a, o := w.subject(), pick(w, policyActions), w.object()
		f := rbac.FilterFor(s, a, o.Type)
		allowed := rbac.Authorize(s, a, o)
		if allowed {
			want = append(want, n)
		}
		if f.Matches(o) != allowed {
			t.Fatalf("the filter says %v, Authorize %v, for %+v, %s of %+v", !allowed, allowed, s, a, o)
		}
		rows = append(rows, []any{n, f.All, f.Orgs, f.Owner, f.MemberOf, f.AtLarge, f.SharedIn, f.Entries, optional(o.OrgID), optional(o.OwnerID), o.ACL})
	}
	require.Greater(t, len(want), cases/20, "the question was asked in earnest")
	require.Less(t, len(want), cases*9/10)

	conn, err := pgx.Connect(t.Context(), dbtest.URL(t))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `create temp table cases (n int, everything boolean, orgs uuid[], owner uuid, member_of uuid[],
		at_large boolean, shared_in uuid[], entries text[], org uuid, owned_by uuid, acl text[])`)
	require.NoError(t, err)
	_, err = conn.CopyFrom(t.Context(), pgx.Identifier{"cases"}, []string{"n", "everything", "orgs", "owner", "member_of", "at_large",
		"shared_in", "entries", "org", "owned_by", "acl"}, pgx.CopyFromRows(rows))
	require.NoError(t, err)
	var got []int32
	require.NoError(t, conn.QueryRow(t.Context(), `select array_agg(n order by n) from cases
		where rbac_visible(everything, orgs, owner, member_of, at_large, shared_in, entries, org, owned_by, acl)`).Scan(&got))
	require.Equal(t, len(want), len(got))
	require.True(t, slices.Equal(want, got), "Postgres decides otherwise")

	// Lists can use indexes only if the planner sees through the function.
	plan, err := conn.Query(t.Context(), `explain verbose select n from cases
		where rbac_visible(everything, orgs, owner, member_of, at_large, shared_in, entries, org, owned_by, acl)`)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(plan, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotContains(t, strings.Join(lines, "\n"), "rbac_visible", "the condition is not inlined")
}

func optional(id api.ID) *api.ID {
	if id.IsZero() {
		return nil
	}
	return &id
}
