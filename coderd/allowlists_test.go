package coderd_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
)

// TestListsUnderAllowLists: a token whose allow-list names single objects lists
// these, as far as its user may read them, and nothing else.
func TestListsUnderAllowLists(t *testing.T) {
	t.Parallel()
	w := &world{T: t, d: coderdtest.New(t)}
	w.owner = w.d.FirstUser(t)
	bob := w.d.NewUser(t, w.owner, "bob")
	w.daemon = jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "test", Wait: 20 * time.Second}
	w.file = read[api.UploadResponse](w, w.ok(request{w.owner, "POST", "/api/v2/files", archiveOf(t)})).ID
	one, two := w.newTemplate("one"), w.newTemplate("two")
	workspace := func(by *coderdtest.Client, template api.ID, name string) api.ID {
		return coderdtest.Do[api.Workspace](t, by, http.StatusCreated, "POST", "/api/v2/users/me/workspaces",
			api.CreateWorkspaceRequest{Name: name, TemplateID: template}).ID
	}
	mine, other, owned := workspace(bob, one, "mine"), workspace(bob, two, "other"), workspace(w.owner, one, "owned")
	lab := coderdtest.Do[api.Organization](t, w.owner, http.StatusCreated, "POST", "/api/v2/organizations", api.CreateOrganizationRequest{Name: "lab"})
	home := bob.User.OrganizationIDs[0]
	group := coderdtest.Do[api.Group](t, w.owner, http.StatusCreated, "POST", inOrg+"/groups", api.CreateGroupRequest{Name: "team"})

	lists := func(by *coderdtest.Client) map[string][]api.ID {
		out := map[string][]api.ID{}
		all := coderdtest.Do[api.WorkspacesResponse](t, by, http.StatusOK, "GET", "/api/v2/workspaces", nil)
		for _, x := range all.Workspaces {
			out["workspace"] = append(out["workspace"], x.ID)
		}
		assert.Equal(t, len(all.Workspaces), all.Count)
		for _, x := range coderdtest.Do[[]api.Template](t, by, http.StatusOK, "GET", "/api/v2/templates", nil) {
			out["template"] = append(out["template"], x.ID)
		}
		for _, x := range coderdtest.Do[[]api.Organization](t, by, http.StatusOK, "GET", "/api/v2/organizations", nil) {
			out["organization"] = append(out["organization"], x.ID)
		}
		for _, x := range coderdtest.Do[[]api.Group](t, by, http.StatusOK, "GET", "/api/v2/groups", nil) {
			out["group"] = append(out["group"], x.ID)
		}
		for _, x := range coderdtest.Do[api.UsersResponse](t, by, http.StatusOK, "GET", "/api/v2/users", nil).Users {
			out["user"] = append(out["user"], x.ID)
		}
		return out
	}
	id := func(kind string, of ...api.ID) (out []api.AllowListTarget) {
		for _, o := range of {
			out = append(out, api.AllowListTarget{Type: kind, ID: o.String()})
		}
		return out
	}
	for _, tc := range []struct {
		name  string
		by    *coderdtest.Client
		allow []api.AllowListTarget
		want  map[string][]api.ID
	}{
		{"a member's", bob, slicesJoined(id("workspace", mine, owned), id("template", two), id("organization", home, lab.ID)),
			map[string][]api.ID{"workspace": {mine}, "template": {two}, "organization": {home}}},
		{"an owner's", w.owner, slicesJoined(id("workspace", mine, owned), id("group", group.ID), id("user", bob.User.ID), id("organization", lab.ID)),
			map[string][]api.ID{"workspace": {owned, mine}, "group": {group.ID}, "user": {bob.User.ID}, "organization": {lab.ID}}},
		{"the group of all", bob, id("group", home), map[string][]api.ID{"group": {home}}},
		{"what is not there", bob, id("workspace", api.NewID()), map[string][]api.ID{}},
		{"another type's ids", w.owner, id("template", mine, other), map[string][]api.ID{}},
		{"all of a type and one", bob, slicesJoined([]api.AllowListTarget{{Type: "workspace", ID: "*"}}, id("template", one)),
			map[string][]api.ID{"workspace": {other, mine}, "template": {one}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key := coderdtest.Do[api.GenerateKeyResponse](t, tc.by, http.StatusCreated, "POST", "/api/v2/users/me/keys/tokens",
				api.CreateTokenRequest{AllowList: tc.allow})
			got := lists(w.d.Client(key.Key))
			for _, kind := range []string{"workspace", "template", "organization", "group", "user"} {
				assert.ElementsMatch(t, tc.want[kind], got[kind], kind)
			}
		})
	}
	everything := lists(w.owner)
	require.Len(t, everything["workspace"], 3)
	require.Len(t, everything["template"], 2)
}

func slicesJoined[T any](lists ...[]T) (out []T) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// ok sends a request that must succeed.
func (w *world) ok(r request) []byte {
	w.Helper()
	status, text := w.send(r)
	require.Less(w, status, 300, "%s %s: %s", r.method, r.path, text)
	return text
}

// newTemplate makes a template with an imported version.
func (w *world) newTemplate(name string) api.ID {
	w.Helper()
	v := coderdtest.Do[api.TemplateVersion](w, w.owner, http.StatusCreated, "POST", inOrg+"/templateversions",
		api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", FileID: w.file})
	w.imported()
	return coderdtest.Do[api.Template](w, w.owner, http.StatusCreated, "POST", inOrg+"/templates",
		api.CreateTemplateRequest{Name: name, VersionID: v.ID}).ID
}
