package coderd_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/httpapi"
	"coder.internal/database"
)

// listsOwn are routes that answer a member too, with what they may see.
var listsOwn = map[string]bool{
	"GET /api/v2/workspaces/watch-ws": true,
	"GET /api/v2/users":               true,
	"GET /api/v2/organizations":       true,
	"GET /api/v2/workspaces":          true,
	"GET /api/v2/groups":              true,
}

// bodies are what routes need to get past the check of their input; the others
// get an empty object.
var bodies = map[string]any{
	"POST /api/v2/users":                   api.CreateUserRequest{Username: "carol", Email: "carol@example.com", Password: coderdtest.Password},
	"PUT /api/v2/users/{user}/profile":     api.UpdateUserProfileRequest{Username: "mallory"},
	"PUT /api/v2/users/{user}/password":    api.UpdateUserPasswordRequest{Password: coderdtest.Password},
	"PUT /api/v2/users/{user}/appearance":  api.UpdateUserAppearanceSettingsRequest{ThemePreference: "dark"},
	"PUT /api/v2/users/{user}/quiet-hours": api.UpdateUserQuietHoursRequest{},
	"PUT /api/v2/users/{user}/roles":       api.UpdateRolesRequest{Roles: []string{"owner"}},

	"POST /api/v2/users/{user}/workspaces":                                api.CreateWorkspaceRequest{Name: "dev", TemplateID: api.NewID()},
	"POST /api/v2/organizations/{organization}/members/{user}/workspaces": api.CreateWorkspaceRequest{Name: "dev", TemplateID: api.NewID()},
	"POST /api/v2/workspaces/{workspace}/builds":                          api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart},
	"POST /api/v2/workspaces/{workspace}/port-share":                      api.UpsertPortShareRequest{AgentName: "main", Port: 8080, ShareLevel: api.ShareLevelOwner},
	"DELETE /api/v2/workspaces/{workspace}/port-share":                    api.DeletePortShareRequest{AgentName: "main", Port: 8080},
	"POST /api/v2/workspaces/{workspace}/plan":                            api.PlanWorkspaceRequest{Transition: api.TransitionStart},
	"POST /api/v2/templates/{template}/versions/archive":                  api.ArchiveTemplateVersionsRequest{All: true},
	"PUT /api/v2/workspacebuilds/{workspacebuild}/state":                  api.UpdateWorkspaceBuildStateRequest{State: []byte("{}")},
	"POST /api/v2/organizations/{organization}/templates":                 api.CreateTemplateRequest{Name: "mine", VersionID: api.NewID()},
	"POST /api/v2/organizations/{organization}/templateversions":          api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", ExampleID: "host"},
	"POST /api/v2/organizations/{organization}/provisionerkeys":           api.CreateProvisionerKeyRequest{Name: "mine"},
	"POST /api/v2/external-auth/{externalauth}/device":                    api.ExternalAuthDeviceExchange{DeviceCode: "code"},
	"PATCH /api/v2/templates/{template}/versions":                         api.UpdateActiveTemplateVersionRequest{ID: api.NewID()},

	"POST /api/v2/organizations":                                    api.CreateOrganizationRequest{Name: "mine"},
	"POST /api/v2/organizations/{organization}/groups":              api.CreateGroupRequest{Name: "mine"},
	"POST /api/v2/organizations/{organization}/members/roles":       customRole,
	"PUT /api/v2/organizations/{organization}/members/roles":        customRole,
	"PUT /api/v2/organizations/{organization}/members/{user}/roles": api.UpdateRolesRequest{Roles: []string{"organization-admin"}},
}

var customRole = api.CustomRoleRequest{Name: "helper", OrganizationPermissions: []api.Permission{{ResourceType: "template", Action: "read"}}}

var placeholder = regexp.MustCompile(`\{[^}]+\}`)

// TestRules walks the route table: anonymous callers get 401 everywhere but on
// public routes, and a plain member gets 403 or 404 on what is not theirs.
func TestRules(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	member := d.NewUser(t, owner, "bob")
	strange, err := d.DB.InsertOrganization(t.Context(), database.InsertOrganizationParams{ID: api.NewID(), Name: "strangers"})
	require.NoError(t, err)
	coderdtest.Do[api.GenerateKeyResponse](t, owner, http.StatusCreated, http.MethodPost, "/api/v2/users/me/keys/tokens", api.CreateTokenRequest{TokenName: "ci"})
	keyID, _, _ := strings.Cut(owner.Token.Reveal(), "-")
	values := map[string]string{"{user}": "admin", "{organization}": strange.ID.String(), "{organizationname}": "coder", "{keyname}": "ci", "{keyid}": keyID, "{buildnumber}": "1"}

	for _, r := range d.Server.Routes() {
		name := r.Method + " " + r.Path
		path := placeholder.ReplaceAllStringFunc(r.Path, func(p string) string {
			if v, ok := values[p]; ok {
				return v
			}
			return api.NewID().String()
		})
		if r.Rule.IsPublic() {
			continue
		}
		body := bodyOf(r, name)
		res, text := d.Client("").Raw(t, r.Method, path, body)
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s answered an anonymous caller %s", name, text)
		if r.Rule.IsAgent() {
			res, text := member.Raw(t, r.Method, path, body)
			assert.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s answered a user %s", name, text)
		}
		if r.Rule.IsNeeds() && !listsOwn[name] || r.Rule.IsDaemon() {
			res, text := member.Raw(t, r.Method, path, body)
			assert.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, res.StatusCode, "%s answered a stranger %s", name, text)
		}
	}
}

