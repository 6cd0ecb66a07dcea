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
	things               []api.ID // ids of objects
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

// allow is the allow-list of a token, or none.
func (w *subjects) allow() rbac.AllowList {
	if w.IntN(2) != 0 {
		return nil
	}
	var out rbac.AllowList
	for range 1 + w.IntN(12) {
		target := rbac.AllowTarget{Type: pick(w, append([]rbac.Type{rbac.Any}, policyTypes...)), ID: rbac.Any}
		if w.IntN(4) != 0 {
			target.ID = pick(w, append([]api.ID{{}}, w.things...)).String()
		}
		out = append(out, target)
	}
	return out
}

func (w *subjects) subject() rbac.Subject {
	s := rbac.Subject{UserID: pick(w, w.people), OrgRoles: map[api.ID][]string{},
		Scopes: pick(w, [][]string{{"all"}, {"all"}, {"all"}, {"user:read", "template:use"}, {"application_connect"}, {"workspace:*"}, {}})}
	s.Allow = w.allow()
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
	o := rbac.Object{Type: pick(w, policyTypes), ID: pick(w, append([]api.ID{{}}, w.things...)), OrgID: pick(w, append([]api.ID{{}}, w.orgs...)), OwnerID: pick(w, append([]api.ID{{}}, w.people...))}
	for range w.IntN(4) {
		kind, id := rbac.GranteeUser, pick(w, w.people)
		if w.IntN(2) == 0 {
			kind, id = rbac.GranteeGroup, pick(w, append(slices.Clone(w.orgs), w.groups...))
		}
		o.ACL = append(o.ACL, pick(w, []string{rbac.Entry(kind, id, rbac.ACLUse), rbac.Entry(kind, id, rbac.ACLAdmin), rbac.Entry(kind, id, "boss"), "nonsense"}))
	}
	return o
}

// TestPolicyAgrees: Authorize in memory, the filter in memory and rbac_visible with
// rbac_named in Postgres decide alike, for random subjects, actions and objects. The
// filter of lists that do not look at ids shows no more.
func TestPolicyAgrees(t *testing.T) {
	t.Parallel()
	const cases = 100_000
	w := &subjects{Rand: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // repeatable on purpose
	for range 3 {
		w.orgs, w.people, w.groups = append(w.orgs, api.NewID()), append(w.people, api.NewID()), append(w.groups, api.NewID())
		w.things = append(w.things, api.NewID())
	}
	named := 0
	want, rows := []int32{}, make([][]any, 0, cases)
	for n := range int32(cases) {
		s, a, o := w.subject(), pick(w, policyActions), w.object()
		f := rbac.ListFor(s, a, o.Type)
		allowed := rbac.Authorize(s, a, o)
		if allowed {
			want = append(want, n)
		}
		if f.Matches(o) != allowed {
			t.Fatalf("the filter says %v, Authorize %v, for %+v, %s of %+v", !allowed, allowed, s, a, o)
		}
		if whole := rbac.FilterFor(s, a, o.Type); whole.Matches(o) && !allowed || f.Anything && whole.Matches(o) != allowed {
			t.Fatalf("the filter without ids says %v, for %+v, %s of %+v", !allowed, s, a, o)
		}
		if allowed && !f.Anything {
			named++
		}
		rows = append(rows, []any{n, f.All, f.Orgs, f.Owner, f.MemberOf, f.AtLarge, f.SharedIn, f.Entries, f.Anything, f.Named,
			optional(o.OrgID), optional(o.OwnerID), o.ACL, optional(o.ID)})
	}
	require.Greater(t, len(want), cases/25, "the question was asked in earnest")
	require.Less(t, len(want), cases*9/10)
	require.Greater(t, named, cases/500, "also of allow-lists that name single objects")

	conn, err := pgx.Connect(t.Context(), dbtest.URL(t))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `create temp table cases (n int, everything boolean, orgs uuid[], owner uuid, member_of uuid[],
		at_large boolean, shared_in uuid[], entries text[], anything boolean, named uuid[], org uuid, owned_by uuid, acl text[], id uuid)`)
	require.NoError(t, err)
	_, err = conn.CopyFrom(t.Context(), pgx.Identifier{"cases"}, []string{"n", "everything", "orgs", "owner", "member_of", "at_large",
		"shared_in", "entries", "anything", "named", "org", "owned_by", "acl", "id"}, pgx.CopyFromRows(rows))
	require.NoError(t, err)
	var got []int32
	require.NoError(t, conn.QueryRow(t.Context(), `select array_agg(n order by n) from cases
		where rbac_visible(everything, orgs, owner, member_of, at_large, shared_in, entries, org, owned_by, acl) and rbac_named(anything, named, id)`).Scan(&got))
	require.Equal(t, len(want), len(got))
	require.True(t, slices.Equal(want, got), "Postgres decides otherwise")

	// Lists can use indexes only if the planner sees through the function.
	plan, err := conn.Query(t.Context(), `explain verbose select n from cases
		where rbac_visible(everything, orgs, owner, member_of, at_large, shared_in, entries, org, owned_by, acl) and rbac_named(anything, named, id)`)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(plan, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotContains(t, strings.Join(lines, "\n"), "rbac_", "the conditions are not inlined")
}

func optional(id api.ID) *api.ID {
	if id.IsZero() {
		return nil
	}
	return &id
}