func bodyOf(r httpapi.Route, name string) any {
	if b, ok := bodies[name]; ok {
		return b
	}
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		return nil
	}
	return struct{}{}
}

// TestHiddenLooksAbsent: names that exist and names that do not are told apart
// by nobody who may not read them.
func TestHiddenLooksAbsent(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	member := d.NewUser(t, owner, "bob")
	for _, path := range []string{"", "/organizations", "/keys/tokens", "/keys/tokens/tokenconfig", "/roles"} {
		hidden, hiddenText := member.Raw(t, http.MethodGet, "/api/v2/users/admin"+path, nil)
		absent, absentText := member.Raw(t, http.MethodGet, "/api/v2/users/nobody"+path, nil)
		assert.Equal(t, absent.StatusCode, hidden.StatusCode, path)
		assert.Equal(t, string(absentText), string(hiddenText), path)
	}
	hidden, _ := member.Raw(t, http.MethodPost, "/api/v2/users/admin/keys/tokens", api.CreateTokenRequest{})
	assert.Equal(t, http.StatusNotFound, hidden.StatusCode)
}

func TestPublicPages(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	anonymous := d.Client("")

	res, text := anonymous.Raw(t, http.MethodGet, "/healthz", nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, "OK", string(text))
	assert.True(t, coderdtest.Do[api.Readiness](t, anonymous, http.StatusOK, http.MethodGet, "/readyz", nil).Ready)

	info := coderdtest.Do[api.BuildInfo](t, anonymous, http.StatusOK, http.MethodGet, "/api/v2/buildinfo", nil)
	assert.NotEmpty(t, info.Version)
	assert.Equal(t, d.URL.String(), info.DashboardURL)
	again, err := coderd.DeploymentID(t.Context(), d.DB)
	require.NoError(t, err)
	assert.Equal(t, again.String(), info.DeploymentID)

	coderdtest.Do[api.Response](t, anonymous, http.StatusOK, http.MethodGet, "/api/v2/", nil)
	e := coderdtest.Do[api.Error](t, anonymous, http.StatusNotFound, http.MethodGet, "/api/v2/nowhere", nil)
	assert.Equal(t, api.CodeNotFound, e.Code)

	ssh := coderdtest.Do[api.SSHConfig](t, d.FirstUser(t), http.StatusOK, http.MethodGet, "/api/v2/deployment/ssh", nil)
	assert.Equal(t, "coder.", ssh.HostnamePrefix)
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	a, err := coderd.Describe()
	require.NoError(t, err)
	b, err := coderd.Describe()
	require.NoError(t, err)
	assert.JSONEq(t, string(a), string(b))
	var doc struct{ Paths map[string]map[string]any }
	require.NoError(t, json.Unmarshal(a, &doc))
	for _, r := range coderdtest.New(t).Server.Routes() {
		assert.Contains(t, doc.Paths[r.Path], strings.ToLower(r.Method), "%s %s is not described", r.Method, r.Path)
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := coderd.New(coderd.Options{})
	require.Error(t, err)
	for _, part := range []string{"Log", "Deployment.ID", "Auth", "Users", "Audit", "Agents"} {
		assert.Contains(t, err.Error(), part)
	}
}

// TestBadInputNamesTheField covers what the decoder itself refuses.
func TestBadInputNamesTheField(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	for _, tc := range []struct {
		body  any
		field string
	}{
		{map[string]any{"password": "x"}, "email"},
		{map[string]any{"email": "a@b.c"}, "password"},
		{map[string]any{"email": 7, "password": "x"}, "email"},
		{map[string]any{"email": strings.Repeat("x", 400), "password": "x"}, "email"},
	} {
		e := coderdtest.Do[api.Error](t, d.Client(""), http.StatusBadRequest, http.MethodPost, "/api/v2/users/login", tc.body)
		require.NotEmpty(t, e.Validations)
		assert.Equal(t, tc.field, e.Validations[0].Field, "%+v", e)
	}
	huge := map[string]any{"email": strings.Repeat("x", 2<<20)}
	over := coderdtest.Do[api.Error](t, d.Client(""), http.StatusRequestEntityTooLarge, http.MethodPost, "/api/v2/users/login", huge)
	require.Equal(t, "The body of the request is too large. Send at most 1 MiB.", over.Message)
	require.Equal(t, []api.ValidationError{{Field: "body", Detail: "Send at most 1 MiB."}}, over.Validations)
}
